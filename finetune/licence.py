"""The licence of a base model, as its folder tells it."""

from dataclasses import dataclass
from pathlib import Path

from finetune.front_matter import front_matter
from onbrand.base_models import EMBEDDED

_FILES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
_OPENINGS = {
    "apache license version 2.0": "apache-2.0",
    "mit license": "mit",
}
"""Licences told by their first words, white space and punctuation aside."""


@dataclass(frozen=True)
class Licence:
    """What the hub's model card calls `license`, `license_name` and `license_link`."""

    identifier: str | None
    name: str | None = None
    link: str | None = None

    def __str__(self) -> str:
        """For a sentence."""
        return self.name or self.identifier or "unknown"


def licence_of(base: str, folder: Path) -> Licence:
    """The licence of the model `[model] base` = `base` that lies in `folder`.

    From its card, else from its licence file; of an embedded model it is known.
    """
    if base in EMBEDDED:
        return Licence(EMBEDDED[base].licence.lower())
    return _of_card(folder / "README.md") or _of_files(folder) or Licence(None)


def licence_files(folder: Path) -> list[Path]:
    """Files that have to go wherever the model goes."""
    return sorted(path for pattern in _FILES for path in folder.glob(pattern) if path.is_file())


def _of_card(path: Path) -> Licence | None:
    data = front_matter(path)
    identifier = data.get("license")
    if not isinstance(identifier, str):
        return None
    return Licence(identifier, data.get("license_name"), data.get("license_link"))


def _of_files(folder: Path) -> Licence | None:
    for path in licence_files(folder):
        if not path.name.startswith("LICEN"):
            continue
        opening = path.read_text(encoding="utf-8", errors="replace")[:400].lower()
        words = " ".join("".join(c if c.isalnum() or c == "." else " " for c in opening).split())
        for begins, identifier in _OPENINGS.items():
            if words.startswith(begins):
                return Licence(identifier)
        return Licence("other", "see-" + path.name.lower(), path.name)
    return None
