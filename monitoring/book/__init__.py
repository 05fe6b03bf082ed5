"""The credit book: loans as they are known, how they age, what they may cost, and what is held against it."""
