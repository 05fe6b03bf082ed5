"""Families of models, one file each, behind one small protocol."""
