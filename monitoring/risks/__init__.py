"""The risk register as code: what is feared, what holds it, and what the early warning says of it today."""
