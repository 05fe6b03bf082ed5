"""The simulator: a payment platform and a lender whose fraud and defaults follow stories."""
