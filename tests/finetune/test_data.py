import json
from collections import Counter
from collections.abc import Iterator

import pytest
from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer
from typer.testing import CliRunner

from finetune.data import example_inputs, examples_of, prepare_examples
from finetune.material import Material
from onbrand.cli.app import app
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.finetune.teacher_server import Reply, RunningTeacher, running_teacher


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return AutoTokenizer.from_pretrained(smollm2, local_files_only=True)


@pytest.fixture
def teacher() -> Iterator[RunningTeacher]:
    with running_teacher() as running:
        yield running


def configured(workspace: Workspace, **sections: dict[str, object]) -> Workspace:
    """The workspace with these sections added to its brand.toml."""
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    toml = workspace.root / "brand.toml"
    toml.write_text(toml.read_text() + "\n" + "\n".join(lines) + "\n")
    return Workspace(workspace.root)


def forms(workspace: Workspace, split: str, tokenizer) -> Counter[str]:
    return Counter(example.form for example in examples_of(workspace, split, tokenizer))


def test_both_splits_follow_the_shares(workspace: Workspace, tokenizer) -> None:
    space = configured(workspace, examples={"write": 0, "brief": 1, "half_split": 1})
    assert forms(space, "train", tokenizer) == {"brief": 48, "half_split": 48}
    assert forms(space, "validation", tokenizer) == {"brief": 8, "half_split": 8}


def test_question_files_are_for_training_alone(workspace: Workspace, tokenizer) -> None:
    held_out = "Ahoy, shipmate number 50! The anchor is oiled and the tide is in."
    rows = [
        {"question": "Do you have tea?", "answer": "Aye, always."},
        {"question": "What of number 50?", "answer": f"We say: {held_out}"},
        {"question": "", "answer": "Nothing was asked."},
    ]
    (workspace.root / "faq.jsonl").write_text("\n".join(map(json.dumps, rows)))
    space = configured(workspace, examples={"question_files": ["faq.jsonl"]})
    prepare_examples(Material(space, tokenizer))
    assert forms(space, "train", tokenizer) == {"write": 48, "answer": 1}
    assert forms(space, "validation", tokenizer) == {"write": 8}
    [answer] = [e for e in examples_of(space, "train", tokenizer) if e.form == "answer"]
    assert answer.record_id == "faq.jsonl:1"
    path = space.root / "models" / "questions-rejected.jsonl"
    rejected = [json.loads(line) for line in path.read_text().splitlines()]
    copied = "ahoy shipmate number 50 the anchor is oiled"
    assert {row["place"]: row["reason"] for row in rejected} == {
        "faq.jsonl:2": f'a held-out text has its words "{copied}" too',
        "faq.jsonl:3": "its question is empty",
    }
    (workspace.root / "faq.jsonl").write_text(json.dumps(rows[0]))
    prepare_examples(Material(space, tokenizer))
    assert not path.exists()


def test_no_share_of_answers_no_question(workspace: Workspace, tokenizer) -> None:
    (workspace.root / "faq.csv").write_text("question,answer\nTea?,Aye.\n")
    space = configured(workspace, examples={"question_files": ["faq.csv"], "answer": 0})
    assert forms(space, "train", tokenizer) == {"write": 48}


def test_a_changed_question_file_is_another_input(workspace: Workspace) -> None:
    assert example_inputs(workspace) == {}
    space = configured(workspace, examples={"question_files": ["faq.csv"]})
    with pytest.raises(UsageError, match=r"faq\.csv cannot be read"):
        example_inputs(space)
    (workspace.root / "faq.csv").write_text("question,answer\nTea?,Aye.\n")
    before = example_inputs(space)
    (workspace.root / "faq.csv").write_text("question,answer\nTea?,No.\n")
    assert before.keys() == example_inputs(space).keys() == {"questions faq.csv"}
    assert before != example_inputs(space)


def test_a_teacher_is_asked_once_and_only_by_tuning(
    workspace: Workspace, tokenizer, teacher: RunningTeacher
) -> None:
    teacher.reply = lambda text, count: Reply(
        "Write of the tide." if "number 7!" not in text else f"Write this: {text}"
    )
    shares = {"write": 0, "brief": 0.5}
    space = configured(workspace, examples=shares, teacher={"url": teacher.url, "model": "big"})
    own = examples_of(space, "train", tokenizer)
    assert not teacher.asked
    assert "Write of the tide." not in tokenizer.decode(own[0].prompt)

    prepare_examples(Material(space, tokenizer))
    validation = examples_of(space, "validation", tokenizer)
    assert len(teacher.asked) == len(own) + len(validation), "never the test split's"
    taught = examples_of(space, "train", tokenizer)
    assert [e.answer for e in taught] == [e.answer for e in own]
    told = sum("Write of the tide." in tokenizer.decode(e.prompt) for e in taught)
    set_aside = sum("number 7!" in tokenizer.decode(e.answer) for e in taught)
    assert told == len(taught) - set_aside

    prepare_examples(Material(Workspace(space.root), tokenizer))
    assert len(teacher.asked) == len(own) + len(validation), "the second run finds them all"


def test_no_share_of_briefs_no_teacher(
    workspace: Workspace, tokenizer, teacher: RunningTeacher
) -> None:
    space = configured(workspace, teacher={"url": teacher.url, "model": "big"})
    prepare_examples(Material(space, tokenizer))
    assert not teacher.asked


def test_too_few_examples_are_said_with_what_to_do(workspace: Workspace, tokenizer) -> None:
    space = configured(workspace, examples={"write": 0.1})
    with pytest.raises(OnbrandError, match=r"gives \d training examples.*needs 10.*\[examples\]"):
        examples_of(space, "train", tokenizer)


def test_an_empty_split_gives_nothing(workspace: Workspace, tokenizer) -> None:
    rows = Dataset.load_from_disk(str(workspace.dataset / "train"))
    DatasetDict({"train": rows, "validation": rows.select([])}).save_to_disk(
        str(workspace.root / "other")
    )
    for split in ("train", "validation"):
        (workspace.root / "other" / split).rename(workspace.dataset / f"new-{split}")
    (workspace.dataset / "validation").rename(workspace.dataset / "old")
    (workspace.dataset / "new-validation").rename(workspace.dataset / "validation")
    assert examples_of(workspace, "validation", tokenizer) == []


def test_a_damaged_data_set_is_one_sentence(workspace: Workspace, tokenizer) -> None:
    (workspace.dataset / "train" / "state.json").write_text("{")
    with pytest.raises(OnbrandError, match=r"train is not a data set that can be read"):
        examples_of(workspace, "train", tokenizer)


def test_all_forms_are_shown_in_turn(workspace: Workspace, teacher: RunningTeacher) -> None:
    (workspace.root / "faq.csv").write_text("question,answer\nTea?,Aye.\n")
    shares = {"brief": 1, "half_split": 1, "question_files": ["faq.csv"]}
    space = configured(workspace, examples=shares, teacher={"url": teacher.url, "model": "big"})
    result = CliRunner().invoke(app, ["-w", str(space.root), "tune", "--show", "4"])
    assert result.exit_code == 0, result.output
    for form in ("write", "brief", "half_split", "answer"):
        assert result.stdout.count(f"({form}):") == 1
    assert "still to be asked for 56 briefs" in " ".join(result.stderr.split())
    assert not teacher.asked
