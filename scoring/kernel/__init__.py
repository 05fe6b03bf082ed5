"""Compiled inner loops of the explainer."""

LANES = 8
"""Numbers that are taken together, as one vector or two."""
