"""Compiled inner loops of the scorer and the explainer."""

LANES = 4
"""Numbers that are taken together, as one vector."""

TOGETHER = 8
"""Trees that are walked in step."""
