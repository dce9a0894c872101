"""The story of one record: where it was found, what each step did to it, and where it ended."""
