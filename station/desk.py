"""What the rooms below the bench may ask of it; `station.bench` is the one that answers.

So they tell the rules, and hand on what was read or refused, without knowing the bench.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from station.rules import events

Write = Callable[[], Future[Any]]
"""Has the archive write one thing; called again, it has it tried again."""


class Desk(Protocol):
    """The bench as the rooms below see it. Every method is called on the loop."""

    def send(self, event_type: type[events.Event], **fields: Any) -> None: ...

    def scan(self, text: str, via: str = ..., at: events.Moment | None = ...) -> None: ...

    def file_later(self, session: str, write: Write) -> None: ...
