"""Fraud that follows stories: each file tells one, as payments and as what happens around them."""
