"""Listening to Celery's events: `Stream.run` hands each to a function, and connects again when the broker was away."""

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.events import EventReceiver

_ASK_EACH_S = 60.0


class Stream(EventReceiver):  # type: ignore[misc]  # Celery has no types
    """The events of an application.

    Parameters
    ----------
    broker
        Its broker's URL.
    exchange
        Its setting `event_exchange`.
    key_prefix
        Its transport option `global_keyprefix`, of Redis.
    enable_events
        Whether workers that send none are asked to.
    hear
        Takes each event, as it was sent.
    ready
        Called with the broker's address, without its password, when it listens.
    """

    def __init__(
        self,
        broker: str,
        *,
        exchange: str,
        key_prefix: str | None,
        enable_events: bool,
        hear: Callable[[dict[str, Any]], None],
        ready: Callable[[str], None],
    ) -> None:
        source = Celery("taskscope", broker=broker, set_as_current=False)
        source.conf.update(event_exchange=exchange, accept_content=["json"])
        if key_prefix:
            source.conf.broker_transport_options = {"global_keyprefix": key_prefix}
        super().__init__(source.connection_for_read(), app=source)
        self._enable = source.control.enable_events if enable_events else None
        self._asked_s: dict[str, float] = {}
        self._hear, self._ready = hear, ready

    def event_from_message(self, body: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Hand on an event as it was sent: Celery would shift its time by the difference of zones."""
        return body.get("type"), body

    def process(self, type: Any, event: Any) -> None:  # noqa: A002 - named by Celery
        """Take one event."""
        self._hear(event)
        if type == "worker-online":
            self._asked_s.pop(str(event.get("hostname")), None)
        if self._enable is not None and type == "worker-heartbeat":
            self._ask(str(event.get("hostname")), self._enable)

    def _ask(self, worker: str, enable: Callable[..., Any]) -> None:
        """Have a worker send events, again each minute: it may have been started anew, which ends that."""
        now_s = time.monotonic()
        if now_s - self._asked_s.get(worker, -_ASK_EACH_S) >= _ASK_EACH_S:
            self._asked_s[worker] = now_s
            enable(destination=[worker])

    def on_consume_ready(self, *args: Any, **kwargs: Any) -> None:
        """Tell that it listens; also after the broker was away."""
        super().on_consume_ready(*args, **kwargs)
        self._asked_s.clear()
        self._ready(self.connection.as_uri())
