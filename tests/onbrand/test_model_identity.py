"""A model's identity, and what is remembered of it between runs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onbrand.model_identity import identity_of


def a_model(folder: Path) -> Path:
    folder.mkdir()
    for number in range(100):
        (folder / f"model-{number}.safetensors").write_bytes(bytes(2**12))
    return folder


def test_two_that_meet_a_new_model_at_once_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBRAND_CACHE", str(tmp_path / "cache"))
    model = a_model(tmp_path / "model")
    with ThreadPoolExecutor(8) as runs:
        identities = set(runs.map(identity_of, [model] * 8))
    assert len(identities) == 1


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    before = identity_of(model)
    (model / "model-0.safetensors").write_bytes(b"tuned")
    assert identity_of(model) != before
