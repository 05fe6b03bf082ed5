"""The model report: evidence in, one self-contained page and the same numbers as JSON out."""
