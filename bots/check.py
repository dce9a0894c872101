"""What `onbrand bot … check` finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    what: str
    """What is there or missing, in words: `The scope chat:write is missing.`"""
    remedy: str = ""
    """What a person clicks or types to put it right; empty when it is good."""
