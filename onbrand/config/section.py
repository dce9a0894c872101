"""What every section of `brand.toml` is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, lt=0.5)]


class Section(BaseModel):
    """A section of `brand.toml`: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # `rank = true` is a slip, not 1; a float still takes a whole number
        allow_inf_nan=False,
    )
