"""`onbrand chat`: a conversation in the terminal."""

import re
from contextlib import closing, suppress
from datetime import UTC, datetime

from rich.text import Text

from bots.conversation.messages import chat_messages
from bots.gateway_client import GatewayClient
from bots.question import Turn
from onbrand.console import notes, results
from onbrand.errors import OnbrandError

_YOU = "you"
_PROMPT = f"{_YOU}> "
_TURNS_KEPT = 20
"""Questions and answers that the model is told again."""
_TOKENS = 3000
"""Estimated tokens of them, at most; the gateway trims exactly."""
_HELP = "/new begins anew, /quit or Ctrl-D leaves, Ctrl-C stops an answer."
# All but newline and tab: an answer must not be able to steer the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def chat(url: str, brand_name: str, questions: list[str] | None = None) -> None:
    """Talk to the gateway at `url`; answers go to standard output as they come.

    Args:
        url: The gateway's URL.
        brand_name: Shown before each answer; empty: the name the gateway's model goes by.
        questions: Asked one by one, each in a conversation of its own, instead of reading from
            the keyboard.

    Raises:
        OnbrandError: the gateway cannot be reached or is not ready; with `questions`, also when
            an answer fails.
    """
    with closing(GatewayClient(url)) as client:
        served = client.check_ready()
        name = brand_name or served.brand
        if questions is None:
            _talk(client, name)
            return
        for question in questions:
            _print(f"{_PROMPT}{question}\n")
            _print_answer(client, [], question, name)


def _talk(client: GatewayClient, name: str) -> None:
    """Read questions until the person leaves."""
    with suppress(ImportError):
        import readline  # noqa: F401 - line editing and history at the prompt

    notes.print(f"You are talking to {name}. {_HELP}", markup=False)
    said: list[Turn] = []
    while True:
        try:
            question = input(_PROMPT).strip()
        except EOFError:
            _print("\n")
            return
        except KeyboardInterrupt:
            _print("\n")
            notes.print(_HELP, markup=False)
            continue
        if question == "/quit":
            return
        if question == "/new":
            said.clear()
            notes.print("A new conversation.")
            continue
        if question.startswith("/"):
            notes.print(_HELP, markup=False)
            continue
        if question:
            try:
                _print_answer(client, said, question, name)
            except OnbrandError as error:
                notes.print(str(error), style="red", markup=False)
            del said[:-_TURNS_KEPT]


def _print_answer(client: GatewayClient, said: list[Turn], question: str, name: str) -> None:
    """Stream one answer; what was said is added to `said`, however it ended.

    A question that got no answer is forgotten.
    """
    messages = chat_messages(said, _YOU, question, "", _TOKENS)
    answer: list[str] = []
    results.print(Text(f"{name}> ", style="bold"), end="")
    try:
        # Closing the stream is what makes the model stop.
        with closing(client.stream_reply(messages)) as pieces:
            for piece in pieces:
                answer.append(piece)
                _print(_CONTROL.sub("", piece))
    except KeyboardInterrupt:
        _print(" …")
    finally:
        if answer:
            now = datetime.now(UTC)
            said.append(Turn(_YOU, _YOU, question, now))
            said.append(Turn(name, name, "".join(answer), now, ours=True))
        _print("\n\n")


def _print(text: str) -> None:
    """Write as it is: pieces of words must not be wrapped, nor brackets read as markup."""
    results.out(text, end="", highlight=False)
    results.file.flush()
