"""What commands ask of the model, and what the bot says of itself."""

from dataclasses import replace

import pytest
from fake_platform import question

from bots.conversation.wording import KINDS, help_text, request_text, write_request
from bots.question import AskedAs


@pytest.mark.parametrize(
    ("asked_as", "options", "text", "request_of_model"),
    [
        ("message", {}, " Hello there ", "Hello there"),
        ("message", {}, "", "Hello!"),
        ("ask", {}, "Why tea?", "Why tea?"),
        ("write", {"kind": "facebook"}, "spring", "Write a Facebook post about spring."),
        ("write", {"kind": "poem"}, "spring", "Write an Instagram post about spring."),
        ("write", {}, "", "Write an Instagram post."),
        ("voice", {}, "Buy now", "Say this in our voice, and change nothing of what it means:"),
        ("rewrite", {}, "Buy now", "Say this in our voice, and change nothing of what it means:"),
    ],
)
def test_the_request(
    asked_as: AskedAs, options: dict[str, str], text: str, request_of_model: str
) -> None:
    turn = replace(question().turn, text=text)
    asked = replace(question(), turn=turn, asked_as=asked_as, options=options)
    assert request_text(asked).startswith(request_of_model)
    assert text.strip() in request_text(asked)


@pytest.mark.parametrize(
    ("typed", "kind", "subject"),
    [
        ("facebook our spring tea", "facebook", "our spring tea"),
        ("Instagram about the harbour", "instagram", "the harbour"),
        ("our spring tea", "", "our spring tea"),
        ("newsletter", "newsletter", ""),
        ("", "", ""),
    ],
)
def test_what_follows_the_command_write(typed: str, kind: str, subject: str) -> None:
    assert write_request(typed) == (kind, subject)


def test_help_names_every_command_and_kind() -> None:
    text = help_text("Saltmarsh", "/salt")
    assert "**Saltmarsh**" in text
    for word in ("/salt ask", "/salt write", "/salt voice", "/salt help", "stop", *KINDS):
        assert word in text
