"""Tests of the intake audit."""
