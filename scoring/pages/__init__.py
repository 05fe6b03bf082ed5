"""Pages that people read: one visual language, one catalogue of words in Chinese and English, one kind of statistic."""
