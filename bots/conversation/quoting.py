"""Foreign text in front of a question: marked as quoted, and unable to pose as anything else."""

import re

# What chat templates write around messages: <|im_start|>, <|eot_id|>, [INST], <<SYS>>, <s>,
# <start_of_turn>. Some tokenizers read them in the middle of a text, too.
_CONTROL = re.compile(
    r"<(?=\|)|(?<=\|)>|<(?=</?SYS>)|<(?=/?(?:s|bos|eos|unk|pad|(?:start|end)_of_turn)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
# All but newline and tab; characters that hide text or turn its direction around.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_CUT = " […]"


def quoted(introduction: str, text: str, most: int) -> tuple[str, bool]:
    """A text as a quote: its introduction, then every line of it behind a `>`.

    No line of it stands alone, so it cannot end its quote.

    Args:
        introduction: One line that says what it is.
        text: The text.
        most: Characters of it that are kept.

    Returns:
        The quote, and whether something was cut off.
    """
    clean = harmless(text).strip()
    kept = clean if len(clean) <= most else _shortened(clean, most) + _CUT
    lines = (f"> {line}".rstrip() for line in kept.splitlines())
    return "\n".join([harmless(introduction).replace("\n", " "), *lines]), len(clean) > most


def harmless(text: str) -> str:
    """A text without hidden characters, in which no chat template's marks are left whole."""
    plain = _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub(lambda mark: f"{mark.group()} " if mark.group() != ">" else " >", plain)


def _shortened(text: str, most: int) -> str:
    """The beginning, up to the end of a word where there is one nearby."""
    space = text.rfind(" ", most * 9 // 10, most)
    return text[: space if space > 0 else most].rstrip()
