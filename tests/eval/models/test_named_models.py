import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.models.named import open_model, resolve, resolve_all
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.eval.chat_server import running_chat_server


@pytest.fixture
def workspace(make_workspace: Callable[..., Workspace], texts: list[str]) -> Workspace:
    return make_workspace(texts[:2])


def test_every_form(workspace: Workspace, base_folder: Path) -> None:
    outside = workspace.root / "elsewhere"
    shutil.copytree(base_folder, outside)
    (workspace.root / "theirs.jsonl").write_text('{"id": "post-0", "text": "x"}\n')
    specs = [
        "base",
        "tuned",
        "gateway",
        "elsewhere",
        "theirs.jsonl",
        "http://localhost:9/v1#big-one",
        "mine=http://localhost:9/v1",
    ]
    found = resolve_all(specs, workspace, base_folder)
    assert [named.name for named in found] == [
        "base",
        "tuned",
        "gateway",
        "elsewhere",
        "theirs",
        "big-one",
        "mine",
    ]
    assert found[0].hash == found[3].hash != found[1].hash
    assert [named.form for named in found] == [
        *("local", "local", "gateway", "local", "written", "served", "served")
    ]


def test_an_adapter_stands_on_the_base(workspace: Workspace, base_folder: Path) -> None:
    adapter = workspace.root / "my-adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(OnbrandError, match="no adapter in"):
        resolve("my-adapter", workspace, base_folder)
    (adapter / "adapter_model.safetensors").write_bytes(b"x")
    named = resolve("my-adapter", workspace, base_folder)
    assert (named.where, named.adapter) == (base_folder, adapter)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nothing-here", "no model nothing-here; give base, tuned"),
        ("missing.jsonl", r"no model missing.jsonl"),
        ("echo", "name of another row"),
        ("brand=tuned", "name of another row"),
    ],
)
def test_what_is_no_model(workspace: Workspace, base_folder: Path, spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        resolve(spec, workspace, base_folder)


def test_two_of_one_name(workspace: Workspace, base_folder: Path) -> None:
    with pytest.raises(UsageError, match="Two models are called tuned"):
        resolve_all(["base", "tuned", "tuned"], workspace, base_folder)


def test_what_is_not_made_yet(workspace: Workspace, base_folder: Path) -> None:
    with pytest.raises(OnbrandError, match="onbrand tune"):
        resolve("adapter", workspace, base_folder)
    shutil.rmtree(workspace.merged)
    with pytest.raises(OnbrandError, match="onbrand merge"):
        resolve("tuned", workspace, base_folder)


def test_a_name_never_shows_a_password(workspace: Workspace, base_folder: Path) -> None:
    assert "secret" not in resolve("http://me:secret@host/v1", workspace, base_folder).name


def test_a_gateway_is_known_by_the_weights_it_serves(
    workspace: Workspace, base_folder: Path, base_model: object
) -> None:
    with running_chat_server() as server:
        port = server.url.rpartition(":")[2].removesuffix("/v1")
        toml = workspace.root / "brand.toml"
        toml.write_text(f"{toml.read_text()}[serving]\nport = {port}\n")
        space = Workspace(workspace.root)
        model = open_model(resolve("gateway", space, base_folder), space, base_model.tokenizer)  # type: ignore[attr-defined]
        first = model.card.hash
        served = resolve(f"x={server.url}", space, base_folder)
        other = open_model(served, space, base_model.tokenizer)  # type: ignore[attr-defined]
        assert first != other.card.hash
        assert other.card.settings == {"model": "sailor-7b"}
        assert json.loads(other.card.model_dump_json())["where"] == server.url
