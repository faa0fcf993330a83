"""The thread that reads one opening of a camera's source.

It may hang in its driver for ever; so nobody waits for it, and what it delivers counts only as long
as its camera says so. Knows no clip and no event.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from capture.source import Sample, Source, SourceError, SourceLost

_log = logging.getLogger(__name__)


class Reader:
    """Opens, reads, hands on; ends with its source, or when `deliver` returns False.

    `ended(reader, cause, final)` is called unless `deliver` ended it. The times are of the
    monotonic clock, 0 = not yet; `last_ns` and `first_ns` are set by whoever stamps the frames.
    `fps`, `size` (the sensor's) and `codec` are those of the source once it is open.
    """

    def __init__(
        self,
        camera: str,
        open_it: Callable[[], Source],
        deliver: Callable[[Reader, Sample], bool],
        ended: Callable[[Reader, str, bool], None],
    ) -> None:
        self._camera = camera
        self._open = open_it
        self._deliver = deliver
        self._ended = ended
        self.started_ns = time.monotonic_ns()
        self.opened_ns = 0
        self.first_ns = 0
        self.last_ns = 0
        self.fps = 0.0
        self.size = (0, 0)
        self.codec = ""
        self.thread = threading.Thread(target=self._run, name=f"frames {camera}", daemon=True)

    def _run(self) -> None:
        try:
            self._read()
        except SourceError as error:
            self._ended(self, error.why, False)
        except SourceLost as lost:
            self._ended(self, lost.cause, lost.final)
        except Exception as error:
            _log.exception("reading camera %s", self._camera)
            self._ended(self, f"reading failed: {type(error).__name__}", False)

    def _read(self) -> None:
        source = self._open()
        try:
            self.fps, self.codec = source.fps, source.codec
            self.size = (source.width, source.height)
            self.opened_ns = time.monotonic_ns()
            while (sample := source.read()) is not None:
                if not self._deliver(self, sample):
                    return
        finally:
            source.close()
        raise SourceLost("the source ended")
