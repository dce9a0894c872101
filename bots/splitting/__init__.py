"""Markdown into messages: within each platform's limit, as each platform writes it."""

from bots.splitting.discord import DISCORD
from bots.splitting.mrkdwn import mrkdwn, shortened
from bots.splitting.part import Part, join
from bots.splitting.quiet import quiet
from bots.splitting.splitter import Splitter, split
from bots.splitting.style import SLACK, Style

__all__ = [
    "DISCORD",
    "SLACK",
    "Part",
    "Splitter",
    "Style",
    "join",
    "mrkdwn",
    "quiet",
    "shortened",
    "split",
]
