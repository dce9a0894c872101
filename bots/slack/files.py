"""Files that people send with a message.

https://docs.slack.dev/reference/objects/file-object
"""

from urllib.parse import urlsplit

import aiohttp

from bots.question import Attachment
from onbrand.errors import OnbrandError

_PIECE = 64 * 1024
_SLACK_HOSTS = (".slack.com", ".slack-edge.com", ".slack-files.com", ".slack-gov.com")


class Files:
    """Downloads with the bot's token.

    Args:
        session: For the requests.
        token: The bot's token; sent to Slack's hosts and to that of `api_url`, nowhere else.
        api_url: The Web API's address.
    """

    def __init__(self, session: aiohttp.ClientSession, token: str, api_url: str) -> None:
        self._session = session
        self._token = token
        self._host = urlsplit(api_url).hostname or ""

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """See `Platform.fetch`."""
        name, url = attachment.name, str(attachment.reference or "")
        if not url or not self._is_slack(url):
            raise OnbrandError(f"{name} does not lie in Slack, so it is not read.")
        if attachment.size > limit:
            raise OnbrandError(_too_large(name, limit))
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.get(url, headers=headers) as answer:
                # Without the scope Slack does not refuse: it shows the page for logging in.
                if answer.content_type == "text/html" and attachment.media_type != "text/html":
                    raise OnbrandError(
                        f"{name} cannot be read: the Slack app lacks the scope files:read."
                    )
                if answer.status != 200:
                    raise OnbrandError(f"{name} cannot be read: status {answer.status}.")
                return await _read(answer, name, limit)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OnbrandError(f"{name} cannot be read: Slack cannot be reached.") from error

    def _is_slack(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        return host == self._host or f".{host}".endswith(_SLACK_HOSTS)


async def _read(answer: aiohttp.ClientResponse, name: str, limit: int) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE):
        content += piece
        if len(content) > limit:
            raise OnbrandError(_too_large(name, limit))
    return bytes(content)


def _too_large(name: str, limit: int) -> str:
    return f"{name} is larger than the {limit // 1024} kB that are read."
