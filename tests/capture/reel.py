"""A camera's own coding: the packets of a video file, fed to a recorder at a time that is ours.

The packets are those that a source hands out when it copies the file; their numbers are those of
the pictures (see `write_video`), counted in the order in which they are coded.
"""

from __future__ import annotations

import datetime as dt
import queue
from pathlib import Path
from typing import TypeVar

import av
import pytest

from capture.clip import Recorder
from capture.coded import handing_of
from capture.encoder import Encoded
from capture.events import CaptureEvent
from capture.overlay import Overlay
from capture.source import Packet
from tests.capture.numbered import SECOND, UTC_0

E = TypeVar("E", bound=CaptureEvent)
FPS = 25


def packets_of(path: Path) -> list[Packet]:
    """All packets of a video file as a copying source hands them out."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        handing = handing_of(stream, "copy", None, path.name)
        samples = [s for packet in container.demux(stream) for _, s in handing.take(packet)]
    return [sample.packet for sample in samples if sample.packet is not None]


def coded(packets: list[Packet], begin_ns: int = 100 * SECOND) -> list[Encoded]:
    """The packets as a ring holds them, 25 a second."""
    return [
        Encoded(
            one.data,
            one.key,
            (at_ns := begin_ns + at * SECOND // FPS),
            utc_of(at_ns),
            at,
            one.stream,
            one.delay_ns,
            copied=True,
        )
        for at, one in enumerate(packets)
    ]


def utc_of(mono_ns: int) -> dt.datetime:
    return UTC_0 + dt.timedelta(microseconds=mono_ns // 1000)


class Projector:
    """Shows packets to a recorder, 25 a second of a time that it owns, and hears the replies.

    `ahead` is the wall clock's lead over what it was at the beginning.
    """

    def __init__(self, packets: list[Packet]) -> None:
        self.packets = packets
        self.at = 0
        self.now_ns = 5_000 * SECOND
        self.ahead = dt.timedelta()
        self.times: dict[int, int] = {}
        self.events: queue.Queue[CaptureEvent] = queue.Queue()

    def recorder(
        self,
        *,
        pre_roll_s: float = 1.0,
        overlay: Overlay | None = None,
        backlog_bytes: int = 32 << 20,
        no_answer_s: float = 10.0,
    ) -> Recorder:
        return Recorder(
            "overhead",
            self.events.put,
            fps=FPS,
            pre_roll_s=pre_roll_s,
            overlay=overlay or Overlay("Bench 1", "overhead"),
            backlog_bytes=backlog_bytes,
            no_answer_s=no_answer_s,
        )

    def feed(self, recorder: Recorder, packets: int, *, wait: bool = True) -> int:
        """Offers so many packets; returns the last number. Waits until they are sorted in."""
        for _ in range(packets):
            self.now_ns += SECOND // FPS
            self.times[self.at] = self.now_ns
            packet = self.packets[self.at % len(self.packets)]
            recorder.offer_packet(packet, self.now_ns, utc_of(self.now_ns) + self.ahead)
            self.at += 1
            if wait and self.at % 100 == 0:
                recorder.tail(self.now_ns, 20)
        if wait:
            recorder.tail(self.now_ns, 20)
        return self.at - 1

    def clip(
        self, recorder: Recorder, path: Path, packets: int, trigger_ns: int | None = None
    ) -> int:
        """A clip from the trigger (now, unless said) to behind so many packets, the last of whose
        numbers is returned."""
        recorder.start(path.stem, path, self.now_ns if trigger_ns is None else trigger_ns, "1Z999")
        last = self.feed(recorder, packets)
        recorder.stop(path.stem)
        return last

    def wait(self, kind: type[E], timeout_s: float = 20) -> E:
        """The next event of that kind; a failed clip, unless asked for, fails the test."""
        while not isinstance(event := self.events.get(timeout=timeout_s), kind):
            if type(event).__name__ == "ClipFailed":
                pytest.fail(str(event))
        return event
