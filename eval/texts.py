"""A text, and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One text of a brand, of a model, or of anybody else."""

    id: str
    group: str
    """Its source document. Texts of one document are never on both sides of a split, and count as
    one in every resample."""
    text: str
