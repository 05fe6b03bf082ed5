"""Indicators of the early warning, one file each subject; a file with `INDICATORS` is part of the watch."""
