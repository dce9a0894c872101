"""What a hashtag is, in any script."""

HASHTAG = r"[#＃][\p{L}\p{N}_][\p{L}\p{M}\p{N}_\u200c\u200d]*"
"""A pattern for the package `regex`; Python's `re` has no character classes of Unicode."""
