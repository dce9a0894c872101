"""`onbrand bot discord check`: what is missing, in words."""

from collections.abc import Sequence

import discord

from bots.check import Finding
from bots.discord import _dpy_internals as internals
from bots.discord.bot import PORTAL, log_in, token
from bots.discord.permissions import missing, needed
from bots.discord.posting import FAILURES
from onbrand.config.bots import Discord
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace


async def check(workspace: Workspace) -> list[Finding]:
    """Look at the token, the portal's switches, the servers and the channels in them."""
    settings = workspace.config.discord
    internals.calm()
    client = discord.Client(intents=discord.Intents.none())
    try:
        await log_in(client, settings.api_url, settings.socket_url, token())
        return await _findings(client, settings)
    except UsageError as error:
        sentence, _, remedy = str(error).partition(". ")
        return [Finding(False, f"{sentence}.", remedy)]
    except OnbrandError as error:
        return [Finding(False, str(error), "Look at the network, and at base_url in brand.toml.")]
    except FAILURES as error:
        return [Finding(False, f"Discord broke off: {error}.", "Run the check again.")]
    finally:
        await client.close()


async def _findings(client: discord.Client, settings: Discord) -> list[Finding]:
    application, me = client.application, client.user
    if application is None or me is None:
        raise OnbrandError("Discord did not say whose token this is.")
    findings = [Finding(True, f"The token belongs to the bot {me.name}.")]
    findings.append(_content_intent(application, settings))
    if application.interactions_endpoint_url:
        findings.append(
            Finding(
                False,
                "Commands and buttons go to a web address instead of to the bot.",
                f"Empty Interactions Endpoint URL at {PORTAL} (your application, General).",
            )
        )
    guilds = [each async for each in client.fetch_guilds()]
    findings.append(_membership(application.id, guilds, settings))
    findings += _unknown_guilds(guilds, settings)
    seen: set[str] = set()
    for guild in guilds:
        findings += await _channels(client, guild.id, me.id, settings, seen)
    return findings + [
        Finding(
            False,
            f"The channel {channel} of [discord] channels is in none of the servers it is in.",
            "Copy its id anew (right click, Copy Channel ID), or let the bot see it.",
        )
        for channel in settings.channels
        if channel not in seen
    ]


def _content_intent(application: discord.AppInfo, settings: Discord) -> Finding:
    flags = application.flags
    granted = flags.gateway_message_content or flags.gateway_message_content_limited
    if not settings.message_content:
        return Finding(True, "It reads only what mentions it (message_content = false).")
    if granted:
        return Finding(True, "Message Content Intent is on.")
    return Finding(
        False,
        "Message Content Intent is off, so Discord will refuse the connection.",
        f"Switch it on at {PORTAL} (your application, Bot, Privileged Gateway Intents).",
    )


def _membership(application_id: int, guilds: Sequence[discord.Guild], settings: Discord) -> Finding:
    if guilds:
        names = ", ".join(sorted(each.name for each in guilds))
        return Finding(True, f"It is a member of {names}.")
    threads = settings.threads or any(each.threads for each in settings.guilds.values())
    wanted = discord.Permissions(**dict.fromkeys(needed(threads), True))
    link = discord.utils.oauth_url(
        application_id, permissions=wanted, scopes=("bot", "applications.commands")
    )
    return Finding(False, "It is a member of no server.", f"Invite it: {link}")


def _unknown_guilds(guilds: Sequence[discord.Guild], settings: Discord) -> list[Finding]:
    known = {str(each.id) for each in guilds}
    return [
        Finding(
            False,
            f"[discord.guilds.{guild_id}] is about a server that it is no member of.",
            "Correct the id (right click on the server, Copy Server ID), or invite it there.",
        )
        for guild_id in settings.guilds
        if guild_id not in known
    ]


async def _channels(
    client: discord.Client, guild_id: int, my_id: int, settings: Discord, seen: set[str]
) -> list[Finding]:
    """What is missing in the channels of one server in which it is to answer."""
    guild = await client.fetch_guild(guild_id)
    me = await guild.fetch_member(my_id)
    here = settings.in_guild(str(guild_id))
    findings: list[Finding] = []
    answering = 0
    for channel in await guild.fetch_channels():
        seen.add(str(channel.id))
        listed = str(channel.id) in here.channels
        if not isinstance(channel, discord.TextChannel) or (here.channels and not listed):
            continue
        lacking = missing(channel.permissions_for(me), here.threads)
        if "View Channel" in lacking and not listed:
            continue  # a channel that is none of its business
        answering += not lacking
        if lacking:
            findings.append(
                Finding(
                    False,
                    f"In #{channel.name} of {guild.name} it lacks {', '.join(lacking)}.",
                    "Allow it in the channel's settings under Permissions.",
                )
            )
    if answering:
        channels = "channel" if answering == 1 else "channels"
        findings.insert(
            0, Finding(True, f"It can answer in {answering} {channels} of {guild.name}.")
        )
    return findings
