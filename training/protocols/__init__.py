"""Published protocols on public data, followed to the row."""
