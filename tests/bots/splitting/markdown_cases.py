"""Markdown as models write it, at random: what the property tests of the splitter read."""

from hypothesis import strategies as st

_WORDS = [
    "tea", "Tezdum", "don't", "costs", "Rs. 250", "e.g.", "very", "a", "— so", "it's", "3.5",
    "C++", "naïve", "चाय", "چائے", "お茶を飲みます", "👩‍👩‍👧‍👦", "🇵🇰🇵🇰", 
    "👍🏽", "e\u0301e\u0301", "x" * 70,
    "snake_case_name", "5*3*2", "a|b", "@everyone", "info@example.com", "(see", "below)",
    "\\*no\\*",
    "<!channel>", "<@U024BE7LH>", ":tea:", "<:chai:123456789012345678>", "**bold**",
    "**two words**",
    "~~gone~~", "_soft_", "https://example.com/a_b?c=d&e=f", "!", "#1", "- x", "[no link]", "100%",
]  # fmt: skip
_LINKS = ["[our tea](https://example.com/tea)", "[a `b` c](https://example.com/x_(y) \"Title\")",
          "![logo](https://example.com/l.png)", "<https://example.com/long/path>"]  # fmt: skip
_CODE = ["`x`", "`two words`", "`` a ` b ``", "`**not bold** [nor](link)`", "`a\\`"]
_CODE_LINES = [
    "", "x = 1", "    indented = [1, 2, 3]", "def brew(leaves: int) -> Tea:", "# comment", "- item",
    "> quoted", "```", "~~~", "``` nested", "<div>&amp;</div>", "print('`')", "@everyone",
    "| a | b |", '{"key": "value", "numbers": [1, 2, 3, 4, 5], "text": "some more"}', "y" * 90,
    "🍵 = '茶'",
]  # fmt: skip

words = st.sampled_from(_WORDS + 3 * (_LINKS + _CODE))
lines = st.lists(words, min_size=1, max_size=12).map(" ".join)
paragraphs = st.lists(lines, min_size=1, max_size=2).map("\n".join)


@st.composite
def fences(draw: st.DrawFn, indent: str = "") -> str:
    """A fence whose marker is longer than any within."""
    character = draw(st.sampled_from("`~"))
    code = draw(st.lists(st.sampled_from(_CODE_LINES), max_size=6))
    longest = 3 if any(line.startswith(character * 3) for line in code) else 2
    marker = character * (longest + draw(st.integers(1, 2)))
    info = draw(st.sampled_from(["", "python", "c++", "json title=x", " js"]))
    return "\n".join(f"{indent}{line}".rstrip() for line in [marker + info, *code, marker])


def _prefixed(block: str, first: str, others: str) -> str:
    head, *rest = block.split("\n")
    return "\n".join([first + head, *((others + line).rstrip() for line in rest)])


quotes = (paragraphs | fences()).map(lambda block: _prefixed(block, "> ", "> "))
items = st.builds(
    lambda marker, texts: "\n".join(_prefixed(text, marker, " " * len(marker)) for text in texts),
    st.sampled_from(["- ", "* ", "1. ", "10. "]),
    st.lists(lines | fences(), min_size=1, max_size=3),
)
nested = st.builds(
    lambda text, inner: f"- {text}\n\n" + _prefixed(inner, "  ", "  "), lines, items | quotes
)
headings = st.builds(lambda level, words: f"{'#' * level} {words}", st.integers(1, 6), lines)
tables = st.builds(
    lambda rows: "| Name | Price |\n|---|---:|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows),
    st.lists(st.tuples(st.sampled_from(_WORDS[:9]), st.sampled_from(_WORDS[:9])), max_size=8),
)
blocks = paragraphs | fences() | quotes | items | nested | headings | tables | st.just("---")
documents = st.lists(blocks, min_size=1, max_size=5).map("\n\n".join)
"""Plausible Markdown, fences closed."""

soups = st.text(alphabet="`~>-*1. \n\t|[]()<@:#\\!ab茶\u0301\u200d🇵👍", max_size=300)
"""Anything at all."""
