"""Views of a loan application."""
