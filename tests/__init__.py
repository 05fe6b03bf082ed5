"""Tests mirror the packages: the path of a module tells the path of its test."""
