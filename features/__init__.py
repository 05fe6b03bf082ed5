"""Declarations (what), one compiled kernel (how), its two clocks (replay, online), the catalogue."""
