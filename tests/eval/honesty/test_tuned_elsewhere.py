"""A model that knows the test texts without reciting them, or may have had them in training."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.honesty import too_certain
from eval.honesty.copies import copies
from eval.texts import Text
from onbrand.artifact import read_manifest, write_manifest
from onbrand.workspace import Workspace
from tests.eval.command import faults, report_from
from tests.eval.conftest import manifest

REFERENCES = [f"the ferry number {n} leaves the quay before the gulls wake up" for n in range(20)]
NOTHING_ALIKE = copies(REFERENCES, [Text("t", "t", "Bread is baked at four in the morning.")])


def nats(known: int) -> list[float | None]:
    """Almost nothing for the first ones, as free writing costs for the others."""
    return [(0.02 if number < known else 0.5) * len(text) for number, text in enumerate(REFERENCES)]


def test_foreseeing_test_texts_letter_by_letter_is_having_seen_them() -> None:
    alarm = too_certain("tuned", nats(6), REFERENCES, NOTHING_ALIKE)
    assert alarm is not None
    assert alarm.fault == "trained on the test split"
    assert "foresees 6 of 20" in alarm.sentence


def test_what_is_no_such_thing() -> None:
    assert too_certain("tuned", nats(0), REFERENCES, NOTHING_ALIKE) is None
    assert too_certain("tuned", nats(1), REFERENCES, NOTHING_ALIKE) is None, "one may be chance"
    assert too_certain("served", [None] * 20, REFERENCES, NOTHING_ALIKE) is None
    from_training = copies(REFERENCES, [Text(text, text, text) for text in REFERENCES])
    assert too_certain("tuned", nats(20), REFERENCES, from_training) is None
    tags = [" today!\n\n#TheGullsAreAwakeAtLast #SaltAirAndDiesel"] * 20
    campaign = Text("t", "t", "Tea! #TheGullsAreAwakeAtLast #SaltAirAndDiesel")
    assert too_certain("tuned", [0.1] * 20, tags, copies(tags, [campaign])) is None
    short = ["#saltair"] * 20
    assert too_certain("tuned", [0.1] * 20, short, copies(short, [])) is None


@pytest.fixture
def workspace(
    make_workspace: Callable[..., Workspace], captions: list[str], tmp_path: Path
) -> Workspace:
    """With an adapter's manifest: tuned on the data set that is there, and merged."""
    space = make_workspace(captions[:8], captions[24:34], 8)
    dataset, merged = read_manifest(space.dataset), read_manifest(space.merged)
    assert dataset
    assert merged
    adapter = manifest("tune", "adapter-1")
    adapter.inputs = {"dataset": dataset.output_hash}
    space.adapter.mkdir(parents=True)
    write_manifest(space.adapter, adapter)
    merged.inputs = {"adapter": "adapter-1"}
    write_manifest(space.merged, merged)
    return space


def test_a_data_set_that_was_built_again_after_tuning(workspace: Workspace) -> None:
    """What is held out now may have been trained on then, and the leak table cannot know."""
    fault = "tuned on another data set"
    assert fault not in faults(report_from(workspace))
    dataset = read_manifest(workspace.dataset)
    assert dataset
    write_manifest(workspace.dataset, dataset.model_copy(update={"output_hash": "built anew"}))
    report = report_from(workspace)
    assert fault in faults(report)
    [sentence] = [alarm.sentence for alarm in report.alarms if alarm.fault == fault]
    assert sentence.startswith("tuned was tuned before the data set was built as it is now")
