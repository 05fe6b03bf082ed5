"""The BentoML service: doors, admission, group commit, degradation, client."""
