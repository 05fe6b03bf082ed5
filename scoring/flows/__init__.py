"""Patterns in a graph of payments, found without labels: money that gathers, scatters, passes through, comes back."""
