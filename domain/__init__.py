"""The nouns every station shares: events, money, time, labels, decisions, errors, settings."""
