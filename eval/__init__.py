"""Measures on held-out text whether the tuned model sounds like the brand."""
