"""The real gateway and the real command line, before an engine with vLLM's routes."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from gateway_harness import SETTINGS, running, wait_ready
from onbrand.artifact import write_manifest
from onbrand.cli import main
from onbrand.config import Brand
from onbrand.workspace import Workspace
from serving.adapters.adapters import Adapters
from serving.adapters.registry import registry_path
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import Parts, open_parts
from tests.serving.adapters.lora import make_llama, make_lora, make_workspace, merge
from tests.serving.adapters.lora_engine import LoraEngine
from tests.serving.batches.batch_gateway import line, output, submit, wait


@pytest.fixture
def engine() -> LoraEngine:
    return LoraEngine()


@pytest.fixture
def gateway(engine: LoraEngine, workspace: Workspace) -> Iterator[str]:
    with running(engine.app()) as url:
        parts = Parts(adapters=Adapters(registry_path(workspace)))
        remote = RemoteEngine(f"{url}/v1", "merged")
        app = create_app(SETTINGS, Brand(name="Salt"), remote, parts=nullcontext(parts))
        with running(app) as address:
            wait_ready(address)
            yield address


@pytest.fixture
def onbrand(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        command = ["onbrand", "-w", str(workspace.root), "adapters", *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return run


def served(gateway: str) -> set[str]:
    answer = httpx.get(f"{gateway}/v1/models", trust_env=False).json()
    return {model["id"] for model in answer["data"]}


def eventually(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def asked(gateway: str, user: str = "", **fields: str) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "Hello"}], **fields}
    headers = {"X-Onbrand-User": user} if user else {}
    url = f"{gateway}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=20)


def who_answers(gateway: str, user: str = "", **fields: str) -> str:
    answer = asked(gateway, user, **fields)
    assert answer.is_success, answer.text
    return str(answer.json()["choices"][0]["message"]["content"]).partition("@")[0]


@pytest.mark.slow
def test_a_canary_from_first_to_last(
    gateway: str,
    engine: LoraEngine,
    onbrand: Callable[..., int],
    other_adapter: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    users = [f"user-{number}" for number in range(40)]
    assert {who_answers(gateway, user) for user in users} == {"merged"}
    assert asked(gateway, model="canary").status_code == 404

    assert onbrand("add", "canary", str(other_adapter)) == 0
    eventually(lambda: served(gateway) == {"salt", "canary"})
    assert {who_answers(gateway, user) for user in users} == {"merged"}  # weight 0
    assert who_answers(gateway, model="canary") == "canary"

    assert onbrand("weight", "canary", "50") == 0
    eventually(lambda: "canary" in {who_answers(gateway, user) for user in users})
    first = {user: who_answers(gateway, user) for user in users}
    assert {user: who_answers(gateway, user) for user in users} == first
    assert 3 <= list(first.values()).count("canary") <= 25
    assert {who_answers(gateway) for _ in range(40)} == {"merged", "canary"}  # without a user

    assert onbrand("weight", "canary", "150") == 0
    eventually(lambda: [who_answers(gateway, user) for user in users] != [*first.values()])
    more = {user: who_answers(gateway, user) for user in users}
    assert all(more[user] == "canary" for user in users if first[user] == "canary")

    capsys.readouterr()
    assert onbrand("list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1][:4] == ["base", "100", "40.0%", "active"]
    assert rows[2][:4] == ["canary", "150", "60.0%", "active"]

    assert onbrand("weight", "base", "0") == 0
    eventually(lambda: {who_answers(gateway, user) for user in users} == {"canary"})

    engine.start_again()
    eventually(lambda: bool(engine.adapters))
    eventually(lambda: who_answers(gateway, "user-1") == "canary")

    assert onbrand("retire", "canary") == 0
    eventually(lambda: served(gateway) == {"salt"})
    eventually(lambda: engine.adapters == {})
    assert {who_answers(gateway, user) for user in users} == {"merged"}
    assert asked(gateway, model="canary").status_code == 404


def test_an_answer_names_the_adapter_that_gave_it(
    engine: LoraEngine, workspace: Workspace, onbrand: Callable[..., int], other_adapter: Path
) -> None:
    assert onbrand("add", "canary", str(other_adapter)) == 0
    with running(engine.app()) as url:
        remote, parts = RemoteEngine(f"{url}/v1", "merged"), open_parts(workspace)
        app = create_app(SETTINGS, Brand(name="Salt"), remote, parts=parts)
        with running(app) as address, httpx.Client(trust_env=False) as http:
            wait_ready(address)
            eventually(lambda: "canary" in served(address))
            assert asked(address).json()["model"] == "salt"
            assert asked(address, model="canary").json()["model"] == "canary"
            client = OpenAI(base_url=f"{address}/v1", api_key="none", http_client=http)
            turns: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
            stream = client.chat.completions.create(model="canary", messages=turns, stream=True)
            assert {chunk.model for chunk in stream} == {"canary"}
            body = {"model": "canary", "messages": turns}
            done = wait(client, submit(client, [line("a", body=body)]))
            (answered,) = output(client, done.output_file_id)
            assert answered["response"]["body"]["model"] == "canary"


def test_a_file_that_cannot_be_read_changes_nothing(
    gateway: str,
    workspace: Workspace,
    onbrand: Callable[..., int],
    other_adapter: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert onbrand("add", "canary", str(other_adapter)) == 0
    eventually(lambda: "canary" in served(gateway))
    good = registry_path(workspace).read_text()
    registry_path(workspace).write_text("{")
    eventually(lambda: "adapters.json cannot be read" in caplog.text)
    assert who_answers(gateway, model="canary") == "canary"
    registry_path(workspace).write_text(good.replace('"active"', '"retired"'))
    eventually(lambda: "canary" not in served(gateway))
    assert caplog.text.count("adapters.json cannot be read") == 1


def test_an_adapter_for_another_merged_model_is_not_offered(
    gateway: str,
    workspace: Workspace,
    onbrand: Callable[..., int],
    other_adapter: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from onbrand.artifact import read_manifest

    assert onbrand("add", "old", str(other_adapter)) == 0
    eventually(lambda: "old" in served(gateway))
    merged = read_manifest(workspace.merged)
    assert merged
    write_manifest(workspace.merged, merged.model_copy(update={"output_hash": "another"}))
    assert onbrand("add", "old", str(other_adapter)) == 0
    eventually(lambda: "old" not in served(gateway))
    assert "was added for another merged model" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "salt", "."], "is what the gateway calls the brand's model"),
        (["add", "x", "nowhere"], "holds no adapter in PEFT's format"),
        (["weight", "x", "1"], "There is no active adapter x (active: none)."),
        (["retire", "x"], "There is no active adapter x (active: none)."),
    ],
)
def test_mistakes_are_one_sentence(
    onbrand: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    assert onbrand(*arguments) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert error.startswith("Error: ")
    assert says in error


def test_negative_weights_are_refused(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "adapters"]
    result = subprocess.run([*command, "weight", "base", "--", "-1"], capture_output=True)
    assert result.returncode == 2
    assert not registry_path(workspace).exists()


@pytest.mark.slow
def test_real_vllm_serves_base_plus_adapter(tiny_llama: Path, tmp_path: Path) -> None:
    """Greedy text of the rebased adapter equals that of the adapter merged into its base."""
    import asyncio

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from serving.adapters.add import add_adapter
    from serving.engine.client import connect
    from tests.serving.engine.contenders import real_vllm, reply

    base = make_llama(tiny_llama, tmp_path / "base")
    workspace = make_workspace(tmp_path, base)
    adapter = make_lora(base, tmp_path / "adapter", seed=11)
    merge(base, adapter, tmp_path / "wanted")
    added = add_adapter(workspace, "other", adapter, 1)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "wanted")

    def greedy(model: Path) -> str:
        loaded = AutoModelForCausalLM.from_pretrained(model)
        turns = [{"role": "user", "content": "What do you sell?"}]
        prompt = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            said = loaded.generate(**prompt, max_new_tokens=8, do_sample=False)
        text: str = tokenizer.decode(said[0, prompt["input_ids"].shape[1] :])
        return text.removesuffix("<|im_end|>")

    async def scenario() -> tuple[str, str, str]:
        adapters = Adapters(registry_path(workspace))
        async with connect(engine, 120) as client:
            following = asyncio.create_task(adapters.run(client))
            async with asyncio.timeout(120):
                while adapters.names() != ["other"]:
                    await asyncio.sleep(0.2)
            plain = await reply(client, "What do you sell?")
            other = await reply(client, "What do you sell?", model="other")
            # It is not read again with each token, nor when another one takes its place.
            shutil.rmtree(added.folder)
            again = await reply(client, "What do you sell?", model="other")
            assert again.text == other.text
            add_adapter(workspace, "other", make_lora(base, tmp_path / "next", seed=12))
            async with asyncio.timeout(120):
                while client.names["other"] == added.engine_name:
                    again = await reply(client, "What do you sell?", model="other")
            following.cancel()
            replaced = await reply(client, "What do you sell?", model="other")
        return plain.text, other.text, replaced.text

    logs = tmp_path / "logs"
    logs.mkdir()
    with real_vllm(workspace.merged, logs, max_adapters=1, max_adapter_rank=8) as engine:
        plain, other, replaced = asyncio.run(scenario())
    assert plain == greedy(workspace.merged)
    assert other == greedy(tmp_path / "wanted")
    assert len({plain, other, replaced}) == 3
