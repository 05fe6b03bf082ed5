"""Everything that looks back at decisions, outcomes and models."""
