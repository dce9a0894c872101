"""What a workspace holds to make examples from: records, briefs, questions; each read once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from datasets import load_from_disk

from finetune.brief_cache import CachedBrief, read_briefs
from finetune.examples import Recipe, brief_place, leaves_room, pieces_for_briefs
from finetune.names import names_of
from finetune.overlap import runs
from finetune.pieces import Decoder
from finetune.questions import (
    COPIED,
    QuestionAnswer,
    Row,
    SetAside,
    read_questions,
    screen,
)
from finetune.teacher import Wanted
from onbrand.artifact import required_manifest
from onbrand.errors import OnbrandError
from onbrand.record import Record
from onbrand.workspace import Workspace

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Material:
    """Of one workspace, for one tokenizer."""

    workspace: Workspace
    tokenizer: Decoder

    @property
    def briefs_path(self) -> Path:
        """Where a teacher's briefs are kept."""
        return self.workspace.root / "models" / "briefs.jsonl"

    @property
    def rejected_questions_path(self) -> Path:
        """Where the rows of question files that are set aside are listed."""
        return self.workspace.root / "models" / "questions-rejected.jsonl"

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """The records by split; empty where a share of 0 left a split out.

        Raises:
            OnbrandError: no data set, or one that cannot be read.
        """
        folder = self.workspace.dataset
        required_manifest(folder, "data set", "build")
        return {split: _records(folder / split) for split in SPLITS}

    @cached_property
    def recipe(self) -> Recipe:
        """How they become examples."""
        if not self._bare_recipe.shares.brief:
            return self._bare_recipe
        names = names_of(self.records["train"], self.workspace.config.brand.name)
        return replace(self._bare_recipe, names=names, briefs=self._taught_briefs())

    @property
    def _bare_recipe(self) -> Recipe:
        config = self.workspace.config
        return Recipe(config.brand, config.examples, config.tune.max_tokens, config.tune.seed)

    @cached_property
    def wanted_briefs(self) -> dict[str, Wanted]:
        """What the teacher is to word, by the brief's key; empty without a teacher."""
        teacher = self.workspace.config.teacher
        recipe = self._bare_recipe
        if not teacher.url or not recipe.shares.brief:
            return {}
        wanted = (
            Wanted(record, piece)
            for split in ("train", "validation")
            for record in self.records[split]
            if recipe.gives("brief", record.id)
            for piece in pieces_for_briefs(record, recipe, self.tokenizer)
        )
        return {item.key(teacher.model): item for item in wanted}

    def answered_briefs(self) -> dict[str, CachedBrief]:
        """What the teacher has answered to them so far, by key."""
        if not self.wanted_briefs:
            return {}
        return {
            key: row
            for key, row in read_briefs(self.briefs_path).items()
            if row.is_final and key in self.wanted_briefs
        }

    def missing_briefs(self) -> list[Wanted]:
        """What the teacher has still to be asked for."""
        answered = self.answered_briefs()
        return [item for key, item in self.wanted_briefs.items() if key not in answered]

    def _taught_briefs(self) -> dict[str, str]:
        found = {}
        for key, row in self.answered_briefs().items():
            if not row.reason:
                item = self.wanted_briefs[key]
                found[brief_place(item.record, item.piece)] = row.brief
        return found

    @cached_property
    def questions(self) -> list[Row]:
        """The rows of the question files, screened.

        Raises:
            UsageError: a file that cannot be used.
        """
        names = self.workspace.config.examples.question_files
        if not names:
            return []
        held_out = {
            run
            for split in ("validation", "test")
            for record in self.records[split]
            for run in runs(record.text, COPIED)
        }
        rows = (row for name in names for row in read_questions(self.workspace.input_path(name)))

        def has_room(question: str) -> bool:
            return leaves_room(question, self._bare_recipe, self.tokenizer)

        return list(screen(rows, held_out, has_room))

    def kept_questions(self) -> Iterator[QuestionAnswer]:
        """The rows to learn from."""
        return (row for row in self.questions if isinstance(row, QuestionAnswer))

    def rejected_questions(self) -> list[SetAside]:
        """The rows set aside."""
        return [row for row in self.questions if isinstance(row, SetAside)]


def _records(folder: Path) -> list[Record]:
    if not folder.is_dir():
        return []
    try:
        return [Record.model_validate(row) for row in load_from_disk(str(folder))]
    except IndexError:  # an empty split has no file of rows, which `datasets` cannot read back
        return []
    except (OSError, ValueError) as error:
        raise OnbrandError(
            f"{folder} is not a data set that can be read; run `onbrand build --force`."
        ) from error
