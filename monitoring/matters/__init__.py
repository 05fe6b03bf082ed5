"""Figures of cases, complaints and tickets: promises kept, satisfaction, repeats, throughput."""
