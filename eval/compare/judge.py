"""A judge model behind an OpenAI-compatible server: which of two continuations is the brand's?

Each pair is asked twice, in both orders: judges are known to prefer a place (Zheng et al., 2023,
https://arxiv.org/abs/2306.05685). The answers are kept in the cache as they come.
"""

import hashlib
import random
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

from eval.generate.cache import Cache, cache_key
from eval.generate.stage_files import Choice, Generated, SplitText, Verdict
from eval.models.chat_client import ChatClient
from onbrand.chat_format import Message
from onbrand.progress import progress_bar
from onbrand.workspace import Workspace

KEY_VARIABLE = "ONBRAND_JUDGE_KEY"
EXAMPLES = 3
"""Real texts of the brand that the judge is shown."""
_AT_ONCE = 4
_LONGEST_EXAMPLE = 600
_LONGEST_ANSWER = 512
"""Tokens; room for a reasoning model's thoughts."""

_CHOICES: dict[str, Choice] = {"1": "first", "2": "second"}

_REQUEST = """\
These are texts of one brand:

{examples}

Another text of the brand begins like this:

{first_half}

Two writers were asked to continue it. Which continuation sounds more like the brand: its tone, its
words, its rhythm? A longer continuation is not better for being longer.

Continuation 1:
{first}

Continuation 2:
{second}

Answer with a single digit: 1, 2, or 0 if you cannot tell."""


def ask_judge(
    workspace: Workspace, generated: Generated, url: str, most_texts: int, *, forget: bool
) -> list[Verdict]:
    """What the judge at `url` answers about every pair of models on the first texts.

    `forget` empties what is remembered of its answers first.

    Raises:
        UsageError: the address cannot be right.
        OnbrandError: the server cannot be reached, refuses, or is busy for too long.
    """
    with ChatClient(url, KEY_VARIABLE, workspace.config.eval.patience_seconds) as client:
        identity = hashlib.sha256(f"judge {client.url} {client.model()}".encode()).hexdigest()
        cache = Cache(workspace.reports / "cache", identity)
        if forget:
            cache.clear()
        texts = [text.text for text in generated.train]
        chance = random.Random(generated.setup.seed)
        examples = chance.sample(texts, min(EXAMPLES, len(texts)))
        return Judge(client, cache, examples).verdicts(generated, most_texts)


class Judge:
    """Asks one server; its answers are remembered by what was asked.

    Args:
        client: the server.
        cache: where answers are kept.
        examples: real texts of the brand, from the training split.
    """

    def __init__(self, client: ChatClient, cache: Cache, examples: Sequence[str]) -> None:
        self.name = client.model()
        self._client = client
        self._cache = cache
        self._examples = "\n\n".join(f"- {text[:_LONGEST_EXAMPLE]}" for text in examples)

    def verdicts(self, generated: Generated, most_texts: int) -> list[Verdict]:
        """What it answers about every pair of models on the first `most_texts` texts.

        Raises:
            OnbrandError: the server cannot be reached, refuses, or is busy for too long.
        """
        texts = generated.texts[:most_texts]
        shown = {
            card.name: [output.shown for output in generated.of(card.name)]
            for card in generated.setup.models
        }
        asked = [
            (text, place, a, b)
            for a, b in combinations(shown, 2)
            for place, text in enumerate(texts)
        ]
        with progress_bar() as progress, ThreadPoolExecutor(_AT_ONCE) as threads:
            task = progress.add_task(f"Asking {self.name} to judge", total=len(asked))

            def verdict(question: tuple[SplitText, int, str, str]) -> Verdict:
                text, place, a, b = question
                found = self._verdict(text, a, b, shown[a][place], shown[b][place])
                progress.advance(task)
                return found

            return list(threads.map(verdict, asked))

    def _verdict(self, text: SplitText, a: str, b: str, text_a: str, text_b: str) -> Verdict:
        return Verdict(
            judge=self.name,
            id=text.id,
            a=a,
            b=b,
            a_first=self._choose(text.first_half, text_a, text_b),
            b_first=self._choose(text.first_half, text_b, text_a),
        )

    def _choose(self, first_half: str, first: str, second: str) -> Choice:
        request = _REQUEST.format(
            examples=self._examples, first_half=first_half, first=first, second=second
        )
        key = cache_key(kind="judge", request=request)
        if key not in self._cache:
            messages: list[Message] = [{"role": "user", "content": request}]
            reply = self._client.ask(messages, temperature=0.0, max_tokens=_LONGEST_ANSWER)
            self._cache.add({key: reply.text})
        return choice_in(str(self._cache[key]))


def choice_in(answer: str) -> Choice:
    """The digit that an answer gives; thoughts before it do not count."""
    digits = re.findall(r"(?<![\d.])[012](?![\d.]?\d)", answer.rpartition("</think>")[2])
    return _CHOICES.get(digits[0], "neither") if digits else "neither"
