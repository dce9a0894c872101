"""Real writing for tests, read where it lies (`SHARED_DATA`) and never copied."""

import json
import random
from functools import cache
from typing import Any

from eval.texts import Text
from tests.conftest import SHARED_DATA


def halves(text: str) -> tuple[str, str]:
    """First and second half by words; the longer one second."""
    cut = text.split(" ")
    middle = len(cut) // 2
    return " ".join(cut[:middle]), " ".join(cut[middle:])


@cache
def tea_brand() -> list[Text]:
    """Every caption of a tea brand's Instagram and Facebook, repeats among them."""

    def rows(name: str) -> list[dict[str, Any]]:
        loaded: list[dict[str, Any]] = json.loads(
            (SHARED_DATA / "tapal" / f"{name}.json").read_text("utf-8")
        )
        return loaded

    captions = [
        *(row.get("caption") for row in rows("instagram-scraper")),
        *(row.get("text") for row in rows("facebook-posts-scraper")),
    ]
    return [
        Text(f"post-{number}", f"post-{number}", caption)
        for number, caption in enumerate(captions)
        if caption and len(caption.split()) >= 8
    ]


@cache
def agency() -> list[Text]:
    """Paragraphs of a United States digital agency's posts, at most three of a post."""
    lines = (SHARED_DATA / "18f" / "18f_posts_pages.jsonl").read_text("utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        paragraphs = [
            part for part in row["body"].split("\n\n") if len(part) >= 200 and part[0].isalpha()
        ]
        found += [
            Text(f"{row['path']}-{number}", row["path"], " ".join(part.split()))
            for number, part in enumerate(paragraphs[:3])
        ]
    return found


@cache
def messages() -> list[Text]:
    """Private text messages of the SMS Spam Collection, each once."""
    lines = (SHARED_DATA / "sms_spam" / "SMSSpamCollection").read_text("utf-8").splitlines()
    texts = dict.fromkeys(line.split("\t", 1)[1] for line in lines if line.startswith("ham"))
    return [Text(f"sms-{n}", f"sms-{n}", text) for n, text in enumerate(texts) if len(text) > 60]


def sample(texts: list[Text], count: int, seed: int) -> list[Text]:
    return random.Random(seed).sample(texts, min(count, len(texts)))
