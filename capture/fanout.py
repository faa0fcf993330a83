"""One frame, many takers: who gets which frames when he is slower than the camera.

Stands between a camera's reader thread and its takers. Offering never blocks; each taker's policy
says what becomes of frames he has no time for: `Newest` keeps one and forgets older ones, which is
right for a preview or for reading barcodes. Who may not lose any (the recorder) has a queue of his
own and counts what it must refuse. Knows no camera and no clip.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # an owner of cameras in other processes need not wait for OpenCV
    from capture.frame import Frame

_log = logging.getLogger(__name__)

Offer: TypeAlias = "Callable[[Frame], None]"


class FanOut:
    """Hands every frame to all takers, on the caller's thread. Any thread may add and remove."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._takers: tuple[Offer, ...] = ()

    def add(self, offer: Offer) -> Callable[[], None]:
        """`offer` gets every frame from now on and must not block; the result removes it again."""

        def remove() -> None:
            with self._lock:
                self._takers = tuple(taker for taker in self._takers if taker is not offer)

        with self._lock:
            self._takers = (*self._takers, offer)
        return remove

    def offer(self, frame: Frame) -> None:
        for taker in self._takers:
            try:
                taker(frame)
            except Exception:
                # A broken preview must not end the recording: it loses its place, and it is said.
                _log.exception("a taker of frames failed and gets no more of them")
                with self._lock:
                    self._takers = tuple(one for one in self._takers if one is not taker)


class Newest:
    """A slot for one frame: a newer one takes the place of one that nobody took yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """Frames that a newer one displaced before they were taken."""
        with self._changed:
            return self._replaced

    def offer(self, frame: Frame) -> None:
        with self._changed:
            if self._closed:
                return
            self._replaced += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> Frame | None:
        """The newest frame not taken yet; None after `timeout_s`, or at once when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """No more frames; a waiting taker wakes up."""
        with self._changed:
            self._closed, self._frame = True, None
            self._changed.notify_all()
