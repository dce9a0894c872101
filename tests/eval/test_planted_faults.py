"""Mistakes that evaluations make, planted on purpose: each is caught, and named by the report."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from eval.generate.stage_files import OUTPUTS_NAME, SPLIT_NAME, read_stages
from eval.models import decoding
from onbrand.workspace import Workspace
from tests.eval.chat_server import Answer, running_chat_server
from tests.eval.command import faults, folder_of, report_from

Make = Callable[..., Workspace]
TESTS = 40
FEW = 12


@pytest.fixture(scope="module")
def workspace(make_workspace: Make, captions: list[str]) -> Workspace:
    """An honest one: nothing planted, texts of which no two are alike."""
    space = make_workspace(captions[:TESTS], captions[TESTS : TESTS + 60], TESTS)
    report_from(space)
    return space


def write_theirs(
    workspace: Workspace, text: Callable[[int], str], reference: Callable[[int], str] | None = None
) -> None:
    """A file of continuations from somebody else's program."""
    lines = []
    for number in range(TESTS):
        line = {"id": f"post-{number}", "text": text(number)}
        if reference:
            line["reference"] = reference(number)
        lines.append(json.dumps(line) + "\n")
    (workspace.root / "theirs.jsonl").write_text("".join(lines))


def halves(workspace: Workspace) -> list[tuple[str, str]]:
    return [(t.first_half, t.second_half) for t in read_stages(folder_of(workspace)).texts]


def written(workspace: Workspace) -> list[str]:
    """What an honest model wrote."""
    return [output.greedy.exact for output in read_stages(folder_of(workspace)).of("tuned")]


def compared(workspace: Workspace) -> set[str]:
    return faults(report_from(workspace, "compare", "base", "theirs.jsonl"))


def test_an_honest_evaluation_raises_no_such_alarm(workspace: Workspace) -> None:
    said = written(workspace)
    references = [second for _, second in halves(workspace)]
    write_theirs(workspace, said.__getitem__, references.__getitem__)
    allowed = {"sample too small for its claim"}
    assert faults(report_from(workspace)) <= allowed
    assert compared(workspace) <= allowed


def test_scoring_the_prompt(workspace: Workspace) -> None:
    said, given = written(workspace), halves(workspace)
    write_theirs(workspace, lambda number: given[number][0] + said[number])
    assert "prompt scored" in compared(workspace)


def test_transposed_references(workspace: Workspace) -> None:
    said, given = written(workspace), halves(workspace)
    write_theirs(workspace, lambda number: given[number][1], lambda number: said[number])
    assert "transposed references" in compared(workspace)


def test_a_shuffled_reference_file(workspace: Workspace) -> None:
    said, given = written(workspace), halves(workspace)
    order = list(range(TESTS))
    random.Random(1).shuffle(order)
    write_theirs(workspace, said.__getitem__, lambda number: given[order[number]][1])
    assert "shuffled references" in compared(workspace)


def test_a_model_that_memorised(workspace: Workspace) -> None:
    train = read_stages(folder_of(workspace)).train
    write_theirs(workspace, lambda number: train[number].text)
    assert "memorised" in compared(workspace)


def test_a_model_that_was_trained_on_the_test_split(workspace: Workspace) -> None:
    given = halves(workspace)
    write_theirs(workspace, lambda number: given[number][1])
    found = compared(workspace)
    assert "trained on the test split" in found
    assert "BLEU above 10" in found


def test_a_test_split_that_stands_in_training(make_workspace: Make, captions: list[str]) -> None:
    space = make_workspace(captions[:24], [*captions[:24], *captions[24:40]], TESTS)
    assert "trained on the test split" in faults(report_from(space))


def test_near_duplicates_across_the_split(make_workspace: Make, captions: list[str]) -> None:
    near = [caption + " Fair winds!" for caption in captions[:3]]
    space = make_workspace(captions[:24], [*near, *captions[24:40]], TESTS)
    report = report_from(space)
    assert "near duplicates across the split" in faults(report)
    assert {leak.test_id for leak in report.leaks} >= {"post-0", "post-1", "post-2"}


def test_right_padding(
    make_workspace: Make, captions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_padded", padded_on_the_right)
    space = make_workspace(captions[:24], captions[24:40], TESTS)
    assert "right padding" in faults(report_from(space))


def padded_on_the_right(
    rows: Sequence[Sequence[int]], pad_id: int
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = [list(row) + [pad_id] * (width - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_judge_that_prefers_a_place(workspace: Workspace, place: str) -> None:
    answer = Answer("1" if place == "first" else "2")
    with running_chat_server(lambda request, count: answer) as server:
        report = report_from(workspace, "compare", "base", "tuned", "--judge", server.url)
    assert f"judge prefers the {place} answer" in faults(report)
    [row] = report.preferences
    assert (row.a_wins, row.b_wins) == (0, 0)


def test_a_sample_too_small_for_its_claim(make_workspace: Make, captions: list[str]) -> None:
    report = report_from(make_workspace(captions[:6], captions[24:40], TESTS))
    assert "sample too small for its claim" in faults(report)


def test_files_that_were_changed_between_two_stages(
    make_workspace: Make, captions: list[str]
) -> None:
    """The split's own references, before they are scored again; few, so no statistics would see."""
    space = make_workspace(captions[:FEW], captions[TESTS : TESTS + 20], FEW)
    report_from(space)
    folder = folder_of(space)
    texts, outputs = rows_of(folder / SPLIT_NAME), rows_of(folder / OUTPUTS_NAME)
    seconds = [row["second_half"] for row in texts]

    with_seconds(folder / SPLIT_NAME, texts, seconds[1:] + seconds[:1])
    assert "shuffled references" in faults(report_from(space, "score"))

    tuned = [row for row in outputs if row["model"] == "tuned"]
    with_seconds(folder / SPLIT_NAME, texts, [row["greedy"]["exact"] for row in tuned])
    for row, second in zip(tuned, seconds, strict=True):
        row["greedy"]["exact"] = second
    write_rows(folder / OUTPUTS_NAME, outputs)
    found = faults(report_from(space, "score"))
    assert "transposed references" in found
    assert "shuffled references" not in found


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_seconds(path: Path, texts: list[dict[str, Any]], seconds: list[str]) -> None:
    """The texts with other second halves."""
    write_rows(
        path,
        [{**text, "second_half": second} for text, second in zip(texts, seconds, strict=True)],
    )


def test_outputs_that_do_not_fit_the_texts(workspace: Workspace, tmp_path: Path) -> None:
    report_from(workspace)
    path = folder_of(workspace) / OUTPUTS_NAME
    before = path.read_text()
    path.write_text("".join(before.splitlines(keepends=True)[1:]))
    try:
        with pytest.raises(Exception, match="exactly one output of base for each text"):
            report_from(workspace, "score", "--report", folder_of(workspace).name)
    finally:
        path.write_text(before)
