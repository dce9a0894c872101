"""A larger model words the briefs, behind any server that speaks OpenAI's chat completions.

https://platform.openai.com/docs/api-reference/chat. Only `model` and `messages` are sent: servers
differ in which other parameters they refuse.
"""

import asyncio
import email.utils
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from finetune.brief_cache import CachedBrief, append_briefs, brief_key, read_briefs
from finetune.briefs import BEGINS, LONGEST_BRIEF, objection
from finetune.pieces import Piece
from onbrand.config import Teacher
from onbrand.errors import OnbrandError, UsageError
from onbrand.persona import kind_of
from onbrand.progress import progress_bar
from onbrand.record import Record

KEY_VARIABLE = "TEACHER_API_KEY"
PARALLEL = 4
TRIES = 6
FAILURES = 5
"""So many briefs in a row without an answer end the run."""
_TIMEOUT = httpx.Timeout(120, connect=10)
_LONGEST_WAIT = 120.0
_AGAIN = {408, 409, 425, 429, *range(500, 600)}
_UNUSABLE_KEY = {401, 403}
_UNUSABLE_TEXT = {400, 413, 422, 451}
"""Said of one request; 402, 404 and 405, for example, are about the account or the address."""
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_SAME_AGAIN = (httpx.TimeoutException, httpx.DecodingError)
"""What comes of a second try is what comes of a sixth."""

_INSTRUCTION = (
    "You are given a text that a brand published. Write the request that a colleague could have "
    "made and that this text answers: one sentence in English of at most {words} words, beginning "
    'with "{begins}". Name the kind of text, its subject and what must be mentioned. Do not quote '
    "the text: never more than three of its words in a row, names excepted. Answer with the "
    "request alone."
)


@dataclass(frozen=True)
class Wanted:
    """A piece of a record that a brief is wanted for."""

    record: Record
    piece: Piece

    @property
    def prompt(self) -> str:
        """What the teacher is asked."""
        instruction = _INSTRUCTION.format(words=LONGEST_BRIEF - 10, begins=BEGINS)
        kind = kind_of(self.record.source)
        return f"{instruction}\n\nThe text is {kind}:\n\n{self.piece.text}"

    def key(self, model: str) -> str:
        """Where its brief stands in the cache."""
        return brief_key(model, self.prompt)


class _NoAnswerError(Exception):
    """The server gave none for this piece; it may for others."""


class _TextRefusedError(_NoAnswerError):
    """The server says that it is the request, so the text, that it does not answer."""


def ask_for_briefs(teacher: Teacher, wanted: Sequence[Wanted], path: Path) -> None:
    """Ask for a brief for each piece and append the answers to `path` as they come.

    An answer that cannot be used is set aside there with its reason; so is a piece that the server
    refuses while it answers for others.

    Raises:
        UsageError: the URL or the key in the environment cannot be right.
        OnbrandError: the server cannot be reached, refuses the key, or answers for no piece.
    """
    try:
        httpx.URL(teacher.url)  # has rules on hosts beyond what the settings are checked for
    except (httpx.InvalidURL, ValueError) as error:
        raise UsageError(
            "[teacher] url is no http(s) address; give the server's base URL, such as "
            "http://localhost:8000/v1."
        ) from error
    asyncio.run(_ask_all(teacher, wanted, path))


async def _ask_all(teacher: Teacher, wanted: Sequence[Wanted], path: Path) -> None:
    known = read_briefs(path)
    has_answered = any(row.is_final and row.model == teacher.model for row in known.values())
    with progress_bar("asked of the teacher") as bar:
        task = bar.add_task("briefs", total=len(wanted))
        async with _Client(teacher) as client:
            tasks = [asyncio.create_task(_row(client, teacher, item)) for item in wanted]
            unanswered: list[CachedBrief] = []
            is_answering = False
            try:
                for next_done in asyncio.as_completed(tasks):
                    row = await next_done
                    bar.advance(task)
                    if row.is_final:
                        append_briefs(path, [row, *unanswered])
                        unanswered, is_answering = [], True
                    elif row.is_refused and row.key in known and known[row.key].is_refused:
                        append_briefs(path, [row])  # no news, so no sign that something is wrong
                    else:
                        unanswered.append(row)
                        if len(unanswered) >= FAILURES:
                            break
            finally:
                for pending in tasks:
                    pending.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            refused = [row for row in unanswered if row.is_refused]
            if is_answering or has_answered:
                # Kept if the run ends here too: the next one is to get past them.
                append_briefs(path, refused)
            is_usable = is_answering or (has_answered and len(refused) == len(unanswered))
            if len(unanswered) >= FAILURES or (unanswered and not is_usable):
                raise OnbrandError(
                    f"The teacher at {teacher.url} gives no briefs ({unanswered[-1].reason}); "
                    "look at [teacher] url and model. What it answered so far is kept."
                )
            append_briefs(path, (row for row in unanswered if not row.is_refused))


async def _row(client: "_Client", teacher: Teacher, item: Wanted) -> CachedBrief:
    row = CachedBrief(
        key=item.key(teacher.model), record_id=item.record.id, model=teacher.model, brief=""
    )
    try:
        brief = _sentence(await client.ask(item.prompt))
    except _NoAnswerError as error:
        is_refused = isinstance(error, _TextRefusedError)
        return row.model_copy(
            update={"reason": str(error), "is_final": False, "is_refused": is_refused}
        )
    return row.model_copy(
        update={"brief": brief, "reason": objection(brief, item.record, item.piece)}
    )


def _sentence(answer: str) -> str:
    """The answer without a reasoning model's thoughts, without quotation marks, in one line."""
    return " ".join(answer.rpartition("</think>")[2].split()).strip("\"“”'` ")


class _Client:
    """One server, at most `PARALLEL` requests at a time, each tried again where that may help."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._key = os.environ.get(KEY_VARIABLE, "").strip()
        if not self._key.isascii() or not self._key.isprintable():
            raise UsageError(f"{KEY_VARIABLE} holds characters that no key has; set it anew.")
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._http = httpx.AsyncClient(
            base_url=f"{teacher.url.rstrip('/')}/", headers=headers, timeout=_TIMEOUT
        )
        self._places = asyncio.Semaphore(PARALLEL)
        self._was_reached = False

    async def __aenter__(self) -> "_Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, prompt: str) -> str:
        """The teacher's answer.

        Raises:
            OnbrandError: the server cannot be reached or refuses the key.
        """
        async with self._places:
            reason = ""
            for attempt in range(TRIES):
                try:
                    response = await self._http.post(
                        "chat/completions",
                        json={
                            "model": self._teacher.model,
                            "messages": [{"role": "user", "content": prompt}],
                        },
                    )
                except httpx.RequestError as error:
                    reason = f"{type(error).__name__} after {attempt + 1} tries"
                    if not self._was_reached and isinstance(error, _NO_CONNECTION):
                        raise self._unreachable(error) from error
                    if attempt and isinstance(error, _SAME_AGAIN):
                        break
                    await asyncio.sleep(2.0**attempt)
                    continue
                self._was_reached = True
                if response.status_code not in _AGAIN:
                    return self._answer(response)
                reason = f"status {response.status_code} after {attempt + 1} tries"
                if attempt + 1 < TRIES:
                    await asyncio.sleep(_wait(response, attempt))
            raise _NoAnswerError(reason)

    def _answer(self, response: httpx.Response) -> str:
        if response.status_code in _UNUSABLE_KEY:
            what = "the key in" if self._key else "a request without a key; set"
            raise OnbrandError(
                f"The teacher at {self._teacher.url} refuses {what} {KEY_VARIABLE} "
                f"(status {response.status_code}); put a key for this server into the environment "
                "or the workspace's .env."
            )
        if not response.is_success:
            is_text = response.status_code in _UNUSABLE_TEXT
            error = _TextRefusedError if is_text else _NoAnswerError
            raise error(f"status {response.status_code}{self._said(response)}")
        try:
            return str(response.json()["choices"][0]["message"]["content"] or "")
        except (ValueError, LookupError, TypeError) as error:
            raise _NoAnswerError("the answer is no chat completion") from error

    def _said(self, response: httpx.Response) -> str:
        """The server's own words, which may repeat the key."""
        try:
            body: Any = response.json()
            said = str(body["error"]["message"])
        except (ValueError, LookupError, TypeError):
            return ""
        said = said.replace(self._key, KEY_VARIABLE) if self._key else said
        return f": {' '.join(said.split())[:200]}"

    def _unreachable(self, error: Exception) -> OnbrandError:
        return OnbrandError(
            f"The teacher at {self._teacher.url} cannot be reached "
            f"({error or type(error).__name__}); start it, correct [teacher] url, or empty "
            "url and model to use the records' own briefs."
        )


def _wait(response: httpx.Response, attempt: int) -> float:
    """Seconds: what Retry-After says (a number or a date), else twice as long each time."""
    given = response.headers.get("retry-after", "")
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(given).timestamp() - time.time()
        except ValueError:
            seconds = 2.0**attempt
    return min(max(seconds, 0.0), _LONGEST_WAIT)
