"""Who the bot is in its workspace."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.web import ERRORS, sentence
from onbrand.errors import OnbrandError, UsageError
from onbrand.secrets import secret


@dataclass
class Identity:
    """What `auth.test` says of a token; empty until `learn`."""

    team: str = ""
    user: str = ""
    """The bot's user id, as it is mentioned."""
    bot: str = ""
    """The bot's id, as its messages carry it; "" for a person's token."""
    name: str = ""
    team_name: str = ""
    scopes: frozenset[str] = frozenset()
    """Empty when the server does not tell."""

    async def learn(self, client: AsyncWebClient) -> None:
        """Ask Slack who the client's token belongs to.

        Raises:
            OnbrandError: the token is refused, or Slack cannot be reached.
        """
        try:
            answer = await client.auth_test()
        except ERRORS as error:
            raise OnbrandError(f"The bot cannot sign in to Slack: {sentence(error)}") from error
        headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        granted = headers.get("x-oauth-scopes", "")
        self.team = str(answer.get("team_id") or "")
        self.user = str(answer.get("user_id") or "")
        self.bot = str(answer.get("bot_id") or "")
        self.name = str(answer.get("user") or "")
        self.team_name = str(answer.get("team") or "")
        self.scopes = frozenset(filter(None, (scope.strip() for scope in granted.split(","))))

    def wrote(self, message: dict[str, Any]) -> bool:
        """Whether a message, as Slack sends it, is ours."""
        by_bot = bool(self.bot) and message.get("bot_id") == self.bot
        return by_bot or (bool(self.user) and message.get("user") == self.user)

    def authorization(self, token: str) -> AuthorizeResult:
        """For Bolt, which would ask `auth.test` while the first event waits for its ack."""
        return AuthorizeResult(
            enterprise_id=None,
            team_id=self.team,
            bot_user_id=self.user,
            bot_id=self.bot,
            bot_token=token,
        )


def bot_token() -> str:
    """The bot's token.

    Raises:
        UsageError: it is missing, or of another kind.
    """
    return _token("SLACK_BOT_TOKEN", "xoxb-", "Bot User OAuth Token (OAuth & Permissions)")


def app_token() -> str:
    """The app-level token, for Socket Mode.

    Raises:
        UsageError: it is missing, or of another kind.
    """
    return _token("SLACK_APP_TOKEN", "xapp-", "app-level token (Basic Information)")


def signing_secret() -> str:
    """The secret that Slack signs its requests with.

    Raises:
        UsageError: it is missing.
    """
    return _token("SLACK_SIGNING_SECRET", "", "Signing Secret (Basic Information)")


def _token(name: str, beginning: str, where: str) -> str:
    token = secret(name).strip()
    if not token:
        raise UsageError(f"{name} is not set; it is the Slack app's {where}.")
    if not token.startswith(beginning):
        raise UsageError(f"{name} does not begin with {beginning}: it must be the {where}.")
    return token
