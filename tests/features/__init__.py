"""Exams of the feature engine."""
