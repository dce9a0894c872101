"""Several adapters on one base: which there are, which answers whom, and loading them."""
