"""Collects what a brand says in public and turns it into a data set with an honest holdout."""
