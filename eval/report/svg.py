"""matplotlib's figures as SVG that stands in a page and follows its colours, light or dark.

A figure is drawn in stand-in colours. Afterwards each becomes a CSS variable of the page, and style
attributes become plain ones, which the page's Content-Security-Policy does not forbid.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

SERIES = ("#000011", "#000012", "#000013", "#000014", "#000015", "#000016")
"""Stand-ins for the colours of rows, in their order."""
INK, SOFT, LINE, BAND = "#000001", "#000002", "#000003", "#000004"
"""Stand-ins for text, secondary text, grid lines and shaded bands."""

_VARIABLES = {INK: "--ink", SOFT: "--soft", LINE: "--line", BAND: "--band"} | {
    colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)
}
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a model may be called $5
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.color": LINE,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Draw in the stand-in colours; `name` makes the figure's ids its own and always the same."""
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(style):
        yield


def series(place: int) -> str:
    """The colour of a row by its place."""
    return SERIES[place % len(SERIES)]


def inline(figure: Figure, title: str) -> Markup:
    """The figure as an element for a page; `title` is read out to those who do not see it."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(stream.getvalue().decode())  # noqa: S314  (matplotlib's own)
    for part in list(root):
        if part.tag == f"{{{_SVG}}}metadata":
            root.remove(part)
    for parent in list(root.iter(f"{{{_SVG}}}defs")):
        for style in parent.findall(f"{{{_SVG}}}style"):
            parent.remove(style)
    for element in root.iter():
        _plain(element)
    for name in ("width", "height"):  # the page decides; the view box keeps the proportions
        del root.attrib[name]
    root.attrib |= {
        "role": "img",
        "aria-label": title,
        "stroke-linejoin": "round",
        "class": "plot",
    }
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    text = ET.tostring(root, encoding="unicode")
    return Markup(re.sub(r"#0000[01]\d", _variable, text))  # noqa: S704


def _variable(match: "re.Match[str]") -> str:
    return f"var({_VARIABLES[match[0]]})"


def _plain(element: ET.Element) -> None:
    """`style="fill: x; stroke: y"` as `fill="x" stroke="y"`."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if value:
            element.set(name.strip(), value.strip())
    if element.tag == f"{{{_SVG}}}text":
        element.set("font-family", "inherit")
