"""`onbrand bot slack check`: what is missing, in words."""

from collections.abc import AsyncIterator

from slack_sdk.web.async_client import AsyncWebClient

from bots.check import Finding
from bots.slack.identity import Identity, app_token, bot_token, signing_secret
from bots.slack.manifest import SCOPES
from bots.slack.web import ERRORS, code, make_client, make_session, sentence
from onbrand.config import Slack
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace

_APP = "On api.slack.com/apps, in the app's settings"


async def check(workspace: Workspace) -> list[Finding]:
    """Look at the tokens, their scopes, and where the bot was invited."""
    settings = workspace.config.slack
    try:
        token = bot_token()
    except UsageError as error:
        remedy = f"{_APP}: OAuth & Permissions, Install to Workspace, copy the token."
        return [Finding(False, str(error), remedy)]
    async with make_session(settings.api_url) as session:
        client = make_client(token, settings.api_url, session, patient=False)
        identity = Identity()
        try:
            await identity.learn(client)
        except OnbrandError as error:
            remedy = f"{_APP}: OAuth & Permissions shows the token in use; check base_url as well."
            return [Finding(False, str(error), remedy)]
        findings = [_who(identity), *_scopes(identity)]
        findings.append(await _events(client, settings))
        findings += [finding async for finding in _channels(client, identity, settings)]
    return findings


def _who(identity: Identity) -> Finding:
    if not identity.bot:
        return Finding(
            False,
            "SLACK_BOT_TOKEN is a person's token, not a bot's.",
            f"{_APP}: OAuth & Permissions, copy the Bot User OAuth Token (xoxb-…).",
        )
    return Finding(True, f"The bot is @{identity.name} in {identity.team_name or identity.team}.")


def _scopes(identity: Identity) -> list[Finding]:
    if not identity.scopes:
        return [Finding(True, "Slack does not tell the token's scopes, so they are not checked.")]
    missing = [scope for scope in SCOPES if scope not in identity.scopes]
    remedy = f"{_APP}: OAuth & Permissions, Bot Token Scopes, add it; then reinstall the app."
    findings = [
        Finding(False, f"The scope {scope} is missing: the bot cannot {SCOPES[scope]}.", remedy)
        for scope in missing
    ]
    return findings or [Finding(True, "The token has all scopes.")]


async def _events(client: AsyncWebClient, settings: Slack) -> Finding:
    """Whether events can arrive."""
    if settings.mode == "http":
        return _http(settings)
    try:
        token = app_token()
    except UsageError as error:
        remedy = f"{_APP}: Basic Information, App-Level Tokens, with the scope connections:write."
        return Finding(False, str(error), remedy)
    try:
        await client.apps_connections_open(app_token=token)
    except ERRORS as error:
        return _no_socket(error)
    return Finding(True, "Socket Mode is on, and the app-level token opens a socket.")


def _http(settings: Slack) -> Finding:
    try:
        signing_secret()
    except UsageError as error:
        return Finding(False, str(error), f"{_APP}: Basic Information, App Credentials.")
    where = f"port {settings.port} of {settings.host}"
    return Finding(True, f"Requests are checked with the signing secret, at {where}.")


def _no_socket(error: Exception) -> Finding:
    match code(error):
        case "missing_scope":
            what = "The app-level token lacks the scope connections:write."
            remedy = f"{_APP}: Basic Information, App-Level Tokens, generate one with it."
        case "not_allowed_token_type" | "invalid_auth" | "not_authed":
            what = "Slack refuses the app-level token in SLACK_APP_TOKEN."
            remedy = f"{_APP}: Basic Information, App-Level Tokens, copy it anew (xapp-…)."
        case "forbidden_team" | "access_denied" | "feature_not_enabled":
            what = "Socket Mode is off."
            remedy = f"{_APP}: Socket Mode, Enable Socket Mode."
        case _:
            what, remedy = f"No socket can be opened: {sentence(error)}", "Try again later."
    return Finding(False, what, remedy)


async def _channels(
    client: AsyncWebClient, identity: Identity, settings: Slack
) -> AsyncIterator[Finding]:
    """Whether the bot is where it shall answer."""
    invite = f"In that channel write /invite @{identity.name}"
    for channel in settings.channels:
        try:
            await client.conversations_history(channel=channel, limit=1)
        except ERRORS as error:
            what = f"The bot cannot read channel {channel}: {sentence(error)}"
            yield Finding(False, what, invite)
        else:
            yield Finding(True, f"The bot is in channel {channel}.")
    if not settings.channels:
        yield await _any_channel(client, identity)


async def _any_channel(client: AsyncWebClient, identity: Identity) -> Finding:
    """The scope that lists channels is not among those the bot needs, but may be there."""
    invite = f"In a channel write /invite @{identity.name}"
    try:
        answer = await client.users_conversations(types="public_channel,private_channel", limit=200)
    except ERRORS:
        return Finding(True, f"It answers direct messages. {invite} for it to answer there.")
    names = [f"#{channel.get('name')}" for channel in answer.get("channels") or []]
    if not names:
        return Finding(False, "The bot is in no channel; it answers direct messages only.", invite)
    return Finding(True, f"The bot is in {', '.join(names[:10])}.")
