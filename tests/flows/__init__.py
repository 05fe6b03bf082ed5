"""Tests that go through several stations."""
