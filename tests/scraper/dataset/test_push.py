"""`onbrand push`: the real hub client, in a process of its own, against a hub on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from onbrand.record import Record
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.dataset.push import stage
from scraper.dataset.table import COLUMNS, load
from tests.scraper.dataset_hub import TOKEN, Hub, Repo
from tests.scraper.push_command import NAME, built, nowhere, push, refused
from tests.scraper.raw_folder import write_raw_folder

FILES = {
    "README.md",
    "data/test-00000-of-00001.parquet",
    "data/train-00000-of-00001.parquet",
    "data/validation-00000-of-00001.parquet",
    "statistics.json",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return built(tmp_path_factory.mktemp("push"))


def test_a_new_repository_is_private_and_holds_the_data_set(
    hub: Hub, workspace: Workspace, tmp_path: Path
) -> None:
    done = push(workspace, hub.url)
    assert done.returncode == 0, done.stderr
    (created,) = hub.named("/api/repos/create")
    asked = created.json
    assert asked.get("private") is True or asked.get("visibility") == "private"
    assert (asked["organization"], asked["name"], asked["type"]) == (
        "saltmarsh",
        "voice",
        "dataset",
    )
    repo = hub.repos[NAME]
    assert (repo.private, repo.commits, set(repo.files)) == (True, 1, FILES)
    assert f"5 files, private, {hub.url}/datasets/{NAME}" in done.stderr
    assert "preview.html" not in repo.files  # it shows what was dropped


def test_what_was_pushed_can_be_loaded(hub: Hub, workspace: Workspace, tmp_path: Path) -> None:
    """From the committed files, as `datasets` finds them in a clone of the repository."""
    import datasets

    assert push(workspace, hub.url).returncode == 0
    for name, content in hub.repos[NAME].files.items():
        path = tmp_path / "clone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    loaded = datasets.load_dataset(str(tmp_path / "clone"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train", "validation", "test"]
    for name, records in load(workspace.dataset).items():
        assert [Record.model_validate(row) for row in loaded[name]] == records
        assert loaded[name].column_names == list(COLUMNS)
    card = DatasetCard((tmp_path / "clone" / "README.md").read_text(encoding="utf-8"))
    assert [file["split"] for file in card.data.to_dict()["configs"][0]["data_files"]] == list(
        loaded
    )
    assert card.content.split("\n---\n", 1)[1].strip() == (
        (workspace.dataset / "README.md").read_text(encoding="utf-8").split("\n---\n", 1)[1].strip()
    )


def test_the_hub_serves_what_was_pushed(hub: Hub, workspace: Workspace, tmp_path: Path) -> None:
    """`load_dataset("OWNER/NAME")` with the real client, over HTTP, with the token."""
    assert push(workspace, hub.url).returncode == 0
    script = (
        "import datasets, sys; loaded = datasets.load_dataset(sys.argv[1])\n"
        "print({name: len(part) for name, part in loaded.items()})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, NAME],
        env=os.environ
        | {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf")}
        | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    expected = {name: len(part) for name, part in load(workspace.dataset).items()}
    assert done.stdout.strip() == str(expected)


def test_the_token_is_in_the_authorization_header_and_nowhere_else(
    hub: Hub, workspace: Workspace
) -> None:
    done = push(workspace, hub.url, NAME, "--debug")
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert hub.requests
    for request in hub.requests:
        others = {name: v for name, v in request.headers.items() if name != "authorization"}
        assert TOKEN not in json.dumps(others) + request.path
        assert TOKEN.encode() not in request.body
        if request.path.startswith("/storage/"):  # may be another company's server
            assert "authorization" not in request.headers
    assert hub.named("/storage/")
    for path in workspace.root.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_token_and_address_may_come_from_dotenv(hub: Hub, workspace: Workspace) -> None:
    dotenv = workspace.root / ".env"
    dotenv.write_text(f"HF_TOKEN={TOKEN}\nHF_ENDPOINT={hub.url}\n")
    try:
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-m", "onbrand", "push", NAME, "--json"],
            cwd=workspace.root, capture_output=True, text=True,
            env=inherited | {"HF_HOME": str(workspace.root / "hf"), "HF_HUB_DISABLE_XET": "1"},
        )  # fmt: skip
    finally:
        dotenv.unlink()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["visibility"], set(told["files"])) == ("private", FILES)
    assert told["commit"] == f"{1:040x}"


def test_a_second_push_replaces_the_first(hub: Hub, workspace: Workspace) -> None:
    hub.repos[NAME] = Repo(private=True, files={
        "data/train-00000-of-00002.parquet": b"old", "notes.md": b"a person's own",
    })  # fmt: skip
    done = push(workspace, hub.url)
    assert done.returncode == 0, done.stderr
    assert set(hub.repos[NAME].files) == FILES | {"notes.md"}
    assert hub.repos[NAME].commits == 1


def test_public_only_when_asked(hub: Hub, workspace: Workspace) -> None:
    done = push(workspace, hub.url, NAME, "--public")
    assert done.returncode == 0, done.stderr
    asked = hub.named("/api/repos/create")[0].json
    assert asked.get("private") is False or asked.get("visibility") == "public"
    assert hub.repos[NAME].private is False
    assert "public" in done.stderr


@pytest.mark.parametrize(
    ("there", "option", "sentence"),
    [
        (False, [], f"{NAME} is public on the hub, so nothing was pushed;"),
        (True, ["--public"], f"{NAME} is private on the hub, and --public does not open it"),
    ],
)
def test_a_repository_that_is_not_as_visible_as_asked(
    hub: Hub, workspace: Workspace, there: bool, option: list[str], sentence: str
) -> None:
    hub.repos[NAME] = Repo(private=there)
    assert sentence in refused(push(workspace, hub.url, NAME, *option))
    assert hub.repos[NAME].files == {}
    assert not hub.named("/storage/")


def test_a_hub_that_makes_it_public_gets_nothing(hub: Hub, workspace: Workspace) -> None:
    hub.makes_public = True
    assert "is public on the hub" in refused(push(workspace, hub.url))
    assert hub.repos[NAME].files == {}
    assert not hub.named("/storage/")


def test_a_wrong_token(hub: Hub, workspace: Workspace) -> None:
    said = refused(push(workspace, hub.url, token="hf_wrongSecret"))
    assert "does not accept the token in HF_TOKEN (401)" in said
    assert "hf_wrongSecret" not in said


@pytest.mark.parametrize(
    ("part", "status", "sentence"),
    [
        ("/api/repos/create", 403, "may not write to saltmarsh/voice (403)"),
        ("/preupload/", 403, "may not write to saltmarsh/voice (403)"),
        ("/commit/", 403, "may not write to saltmarsh/voice (403)"),
        ("/api/repos/create", 500, "is not able to take saltmarsh/voice now (500)"),
        ("/api/repos/create", 400, "refused saltmarsh/voice (400: refused with 400)"),
        ("/commit/", 412, "refused saltmarsh/voice (412: refused with 412)"),
    ],
)
def test_a_hub_that_refuses(
    hub: Hub, workspace: Workspace, part: str, status: int, sentence: str
) -> None:
    hub.refuse[part] = status
    assert sentence in refused(push(workspace, hub.url))
    assert NAME not in hub.repos or hub.repos[NAME].commits == 0


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_token_for_one_repository_that_is_there_may_make_none(
    hub: Hub, workspace: Workspace, status: int
) -> None:
    hub.refuse["/api/repos/create"] = status
    assert f"({status}" in refused(push(workspace, hub.url))  # the first refusal, not a 404
    hub.repos[NAME] = Repo(private=True)
    done = push(workspace, hub.url)
    assert done.returncode == 0, done.stderr
    assert set(hub.repos[NAME].files) == FILES


def test_a_hub_that_cannot_be_reached(workspace: Workspace) -> None:
    url = nowhere()
    assert f"{url} could not be reached" in refused(push(workspace, url))


def test_what_cannot_be_is_a_usage_error(hub: Hub, workspace: Workspace) -> None:
    assert "HF_TOKEN is not set" in refused(push(workspace, hub.url, token=""), code=2)
    for name in ("voice", "a/b c"):
        assert f"{name} cannot be a repository" in refused(push(workspace, hub.url, name), code=2)
    assert "HF_HUB_OFFLINE is set" in refused(push(workspace, hub.url, HF_HUB_OFFLINE="1"))
    assert hub.repos == {}


def test_without_a_data_set(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "brand.toml").touch()
    said = refused(push(Workspace(tmp_path), hub.url))
    assert "run `onbrand build` first" in said


def test_no_folder_of_this_machine_is_pushed(
    make_workspace: Callable[[str], Workspace], tmp_path: Path
) -> None:
    import datasets

    from scraper import raw

    elsewhere = "/home/jx7q/Documents/texts"
    workspace = make_workspace(f'[files]\npaths = ["{elsewhere}", "notes"]\n')
    write_raw_folder(workspace)
    files = [
        raw.TextFile(
            path=f"{folder}/{n}.txt", text=" ".join(f"{folder[1]}{n}{k}" for k in range(9))
        )
        for folder in (f"{elsewhere}/a b", "notes")
        for n in range(2)
    ]
    raw.write_raw(workspace.raw / raw.FILES, files)
    build(workspace)
    folder = tmp_path / "staged"
    folder.mkdir()
    stage(workspace, folder)
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    urls = {url for part in loaded.values() for url in part["url"] if url.startswith("file:")}
    assert urls == {
        "file:texts/a%20b/0.txt", "file:texts/a%20b/1.txt", "file:notes/0.txt", "file:notes/1.txt",
    }  # fmt: skip
    for path in folder.rglob("*"):
        assert path.is_dir() or b"jx7q" not in path.read_bytes()
