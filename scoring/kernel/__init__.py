"""Compiled inner loops of the explainer."""

LANES = 4
"""Numbers that are taken together, as one vector."""
