"""A report made from texts that stand here, by everything but a model."""

from eval.generate.stage_files import Checked, Generated, Output, Setup, SplitText, TrainText
from eval.models.card import ModelCard
from eval.models.model import Greedy, Sampled, Sampling
from eval.report.assemble import build
from eval.report.schema import Report, Sample

REFERENCE = "the warm kettle by the quay waits for friends who come in from the rain"
EVIL = "|x| <script>alert(1)</script>\n# *b* #tag [l](http://x)"
SAMPLINGS = [Sampling(0.8, 0.95, 13), Sampling(0.8, 0.95, 14)]


def generated(count: int = 24, names: tuple[str, ...] = ("base", "tuned")) -> Generated:
    """`count` texts; the later models are, the more of the reference they say."""
    texts = [
        SplitText(
            id=f"post-{number}",
            source="facebook" if number % 3 else "instagram",
            title="",
            group=f"post-{number}",
            tokens=14,
            first_half=f"First {number} of the posts of the tide",
            second_half=f"{REFERENCE} {number} {'sail' * (number % 4)}",
        )
        for number in range(count)
    ]
    train = [
        TrainText(
            id=f"train-{number}",
            group=f"train-{number}",
            text=f"Ahoy {number}! Boats and ropes and salt and the {number} gulls over the pier.",
            second_half=f"salt and the {number} gulls over the pier.",
        )
        for number in range(20)
    ]
    return Generated(
        setup=Setup(
            kind="half-split" if names == ("base", "tuned") else "comparison",
            brand="Saltair",
            base_model="smollm2-135m",
            models=[card(name) for name in names],
            data_hash="c" * 64,
            too_short=["post-99"],
            too_short_no_hashtags=["post-1"],
            max_tokens=256,
            samplings=SAMPLINGS,
            seed=13,
            padding_checks=[Checked(model=name, checks=[]) for name in names],
            versions={"torch": "2", "transformers": "5", "tokenizers": "0"},
        ),
        texts=texts,
        train=train,
        outputs=[
            output(name, place, text, number)
            for place, name in enumerate(names)
            for number, text in enumerate(texts)
        ],
    )


def card(name: str) -> ModelCard:
    return ModelCard(
        name=name,
        kind="local",
        where=f"models/{name}",
        hash=name,
        asked="prefilled",
        settings={"dtype": "float32", "device": "cpu", "batch": 4},
    )


def output(model: str, place: int, text: SplitText, number: int) -> Output:
    said = text.second_half.split()
    kept = [] if place == 0 else said[: (number % 7) + 3 * place]
    written = " ".join(kept) or (EVIL if number == 0 else f"nothing {number} of the sort")
    return Output(
        model=model,
        id=text.id,
        greedy=Greedy(exact=written, natural=written, stopped=True, tokens=5),
        sampled=[
            Sampled(text=f"{written} {seed}", stopped=bool(number % 2), tokens=5)
            for seed in range(len(SAMPLINGS))
        ],
        tokens=text.tokens,
        nll=40.0 - 10 * place + number % 5,
        tokens_no_hashtags=None if text.id == "post-1" else text.tokens,
        nll_no_hashtags=None if text.id == "post-1" else 45.0 - 8 * place + number % 4,
    )


def report_of(made: Generated) -> tuple[Report, list[Sample]]:
    return build(made, {}, "2026-01-01T00:00:00+00:00")
