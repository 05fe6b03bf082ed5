"""Oversight: a small site of pages about a period, one page a station, discovered; and their JSON."""
