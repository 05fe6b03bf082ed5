"""Customers' money: the platform's ledger against the custodian's statement, and how far it reaches."""
