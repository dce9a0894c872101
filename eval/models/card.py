"""What a report says of a model."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["local", "adapter", "served", "written"]
"""A folder, a base with an adapter, an OpenAI-compatible server, a file of finished texts."""

Asked = Literal["prefilled", "in words", "unknown"]
"""How the first half was given: as the answer already begun, or as part of a request."""


class ModelCard(BaseModel):
    """What a report says of a model: enough to find it again, and to judge a comparison by."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    where: str
    """A folder, an address without secrets, or a file."""
    hash: str
    """Of weights that lie here, of what a server says that it serves, or of a file."""
    asked: Asked
    own_tokenizer: bool = False
    """True: its token counts differ from the other models', so only bits per byte compare."""
    settings: dict[str, str | int | float] = {}
    """What else its answers depend on: dtype, device, batch size, …"""
