"""`onbrand push`: the data set on the Hugging Face hub, private unless it is asked to be public.

What goes there is the card, the statistics, and a Parquet file per split, in one commit. The
preview stays here: it also shows what was dropped, such as the posts of other accounts.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

import datasets
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    DatasetCard,
    HfApi,
    constants,
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils.tqdm import disable_progress_bars
from pydantic import BaseModel

from onbrand.artifact import required_manifest
from onbrand.errors import OnbrandError, UsageError
from onbrand.record import Record
from onbrand.workspace import Workspace
from scraper.dataset.files import CARD, STATISTICS
from scraper.dataset.split import Splits
from scraper.dataset.table import load, table

TOKEN = "HF_TOKEN"  # noqa: S105
"""The environment variable that holds the token."""
_DATA = "data"
_NO_NAME = "{repo} cannot be a repository; give OWNER/NAME, of letters, digits, and . _ - within."


class Pushed(BaseModel):
    """What was pushed, and where to."""

    repo: str
    url: str
    visibility: str
    """`private` or `public`."""
    commit: str
    """Of the hub, SHA-1; the one before where nothing had changed."""
    files: list[str]
    dataset: str
    """The data set's hash, as in its manifest."""


def push(workspace: Workspace, repo: str, *, public: bool) -> Pushed:
    """Push `dataset/` to a data set repository, which is made where it is not there.

    The hub's address is huggingface_hub's (`HF_ENDPOINT`, else https://huggingface.co).

    Raises:
        UsageError: the repository's name cannot be one, or there is no token.
        OnbrandError: there is no data set; the hub cannot be reached or refuses; or the repository
            is there already and is not as visible as was asked.
    """
    manifest = required_manifest(workspace.dataset, "data set", "build")
    if repo.count("/") != 1:
        raise UsageError(_NO_NAME.format(repo=repo))
    api = HfApi(token=_token(), library_name="onbrand")
    disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="onbrand-push-") as name:
        files = stage(workspace, folder := Path(name))
        with _one_sentence(repo):
            _open_repo(api, repo, public)
            stale = [
                file
                for file in api.list_repo_files(repo, repo_type="dataset")
                if file.startswith(f"{_DATA}/") and file not in files
            ]
            commit = api.create_commit(
                repo,
                [
                    *(CommitOperationDelete(file) for file in stale),
                    *(CommitOperationAdd(file, folder / file) for file in files),
                ],
                commit_message=f"Data set {manifest.output_hash[:12]}",
                repo_type="dataset",
            )
    return Pushed(
        repo=repo,
        url=f"{constants.ENDPOINT}/datasets/{repo}",
        visibility="public" if public else "private",
        commit=commit.oid,
        files=files,
        dataset=manifest.output_hash,
    )


def _token() -> str:
    """The token, without the line ending that a file of variables may have left behind it.

    One that no HTTP header can hold is refused here: the client's own error would show it.
    """
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"{TOKEN} is not set; make a token with write access at "
            f"{constants.ENDPOINT}/settings/tokens and put {TOKEN}=… into .env."
        )
    if not re.fullmatch("[!-~]+", token):
        raise UsageError(
            f"{TOKEN} is no token: it holds a space, a control character or a letter outside "
            "ASCII; copy the token again."
        )
    return token


def stage(workspace: Workspace, folder: Path) -> list[str]:
    """Write what is pushed into a folder, which `datasets.load_dataset` reads; return the names."""
    splits = _portable(load(workspace.dataset), workspace.config.files.paths)
    datasets.disable_progress_bars()
    data_files = {name: f"{_DATA}/{name}-00000-of-00001.parquet" for name in splits}
    (folder / _DATA).mkdir()
    for name, file in data_files.items():
        table(name, splits[name]).to_parquet(folder / file)
    card = DatasetCard((workspace.dataset / CARD).read_text(encoding="utf-8"))
    card.data["configs"] = [
        {
            "config_name": "default",
            "data_files": [{"split": name, "path": file} for name, file in data_files.items()],
        }
    ]
    (folder / CARD).write_text(str(card), encoding="utf-8")
    statistics = (workspace.dataset / STATISTICS).read_bytes()
    (folder / STATISTICS).write_bytes(statistics)
    return [CARD, *data_files.values(), STATISTICS]


def _portable(splits: Splits, configured: Sequence[str]) -> Splits:
    """The splits with file URLs that say nothing about this machine's folders."""
    return {name: [_without_folders(r, configured) for r in part] for name, part in splits.items()}


def _without_folders(record: Record, configured: Sequence[str]) -> Record:
    """A file's URL from the configured folder's own name on, where it was an absolute path."""
    path = PurePosixPath(unquote(record.url.removeprefix("file:")))
    if record.source != "file" or not path.is_absolute():
        return record
    roots = [PurePosixPath(root) for root in configured if path.is_relative_to(root)]
    root = max(roots, key=lambda root: len(root.parts), default=path)
    return record.model_copy(update={"url": f"file:{quote(str(path.relative_to(root.parent)))}"})


def _open_repo(api: HfApi, repo: str, public: bool) -> None:
    """Make the repository where it is not there, and see to it that it is as visible as asked.

    A token for this one repository may not make any: with `exist_ok` the client takes that refusal
    for an answer only if the repository cannot be read either.

    It is looked at even if it was made just now: nothing leaves before the hub itself has said who
    can read it.
    """
    api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
    is_private = api.repo_info(repo, repo_type="dataset").private
    if is_private is not True and not public:
        raise OnbrandError(
            f"{repo} is public on the hub, so nothing was pushed; make it private in its settings, "
            "name another one, or mean it with --public."
        )
    if is_private and public:
        raise OnbrandError(
            f"{repo} is private on the hub, and --public does not open it, so nothing was pushed; "
            "change that in its settings, or push without --public."
        )


@contextmanager
def _one_sentence(repo: str) -> Iterator[None]:
    """Turn what the client raises into one sentence each; none of them holds the token."""
    try:
        yield
    except HfHubHTTPError as error:
        raise OnbrandError(_refusal(repo, error)) from error
    except OfflineModeIsEnabled as error:
        raise OnbrandError(
            f"HF_HUB_OFFLINE is set, so {repo} cannot be pushed; unset it and try again."
        ) from error
    except HFValidationError as error:
        raise UsageError(_NO_NAME.format(repo=repo)) from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise OnbrandError(f"{constants.ENDPOINT} could not take {repo}: {reason}.") from error
    except Exception as error:
        # The client's transport is httpx or httpx2, depending on its version. `from None`: what it
        # says of a request may hold the headers, and so the token.
        if not type(error).__module__.partition(".")[0].startswith(("httpx", "httpcore")):
            raise
        raise OnbrandError(
            f"{constants.ENDPOINT} could not be reached ({type(error).__name__}); "
            "check the network and HF_ENDPOINT, then push again."
        ) from None


def _refusal(repo: str, error: HfHubHTTPError) -> str:
    hub, status = constants.ENDPOINT, error.response.status_code
    if status == 401:
        return (
            f"{hub} does not accept the token in {TOKEN} (401); make one with write access at "
            f"{hub}/settings/tokens."
        )
    if status == 403:
        return (
            f"The token in {TOKEN} may not write to {repo} (403); it needs write access there, and "
            "its account the right to."
        )
    if status == 429 or status >= 500:
        return f"{hub} is not able to take {repo} now ({status}); push again later."
    said = " ".join((error.server_message or "").split()).rstrip(".")
    return f"{hub} refused {repo} ({status}{': ' if said else ''}{said})."
