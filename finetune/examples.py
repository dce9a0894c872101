"""What is learned: each record as chat examples through the base model's own template.

Two forms. `write`: a request (the one evaluation uses too) answered by the record's text; a long
text is cut into chunks at line ends. `answer`: a question that stands on a line of its own in a
page or file, answered by the lines below it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from onbrand.chat_format import Tokenizer, encode_prompt, encode_text
from onbrand.config import Brand
from onbrand.errors import OnbrandError
from onbrand.persona import request_for, system_prompt
from onbrand.record import Record

_QUESTION = re.compile(r"^\W*(\S.{8,120}\?)\W*$")


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

    def __len__(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


def make_examples(
    records: Iterable[Record], brand: Brand, tokenizer: Tokenizer, max_tokens: int
) -> list[Example]:
    """All examples of all records, in order.

    Raises:
        OnbrandError: a record yields nothing to learn from, or the prompt alone fills
            `max_tokens`.
    """
    return [
        example
        for record in records
        for example in _examples_of(record, brand, tokenizer, max_tokens)
    ]


def _examples_of(
    record: Record, brand: Brand, tokenizer: Tokenizer, max_tokens: int
) -> Iterator[Example]:
    system = system_prompt(brand)
    pairs = [("write", request_for(record.source, record.title), record.text)]
    if record.source in ("website", "file"):
        pairs += [("answer", question, text) for question, text in question_answers(record.text)]
    for form, request, text in pairs:
        prompt = encode_prompt(tokenizer, system, request)
        room = max_tokens - len(prompt) - 1
        if room < 8:
            raise OnbrandError(
                f"Record {record.id}: its request takes {len(prompt)} of [tune] max_tokens = "
                f"{max_tokens} tokens; raise max_tokens or shorten [brand] persona."
            )
        pieces = list(chunks(text, tokenizer, room))
        if not pieces:
            raise OnbrandError(
                f"Record {record.id} has no text to learn from; run `onbrand build --force`."
            )
        for piece in pieces[:-1]:
            yield Example(record.id, form, prompt, piece)
        yield Example(record.id, form, prompt, [*pieces[-1], tokenizer.eos_token_id])


def question_answers(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of a question on its own line and the text below it, up to the next question."""
    question, answer = "", list[str]()
    for line in [*text.splitlines(), "Is this the end of the text?"]:
        if match := _QUESTION.match(line):
            if question and any(answer):
                yield question, "\n".join(answer).strip()
            question, answer = match[1], []
        else:
            answer.append(line.strip())


def chunks(text: str, tokenizer: Tokenizer, room: int) -> Iterator[list[int]]:
    """Cut a text at line ends into pieces of at most `room` tokens each.

    A single line longer than that is cut between two tokens.
    """
    piece = ""
    for line in text.splitlines(keepends=True):
        if piece and len(encode_text(tokenizer, (piece + line).rstrip())) > room:
            yield from _pieces(encode_text(tokenizer, piece.rstrip()), room)
            piece = ""
        piece += line
    yield from _pieces(encode_text(tokenizer, piece.rstrip()), room)


def _pieces(ids: list[int], room: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), room):
        yield ids[start : start + room]
