"""Disclosure: what a platform tells the public each period, and what the card of one borrower says."""
