"""What is learned: each record as chat examples through the base model's own template.

Four forms, each with the share of records that `[examples]` gives it: `write`, a bare request
answered by the text; `brief`, a request that says what the text is about; `half_split`, the text's
first half continued by the second, the very ids that evaluation uses; `answer`, a question from a
page or a question file. A long text is cut into pieces.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from finetune.briefs import own_briefs
from finetune.names import Names
from finetune.pieces import Decoder, Piece, cut, question_answers, whole_or_sections
from finetune.questions import QuestionAnswer
from onbrand.chat_format import encode_prompt, encode_text, split_half
from onbrand.config import Brand, Examples
from onbrand.errors import OnbrandError
from onbrand.persona import request_for, system_prompt
from onbrand.record import Record, text_hash

SHORTEST = 8
"""Tokens of an answer that a prompt leaves room for; of a text worth splitting in the middle."""
_BRIEF_TOKENS = 96
"""Room kept for a brief when a text is cut for it."""


@dataclass(frozen=True)
class Example:
    """A prompt and the answer to learn, as token ids.

    Loss is taken on `answer` only. Its last id is EOS, so the model learns to stop; only where a
    long text was cut, the pieces before the last go without.
    """

    record_id: str
    form: str
    prompt: list[int]
    answer: list[int]

    def __post_init__(self) -> None:
        """Raises OnbrandError where no token would carry loss."""
        if not self.answer:
            raise OnbrandError(
                f"Record {self.record_id} has no text to learn from (form {self.form}); "
                "run `onbrand build --force`."
            )

    def __len__(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Recipe:
    """How records become examples."""

    brand: Brand
    shares: Examples = field(default_factory=Examples)
    max_tokens: int = 384
    seed: int = 13
    names: Names = field(default_factory=lambda: Names([]))
    """What briefs may name."""
    briefs: Mapping[str, str] = field(default_factory=dict)
    """A teacher's, by `brief_place`; the record's own where there is none."""

    def gives(self, form: str, identity: str) -> bool:
        """Does this record give an example of this form? Fixed per record, whatever the others do.

        A larger share takes in every record that a smaller one does.
        """
        digest = hashlib.sha256(f"{self.seed}\n{form}\n{identity}".encode()).digest()
        share: float = getattr(self.shares, form)
        return int.from_bytes(digest[:8]) < share * 2**64


def make_examples(
    records: Iterable[Record], recipe: Recipe, tokenizer: Decoder
) -> Iterator[Example]:
    """All examples of all records, in order.

    Raises:
        OnbrandError: a record yields nothing to learn from, or the prompt alone fills
            `max_tokens`.
    """
    for record in records:
        for form, make in _FORMS.items():
            if recipe.gives(form, record.id):
                yield from make(record, recipe, tokenizer)


def question_examples(
    pairs: Iterable[QuestionAnswer], recipe: Recipe, tokenizer: Decoder
) -> Iterator[Example]:
    """Examples from question files, in order; the share is drawn by the question's words.

    Raises:
        OnbrandError: an answer yields no token.
    """
    for pair in pairs:
        if recipe.gives("answer", pair.question):
            yield from _request(pair.place, "answer", pair.question, pair.answer, recipe, tokenizer)


def leaves_room(question: str, recipe: Recipe, tokenizer: Decoder) -> bool:
    """Is a question short enough for an answer to fit into `max_tokens` with it?"""
    prompt = encode_prompt(tokenizer, system_prompt(recipe.brand), question)
    return recipe.max_tokens - len(prompt) - 1 >= SHORTEST


def pieces_for_briefs(record: Record, recipe: Recipe, tokenizer: Decoder) -> list[Piece]:
    """What a record gives briefs for: all of it, or each section of a page that is too long.

    Of a post that is too long only the beginning, without EOS.
    """
    bare = encode_prompt(tokenizer, system_prompt(recipe.brand), "")
    kept = min(_BRIEF_TOKENS, recipe.max_tokens // 4)
    room = _room(record.id, len(bare) + kept, recipe.max_tokens)
    if record.source in ("website", "file"):
        return whole_or_sections(record.text, tokenizer, room)
    pieces = list(cut(record.text, tokenizer, room)) or [Piece([], "")]
    return [Piece(pieces[0].ids, pieces[0].text, ends=len(pieces) == 1)]


def brief_place(record: Record, piece: Piece) -> str:
    """The key of a teacher's brief in `Recipe.briefs`."""
    return f"{record.source} {text_hash(piece.text)}"


def _write(record: Record, recipe: Recipe, tokenizer: Decoder) -> Iterator[Example]:
    request = request_for(record.source, record.title)
    return _request(record.id, "write", request, record.text, recipe, tokenizer)


def _brief(record: Record, recipe: Recipe, tokenizer: Decoder) -> Iterator[Example]:
    """Each piece after the fullest brief that leaves room for it."""
    system = system_prompt(recipe.brand)
    for piece in pieces_for_briefs(record, recipe, tokenizer):
        taught = recipe.briefs.get(brief_place(record, piece))
        briefs = [*([taught] if taught else []), *own_briefs(record, piece, recipe.names)]
        answer = [*piece.ids, *([tokenizer.eos_token_id] if piece.ends and piece.ids else [])]
        for brief in briefs:
            prompt = encode_prompt(tokenizer, system, brief)
            if len(prompt) + len(answer) <= recipe.max_tokens:
                yield Example(record.id, "brief", prompt, answer)
                break


def _half_split(record: Record, recipe: Recipe, tokenizer: Decoder) -> Iterator[Example]:
    """As evaluation does it: the request, the first half as an answer begun, the second to learn.

    A text that is too short for evaluation gives none.
    """
    request = request_for(record.source, record.title)
    prompt = encode_prompt(tokenizer, system_prompt(recipe.brand), request)
    ids = encode_text(tokenizer, record.text)
    kept = ids[: _room(record.id, len(prompt), recipe.max_tokens)]
    if len(kept) < SHORTEST:
        return
    first, second = split_half(kept)
    end = [tokenizer.eos_token_id] if len(kept) == len(ids) else []
    yield Example(record.id, "half_split", [*prompt, *first], [*second, *end])


def _answer(record: Record, recipe: Recipe, tokenizer: Decoder) -> Iterator[Example]:
    if record.source in ("website", "file"):
        for question, answer in question_answers(record.text):
            yield from _request(record.id, "answer", question, answer, recipe, tokenizer)


_FORMS = {"write": _write, "brief": _brief, "half_split": _half_split, "answer": _answer}


def _request(
    place: str, form: str, request: str, text: str, recipe: Recipe, tokenizer: Decoder
) -> Iterator[Example]:
    """A request answered by a text, in pieces where it is long; the last piece ends in EOS."""
    prompt = encode_prompt(tokenizer, system_prompt(recipe.brand), request)
    room = _room(place, len(prompt), recipe.max_tokens)
    pieces = [piece.ids for piece in cut(text, tokenizer, room)] or [[]]
    for ids in pieces[:-1]:
        yield Example(place, form, prompt, ids)
    end = [tokenizer.eos_token_id] if pieces[-1] else []
    yield Example(place, form, prompt, pieces[-1] + end)


def _room(place: str, prompt_tokens: int, max_tokens: int) -> int:
    """Tokens left for an answer and its EOS (the EOS not counted)."""
    room = max_tokens - prompt_tokens - 1
    if room < SHORTEST:
        raise OnbrandError(
            f"Record {place}: its request takes {prompt_tokens} of [tune] max_tokens = "
            f"{max_tokens} tokens; raise max_tokens or shorten [brand] persona."
        )
    return room
