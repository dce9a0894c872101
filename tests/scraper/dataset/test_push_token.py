"""Whatever goes wrong with a push, and however much is shown of it, the token is not."""

import subprocess

import pytest

from onbrand.workspace import Workspace
from tests.scraper.dataset_hub import TOKEN, Hub
from tests.scraper.push_command import NAME, built, nowhere, push, refused


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return built(tmp_path_factory.mktemp("push-token"))


def failed_unseen(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What a push with `--debug` says that has to fail."""
    assert done.returncode == code, done.stderr
    assert "Traceback" in done.stderr
    assert TOKEN not in done.stderr + done.stdout
    return done.stderr


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n", " "])
def test_what_a_file_of_variables_leaves_behind_it_is_no_part_of_it(
    hub: Hub, workspace: Workspace, end: str
) -> None:
    done = push(workspace, hub.url, token=TOKEN + end)
    assert done.returncode == 0, done.stderr
    assert {r.headers.get("authorization") for r in hub.requests} <= {None, f"Bearer {TOKEN}"}


@pytest.mark.parametrize("end", ["\rx", "\nHF_HOME=x", " x", "\x7fx", "’x", "\u00a0x"])
def test_what_no_header_can_hold_is_refused_before_anything_is_asked(
    hub: Hub, workspace: Workspace, end: str
) -> None:
    done = push(workspace, hub.url, NAME, "--debug", token=TOKEN + end)
    assert "HF_TOKEN is no token" in failed_unseen(done, code=2)
    assert hub.requests == []


def test_white_space_alone_is_no_token(hub: Hub, workspace: Workspace) -> None:
    assert "HF_TOKEN is not set" in refused(push(workspace, hub.url, token=" \r\n"), code=2)


def test_a_hub_that_cannot_be_reached(workspace: Workspace) -> None:
    done = push(workspace, nowhere(), NAME, "--debug")
    assert "could not be reached" in failed_unseen(done, code=1)


@pytest.mark.parametrize(
    ("part", "status"),
    [("/api/repos/create", 401), ("/api/repos/create", 500), ("/preupload/", 403)],
)
def test_a_hub_that_refuses(hub: Hub, workspace: Workspace, part: str, status: int) -> None:
    hub.refuse[part] = status
    assert f"({status})" in failed_unseen(push(workspace, hub.url, NAME, "--debug"), code=1)
