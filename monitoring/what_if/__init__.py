"""What another policy would have done: history replayed under it, measured where it can be known, refused elsewhere."""
