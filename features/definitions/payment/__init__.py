"""Views of a payment request."""
