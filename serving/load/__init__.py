"""Load: requests sent at moments fixed beforehand, and what became of them against the promise."""
