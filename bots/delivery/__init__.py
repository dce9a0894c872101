"""Each question is answered once: the ledger, what a crash left open, limits on floods."""
