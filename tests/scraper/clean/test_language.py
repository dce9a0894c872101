"""Language tags: on sentences, on a real brand's hand-labelled posts, and on real English."""

import json
from pathlib import Path

import pytest

from scraper.clean.language import language_of
from scraper.clean.repair import mend_encoding, tidy
from scraper.social.export import Platform, read_export
from tests.conftest import SHARED_DATA, needs_shared_data

LABELS = json.loads((Path(__file__).parent / "tapal_languages.json").read_text(encoding="utf-8"))
"""Labels given by reading: ur-Latn where a fifth of the words or more, names left out, are Urdu's,
else en. Ids of posts (f: Facebook, i: Instagram), drawn at random three times: the function words
were written before the first draw, completed after the second, and left alone after the third."""
EXPORTS: tuple[tuple[Platform, str], ...] = (
    ("facebook", "facebook-posts-scraper.json"), ("instagram", "instagram-scraper.json"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("We roast our coffee every morning and deliver it to your door. #Kaffee", "en"),
        ("Wir rösten unseren Kaffee jeden Morgen frisch und bringen ihn zu Ihnen.", "de"),
        ("چائے کا وقت ہو گیا ہے، آئیں مل کر پیتے ہیں", "ur"),
        ("Tou Hojaye...? #TapalDanedar #ComingSoon", "ur-Latn"),
        ("Lorem #Latin", ""),
        ("#KhanayKayBaad ☕☕", ""),
        ("", ""),
        ("Eid ki khushiyon ka maza tab aaye jab saath ho family. Happy holidays!", "ur-Latn"),
        ("Bugün hava çok güzel, bahçede kahve içelim ve biraz dinlenelim.", "tr"),
        ("Kami memanggang kopi setiap pagi dan mengantarnya ke rumah Anda.", "id"),
        ("El café se tuesta cada mañana y se lleva a tu casa, de la mano.", "es"),
        ("Kahvi paahdetaan joka aamu, ja se on pöydässä ennen kuin heräät.", "fi"),
        ("Le café se boit ici, de la main à la main, et de jour en jour.", "fr"),
        ("Mein Kaffee, dein Kaffee: jeden Morgen frisch geröstet", "de"),
        ("Se hai fame vieni da noi, ti aspettiamo ogni giorno", "it"),
        ("Tak dobrze smakuje tylko na śniadanie u nas", "pl"),
        ("Tak se u nás peče chleba každé ráno", "cs"),
        ("Tak fordi du har handlet hos os i dag", ""),
        ("Hai sahabat teh, hari ini tak ada alasan untuk tidak minum teh", ""),
        ("Karen and Jo bake bread every morning for the market", "en"),
        ("The key to a good tea is mere patience and clean water", "en"),
        ("Agar and pectin: the key to a firm jelly", "en"),
        ("Innings break ke beech mai behen ke chai barhaen puri family ka josh!", "ur-Latn"),
        ("Ghar ki yaad, maa ke haath ki chai", "ur-Latn"),
        ("Aj ka match hai must win! Let's back the boys by showing our support!", "ur-Latn"),
        ("Had some fun at the launch of our new tea!", "en"),
        ("चाय का समय हो गया है, आइए मिलकर पीते हैं और बातें करते हैं", "hi"),
    ],
)
def test_languages_and_none_where_unsure(text: str, code: str) -> None:
    assert language_of(text) == code


def test_the_same_words_are_hindi_in_india() -> None:
    assert language_of("Chai ka waqt hai, aao saath baithein", "IN") == "hi-Latn"
    assert language_of("Chai ka waqt hai, aao saath baithein", "PK") == "ur-Latn"


@needs_shared_data
@pytest.mark.parametrize(
    ("draw", "least"), [("drawn first", 0.97), ("drawn second", 0.95), ("drawn third", 0.92)]
)
def test_real_posts_that_mix_urdu_and_english(draw: str, least: float) -> None:
    texts = {
        f"{platform[0]}{post.post_id}": tidy(mend_encoding(post.text))
        for platform, name in EXPORTS
        for post in read_export(SHARED_DATA / "tapal" / name, name, platform).posts
    }
    labelled = [(post, tag) for tag, posts in LABELS[draw].items() for post in posts]
    right = sum(language_of(texts[post], "PK") == tag for post, tag in labelled)
    assert right / len(labelled) >= least


@needs_shared_data
def test_real_english_messages_are_nothing_else() -> None:
    lines = (
        (SHARED_DATA / "sms_spam" / "SMSSpamCollection").read_text(encoding="utf-8").splitlines()
    )
    tags = [language_of(line.partition("\t")[2]) for line in lines[::4]]
    assert sum(tag == "en" for tag in tags) > 0.8 * len(tags)
    assert sum(tag not in ("en", "") for tag in tags) <= 1, "one of them is Urdu"
