"""Risk of payment channels: how each one loses, is defrauded, disputed and fails, period by period."""
