"""Calculators: fit on a reference, calculate about a chunk; all of them are discovered and sit one exam."""
