"""From raw texts to records: each step keeps a record, or drops it with a reason."""
