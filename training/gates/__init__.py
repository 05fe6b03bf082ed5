"""Promotion gates, a file a family: each gives a value, its limit with the limit's source, and a verdict."""
