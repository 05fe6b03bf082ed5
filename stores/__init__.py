"""Journal, snapshots, bundles, ledger: they read, append and point; no business rule lives here."""
