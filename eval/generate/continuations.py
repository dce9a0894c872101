"""One model's part of an evaluation: what it writes, and how likely it finds the real texts.

Batches hold texts of similar length. They are made from all items, known or not: a resumed run
then computes the same batches as an uninterrupted one, and the same text to the last bit.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import TypeAdapter
from rich.progress import Progress, TaskID

from eval.generate.cache import Cache, cache_key
from eval.generate.stage_files import Output
from eval.half_split import HalfSplit, Item, batches
from eval.models.model import Greedy, Model, PaddingCheck, Sampled, Sampling
from onbrand.progress import progress_bar

_VERSION = 4
"""Of what is cached; another one when the same request would now be answered otherwise."""

_Answer = TypeVar("_Answer")
_Ask = Callable[[Sequence[Item]], list[_Answer] | None]


def generate(
    model: Model,
    full: HalfSplit,
    no_hashtags: HalfSplit,
    samplings: Sequence[Sampling],
    batch_size: int,
    cache: Cache,
) -> tuple[list[Output], list[PaddingCheck]]:
    """Everything that scoring needs of this model: an output a text, and the padding's check.

    The model is loaded only for what the cache does not know, and unloaded after.

    Raises:
        OnbrandError: the model fails.
    """
    full, plain = model.view(full), model.view(no_hashtags)
    with _progress(model.card.name) as counter:
        work = _Work(model, batch_size, cache, counter)
        nlls = work.answers("nll", full.items, model.likelihoods, float)
        nlls_plain = work.answers("nll", plain.items, model.likelihoods, float)
        greedy = work.answers("greedy", full.items, model.greedy, Greedy)
        drawn = [_drawn(work, full.items, sampling) for sampling in samplings]
        checks = work.padding_checks(full.items)
    model.unload()
    plain_tokens = {item.id: len(item.second_ids) for item in plain.items}
    plain_nlls = dict(zip((item.id for item in plain.items), nlls_plain or [], strict=False))
    outputs = [
        Output(
            model=model.card.name,
            id=item.id,
            greedy=(greedy or [])[place],
            sampled=[texts[place] for texts in drawn if texts is not None],
            tokens=len(item.second_ids),
            nll=nlls[place] if nlls else None,
            tokens_no_hashtags=plain_tokens.get(item.id),
            nll_no_hashtags=plain_nlls.get(item.id),
        )
        for place, item in enumerate(full.items)
    ]
    return outputs, checks


def _drawn(work: "_Work", items: Sequence[Item], sampling: Sampling) -> list[Sampled] | None:
    def ask(batch: Sequence[Item]) -> list[Sampled] | None:
        return work.model.sampled(batch, sampling)

    return work.answers("sampled", items, ask, Sampled, **asdict(sampling))


class _Counter:
    """Tells the progress bar what was done, and how fast."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self._tokens, self._seconds = 0, 0.0

    def expect(self, texts: int) -> None:
        total = self._progress.tasks[0].total or 0
        self._progress.update(self._task, total=total + texts)

    def done(self, texts: int, tokens: int = 0, seconds: float = 0.0) -> None:
        self._tokens += tokens
        self._seconds += seconds
        speed = f"{self._tokens / self._seconds:,.0f} tokens/s" if self._seconds else "cached"
        self._progress.update(self._task, advance=texts, speed=speed)


class _Work:
    """One model, its cache, and the batches that it is asked for."""

    def __init__(self, model: Model, batch_size: int, cache: Cache, counter: _Counter) -> None:
        self.model = model
        self._batch_size = batch_size
        self._cache = cache
        self._counter = counter

    def answers(
        self, kind: str, items: Sequence[Item], ask: _Ask[_Answer], type_: type, **how: Any
    ) -> list[_Answer] | None:
        """The model's answer for each item, from the cache where it is known."""
        adapter: TypeAdapter[_Answer] = TypeAdapter(type_)
        keys = {item: self._key(kind, item, how) for item in items}
        self._counter.expect(len(items))
        for batch in batches(list(items), self._batch_size):
            tokens, started = 0, time.perf_counter()
            if not all(keys[item] in self._cache for item in batch):
                answers = ask(batch)
                if answers is None:
                    self._counter.done(len(items))
                    return None
                tokens = sum(len(item.second_ids) for item in batch)
                values = [adapter.dump_python(answer, mode="json") for answer in answers]
                self._cache.add(dict(zip((keys[i] for i in batch), values, strict=True)))
            self._counter.done(len(batch), tokens, time.perf_counter() - started if tokens else 0)
        return [adapter.validate_python(self._cache[keys[item]]) for item in items]

    def padding_checks(self, items: Sequence[Item]) -> list[PaddingCheck]:
        """The model's padding check on these items."""
        adapter = TypeAdapter(list[PaddingCheck])
        contexts = [item.context_ids for item in items]
        key = cache_key(version=_VERSION, contexts=contexts, settings=self.model.card.settings)
        if key not in self._cache:
            checks = self.model.padding_checks(items)
            self._cache.add({key: adapter.dump_python(checks, mode="json")})
        return adapter.validate_python(self._cache[key])

    def _key(self, kind: str, item: Item, how: dict[str, Any]) -> str:
        return cache_key(
            version=_VERSION,
            kind=kind,
            ids=item.context_ids,
            reference=item.second_ids if kind == "nll" else len(item.second_ids),
            settings=self.model.card.settings,
            **how,
        )


@contextmanager
def _progress(name: str) -> Iterator[_Counter]:
    with progress_bar("{task.fields[speed]}") as progress:
        yield _Counter(progress, progress.add_task(f"Asking {name}", total=0, speed=""))
