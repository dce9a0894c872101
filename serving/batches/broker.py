"""Celery: messages that let a worker ask one line, whichever that is.

The database is the queue. A message names no line, so one that is lost, doubled or late does no
harm; the queue is filled up to what is due, twice a second.
"""

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.exceptions import CeleryError
from kombu import Queue
from kombu.exceptions import KombuError
from kombu.utils.url import parse_url
from redis.exceptions import RedisError

from onbrand.errors import UsageError
from onbrand.secrets import secret
from onbrand.workspace import Workspace

BROKER_URL = "ONBRAND_BROKER_URL"
TASK = "onbrand.batches.ask"
_QUEUE = "onbrand.batches"
_SOCKET_SECONDS = 5
_VISIBILITY_SECONDS = 300
_log = logging.getLogger("onbrand.batches")


def broker_url(workspace: Workspace) -> str:
    """The broker of `[batches]`; "" when there is none.

    Raises:
        UsageError: no URL of Redis, or a password in `brand.toml`.
    """
    given, configured = secret(BROKER_URL), workspace.config.batches.broker_url
    url = given or configured
    place = BROKER_URL if given else "batches.broker_url"
    if not given and "@" in url:
        raise UsageError(f"batches.broker_url holds a password; put it into {BROKER_URL} instead.")
    if url and not _is_redis(url):
        raise UsageError(
            f"{place} is not a URL such as redis://127.0.0.1:6379/1, with a number at the end; in "
            "a password / is written as %2F, # as %23, ? as %3F and @ as %40."
        )
    return url


def _is_redis(url: str) -> bool:
    """Whether Kombu can use it, which says so only when it connects, and shows it then."""
    try:
        parts, known = urlsplit(url), parse_url(url)
    except (ValueError, KeyError):  # a port that is no number; a way of TLS that there is not
        return False
    if parts.fragment or "@" in parts.query:  # the rest of a password
        return False
    database = known["virtual_host"] or "0"
    numbered = database.isascii() and database.isdigit()
    return parts.scheme in ("redis", "rediss") and bool(known["hostname"]) and numbered


def celery_app(url: str) -> Celery:
    """Celery, set up so that neither a worker nor the broker is missed for long.

    https://docs.celeryq.dev/en/stable/userguide/configuration.html
    """
    app = Celery("onbrand", broker=url, set_as_current=False)
    app.conf.update(
        task_default_queue=_QUEUE,
        task_queues=[Queue(_QUEUE, durable=True)],
        task_ignore_result=True,
        # A message goes when its line was asked; that of a worker that died comes back.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_SECONDS,
            "socket_timeout": _SOCKET_SECONDS,
            "socket_connect_timeout": _SOCKET_SECONDS,
            "socket_keepalive": True,
        },
        broker_connection_timeout=_SOCKET_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
    )
    return app


class Messages:
    """Keeps as many messages in the broker as there are lines to ask."""

    def __init__(self, url: str) -> None:
        self._app = celery_app(url)
        self._away = False

    async def offer(self, due: int) -> None:
        """Fill the queue up to `due`; a broker that is away is tried again with the next offer."""
        if not due:
            return
        try:
            await asyncio.to_thread(self._fill, due)
        except (CeleryError, KombuError, RedisError, OSError) as error:
            if not self._away:
                kind = type(error).__name__
                _log.warning(
                    "The broker of batches is away (%s); they wait until it is back.", kind
                )
            self._away = True
        else:
            if self._away:
                _log.warning("The broker of batches is back.")
            self._away = False

    def _fill(self, due: int) -> None:
        with self._app.connection_for_write() as connection:
            # Once is enough: the next offer is near.
            connection.ensure_connection(max_retries=1, timeout=_SOCKET_SECONDS)
            channel: Any = connection.default_channel
            queue: Any = self._app.amqp.queues[_QUEUE]
            waiting = queue(channel).queue_declare().message_count
            with self._app.amqp.Producer(channel) as producer:
                for _ in range(due - waiting):
                    self._app.send_task(TASK, producer=producer, retry=False)
