"""From what a person types to a model: `base`, `tuned`, a folder, an address, a file.

Checked before anything is loaded: a model that is not there is said at once, not after an hour.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eval.report.schema import BASE, BRAND, NULLS
from onbrand.address import gateway_url
from onbrand.artifact import required_manifest
from onbrand.errors import OnbrandError, UsageError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace

if TYPE_CHECKING:
    from eval.half_split import DecodingTokenizer
    from eval.models.model import Model

FORMS = (
    "base, tuned, adapter, gateway, a model's or adapter's folder, "
    "an OpenAI-compatible address such as http://localhost:8000/v1#NAME, "
    "or a .jsonl file of continuations"
)
RESERVED = (BASE, BRAND, *NULLS)
"""Names of rows that mean something by themselves."""
_NAMED = re.compile(r"([\w.-]+)=(.+)", re.DOTALL)
_NO_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Named:
    """A model that was asked for."""

    name: str
    form: Literal["local", "served", "gateway", "written"]
    where: Path | str
    """A folder or file; an address with the model's name behind a `#`."""
    hash: str
    """Of what lies in the folder or file; empty for a server, which is asked later."""
    adapter: Path | None = None
    """On top of the model in the folder."""


def resolve_all(specs: Sequence[str], workspace: Workspace, base: Path) -> list[Named]:
    """The models, in the order in which they were asked for.

    Raises:
        UsageError: one is none of `FORMS`, or two have the same name.
        OnbrandError: one is not there.
    """
    found = [resolve(spec, workspace, base) for spec in specs]
    names = [named.name for named in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Two models are called {name}; give one another name, as in other={name}."
            )
    return found


def resolve(spec: str, workspace: Workspace, base: Path) -> Named:
    """One model. Its name stands in front, as in `mine=models/mine`, or follows from the rest.

    Raises:
        UsageError: it is none of `FORMS`.
        OnbrandError: it is not there.
    """
    given = _NAMED.fullmatch(spec)
    name, rest = (given[1], given[2]) if given else ("", spec)
    if name in RESERVED or rest in RESERVED[1:]:
        raise UsageError(
            f"{name or rest} is the name of another row of the report; choose another."
        )
    if rest == "base":
        return Named(BASE, "local", base, identity_of(base))
    if rest == "tuned":
        merged = required_manifest(workspace.merged, "merged model", "merge")
        return Named(name or rest, "local", workspace.merged, merged.output_hash)
    if rest == "adapter":
        required_manifest(workspace.adapter, "adapter", "tune")
        return _with_adapter(name or rest, workspace.adapter, base)
    if rest == "gateway":
        return Named(name or rest, "gateway", gateway_url(workspace.config.serving), "")
    if rest.startswith(("http://", "https://")):
        return Named(name or _name_of_address(rest), "served", rest, "")
    path = workspace.input_path(rest)
    if path.suffix == ".jsonl" and path.is_file():
        return Named(name or path.stem, "written", path, "")
    if (path / "adapter_config.json").is_file():
        return _with_adapter(name or path.name, path, base)
    if path.is_dir():
        return Named(name or path.name, "local", path, identity_of(path))
    raise UsageError(f"There is no model {rest}; give {FORMS}.")


def open_model(named: Named, workspace: Workspace, tokenizer: "DecodingTokenizer") -> "Model":
    """The model itself, which loads its weights when it is first asked.

    Args:
        named: which one.
        workspace: whose brand and settings count.
        tokenizer: training's.

    Raises:
        OnbrandError: a server cannot be reached, or a file cannot be read.
    """
    config = workspace.config
    if named.form == "written":
        from eval.models.written import WrittenModel

        return WrittenModel(named.name, Path(named.where))
    if named.form == "local":
        from eval.models.local import LocalModel

        return LocalModel(
            named.name,
            Path(named.where),
            named.hash,
            adapter=named.adapter,
            brand=config.brand,
            batch_size=config.eval.batch_size,
        )
    return _served(named, workspace, tokenizer)


def _served(named: Named, workspace: Workspace, tokenizer: "DecodingTokenizer") -> "Model":
    from eval.models.chat_client import ChatClient
    from eval.models.served import KEY_VARIABLE, ServedModel
    from onbrand.persona import system_prompt

    is_gateway = named.form == "gateway"
    url = f"{named.where}/v1" if is_gateway else str(named.where)
    client = ChatClient(url, KEY_VARIABLE, workspace.config.eval.patience_seconds)
    # A gateway says which weights it serves; of another server its name for them has to do.
    serves = client.served_hash() if is_gateway else client.model()
    identity = hashlib.sha256(f"{client.url} {serves}".encode()).hexdigest()
    # The gateway puts in the persona itself.
    system = "" if is_gateway else system_prompt(workspace.config.brand)
    return ServedModel(named.name, client, identity, tokenizer, system)


def _with_adapter(name: str, adapter: Path, base: Path) -> Named:
    try:
        both = f"{identity_of(base)} {identity_of(adapter)}"
    except OnbrandError as error:
        raise OnbrandError(f"There is no adapter in {adapter} (no .safetensors file).") from error
    return Named(name, "local", base, hashlib.sha256(both.encode()).hexdigest(), adapter)


def _name_of_address(address: str) -> str:
    """The model's name where one is given, else the host: short, and without a secret."""
    before, _, model = address.partition("#")
    host = before.split("//")[1].rpartition("@")[2].partition("/")[0]
    return _NO_NAME.sub("-", model or host).strip("-")
