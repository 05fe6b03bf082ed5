"""What is remembered and read: one view per file, discovered by the catalogue."""
