"""Families of models, one file each, behind one small protocol; `catalogue.make` gives one by its name."""
