"""The main text of a page: which of its blocks are what it was written for, as Markdown."""
