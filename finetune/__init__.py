"""Tunes a base model to a brand's tone, and merges the result."""
