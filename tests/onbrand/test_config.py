import json
import tomllib
from pathlib import Path

import pytest

from onbrand.config import READ_BY, BrandConfig, load_config
from onbrand.config_template import brand_toml
from onbrand.errors import UsageError


def _load(folder: Path, text: str) -> BrandConfig:
    path = folder / "brand.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[brand]\nnmae = 'x'", "unknown key brand.nmae; did you mean brand.name?"),
        ("[tunes]\nrank = 4", "unknown key tunes; did you mean tune?"),
        ("[tune]\nrank = 0", "tune.rank = 0: Input should be greater than or equal to 1."),
        ("[tune]\nmethod = 'best'", "tune.method = 'best': Input should be 'qlora', 'lora' or"),
        ("[tune]\nmethod = 'full'\ndora = true", "[tune]: rslora and dora are kinds of adapter"),
        ("[brand\n", "is not valid TOML"),
        ("[tune]\nepochs = inf", "tune.epochs = inf: Input should be a finite number."),
        ("[tune]\nlearning_rate = inf", "tune.learning_rate = inf: Input should be a finite"),
        ("[tune]\nweight_decay = nan", "tune.weight_decay = nan: Input should be a finite"),
        ("[website]\ndelay_seconds = inf", "website.delay_seconds = inf: Input should be a fin"),
        ("[dataset]\nvalidation_share = nan", "dataset.validation_share = nan: Input should"),
        ("[tune]\nseed = 99999999999999", "tune.seed = 99999999999999: Input should be less"),
        ("[tune]\nseed = -1", "tune.seed = -1: Input should be greater than or equal to 0."),
        ("[tune]\nrank = true", "tune.rank = True: Input should be a valid integer."),
        ("[tune]\nrank = '16'", "tune.rank = '16': Input should be a valid integer."),
        ("[tune]\nrank = 16.0", "tune.rank = 16.0: Input should be a valid integer."),
        ("[tune]\npacking = 1", "tune.packing = 1: Input should be a valid boolean."),
        ("[tune]\npacking = 'no'", "tune.packing = 'no': Input should be a valid boolean."),
        ("[tune]\nepochs = '3'", "tune.epochs = '3': Input should be a valid number."),
    ],
)
def test_what_cannot_be_right_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        _load(tmp_path, text)
    assert sentence in str(caught.value)
    assert str(tmp_path / "brand.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("url", "model", "sentence"),
    [
        ("http://localhost:8000/v1", "", "model is empty; name the model that the server is to"),
        ("", "big", "url is empty; give the server's base URL, or empty model too"),
        ("localhost:8000", "big", "url is no http(s) address"),
        ("ftp://localhost/v1", "big", "url is no http(s) address"),
        ("http:///v1", "big", "url is no http(s) address"),
        (" http://localhost/v1", "big", "url is no http(s) address"),
        ("http://[::1/v1", "big", "url is no http(s) address"),
        ("http://localhost:99999/v1", "big", "url is no http(s) address"),
        ("http://hunter2:port/v1", "big", "url is no http(s) address"),
        ("http://me:hunter2@127.0.0.1/v1", "big", "put the key into TEACHER_API_KEY"),
        ("http://me:hunter2@127.0.0.1:port/v1", "big", "put the key into TEACHER_API_KEY"),
        ("http://me:hun/ter2@127.0.0.1/v1", "big", "put the key into TEACHER_API_KEY"),
        ("me:hunter2@127.0.0.1/v1", "big", "put the key into TEACHER_API_KEY"),
        ("http://127.0.0.1/v1?api-key=hunter2", "big", "put the key into TEACHER_API_KEY"),
        ("http://127.0.0.1/v1#hunter2", "big", "put the key into TEACHER_API_KEY"),
        ("http://me:hunter2%40127.0.0.1/v1", "", "put the key into TEACHER_API_KEY"),
    ],
)
def test_a_teacher_that_cannot_be_right_is_refused_without_its_secrets(
    tmp_path: Path, url: str, model: str, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _load(tmp_path, f'[teacher]\nurl = "{url}"\nmodel = "{model}"')
    assert f"brand.toml: [teacher]: {sentence}" in str(caught.value).replace(
        "url holds a user name, password, query or fragment; leave it out and ", ""
    )
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "https://[::1]:8000/v1/", ""])
def test_a_teacher_that_can_be_right(tmp_path: Path, url: str) -> None:
    text = f'[teacher]\nurl = "{url}"\nmodel = "{"big" if url else ""}"'
    assert _load(tmp_path, text).teacher.url == url


def test_a_whole_number_is_a_number_too(tmp_path: Path) -> None:
    assert _load(tmp_path, "[tune]\nepochs = 3").tune.epochs == 3.0


def test_the_largest_seed_is_one_that_torch_takes(tmp_path: Path) -> None:
    """As the steps of a run take theirs from it: `seed * 1_000_003 + step`."""
    seed = _load(tmp_path, f"[tune]\nseed = {2**32 - 1}").tune.seed
    assert (seed + 1) * 1_000_003 < 2**63


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="onbrand init"):
        load_config(tmp_path / "brand.toml")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert _load(tmp_path, "\ufeff[tune]\nrank = 4").tune.rank == 4


@pytest.mark.parametrize(
    ("name", "encoding"), [("Café", "latin-1"), ("Tea", "utf-16"), ("Tea", "utf-16-le")]
)
def test_another_encoding_is_named_as_the_mistake(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / "brand.toml"
    path.write_text(f"[brand]\nname = '{name}'", encoding=encoding)
    with pytest.raises(UsageError, match=r"brand\.toml is not UTF-8; save it in that encoding\.$"):
        load_config(path)


def test_a_new_file_is_valid_and_changes_nothing_but_what_was_given(tmp_path: Path) -> None:
    config = _load(tmp_path, brand_toml("Tea & Sons", ["https://example.com/"]))
    assert config.brand.name == "Tea & Sons"
    assert config.website.start_urls == ["https://example.com/"]
    defaults = BrandConfig()
    assert config.tune == defaults.tune
    assert config.serving == defaults.serving


def test_every_commented_default_is_the_real_default() -> None:
    text = brand_toml("x", []).replace("\n# ", "\n").split("[brand]", 1)[1]
    lines = ["[brand]", *text.splitlines()]
    kept = [line for line in lines if line.startswith("[") or " = " in line]
    parsed = tomllib.loads("\n".join(kept))
    parsed["brand"]["name"] = ""
    assert BrandConfig.model_validate(parsed) == BrandConfig()


def test_every_setting_says_what_it_means() -> None:
    for section in BrandConfig.model_fields.values():
        for key, field in section.annotation.model_fields.items():
            assert field.description, key


def test_a_hash_follows_only_what_decides_the_artifact(tmp_path: Path) -> None:
    plain = BrandConfig()
    changed = _load(tmp_path, "[tune]\nrank = 4")
    assert changed.hash_for("adapter") != plain.hash_for("adapter")
    for artifact in set(READ_BY) - {"adapter"}:
        assert changed.hash_for(artifact) == plain.hash_for(artifact)


def test_whose_posts_are_kept_does_not_call_for_another_scrape(tmp_path: Path) -> None:
    plain = BrandConfig()
    changed = _load(tmp_path, "[social]\naccounts = ['tea']")
    assert changed.hash_for("raw") == plain.hash_for("raw")
    assert changed.hash_for("clean") != plain.hash_for("clean")


def test_settings_can_be_written_and_read_as_json() -> None:
    assert BrandConfig.model_validate(json.loads(BrandConfig().model_dump_json())) == BrandConfig()
