"""The `brand.toml` that `onbrand init` writes: every key, its meaning, its default."""

import tomlkit
from pydantic.fields import FieldInfo

from onbrand.config import BrandConfig

_HEAD = """\
# Everything Onbrand does for this brand follows from this file.
# A line that starts with # shows a default; remove the # to change it.
# Secrets (APIFY_TOKEN, HF_TOKEN, …) never go here: put them in the environment or in .env.
"""


def brand_toml(name: str, start_urls: list[str]) -> str:
    """The text of a new `brand.toml` with the given values set and all others as comments."""
    given = {("brand", "name"): name, ("website", "start_urls"): start_urls}
    parts = [_HEAD]
    for section, section_field in BrandConfig.model_fields.items():
        model = section_field.annotation
        parts.append(f"\n# {(model.__doc__ or '').splitlines()[0]}\n[{section}]\n")
        for key, field in model.model_fields.items():  # type: ignore[union-attr]
            parts.append(_line(key, field, given.get((section, key))))
    return "".join(parts)


def _line(key: str, field: FieldInfo, given: object) -> str:
    shown = given or key == "name"
    # An empty table would be written as its header, and so as nothing.
    value = tomlkit.item(given or field.default).as_string() or "{}"
    return f"{'' if shown else '# '}{key} = {value}  # {field.description}\n"
