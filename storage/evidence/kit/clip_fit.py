"""A stretch of a clip as a video that a portal takes: H.264 in MP4, no sound, quick to start.

In this order, what fits first: the coded pictures as they are, cut at key frames, where the line of
time and number is in them already; 720p at a constant quality; two passes at the bitrate that fits;
the same with smaller pictures. Knows no archive and no portal: a source is a file whose seal has
been compared, the limits are numbers.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation

from storage.errors import NO_ROOM
from storage.evidence.film import FilmUnreadable
from storage.evidence.kit import clip_text
from storage.evidence.kit.clip_copy import can_stay, copied
from storage.evidence.kit.clip_wanted import (
    OUTPUT,
    OVERHEAD,
    Advance,
    Fitted,
    TooBig,
    Wanted,
    opened,
)
from storage.evidence.kit.redact import Plane, cover_planes

HEIGHT_PX, CRF, WORST_CRF = 720, 23, 45
SMALLER_PX: Final = (540, 432, 360, 288, 240)
FEWEST_BITS: Final = 0.03
"""Bits for a pixel below which smaller pictures look better: bench scenes stand still."""
TRIES: Final = 3
CLOCK: Final = Fraction(1, 90_000)
OPTIONS: Final = {"preset": "veryfast", "aq-mode": "0", "profile": "high"}
"""Adaptive quantisation takes its bits from the label."""


def fit(source: Path, target: Path, wanted: Wanted, advance: Advance) -> Fitted:
    """Make the new file `target` of the MP4 `source`. Raises FilmUnreadable, TooBig, OSError."""
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            return _Fitting(source, target, wanted, advance, Path(scratch)).made()
    except av.FFmpegError as error:
        if error.errno in NO_ROOM:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise FilmUnreadable(f"{source.name}: {error.strerror or error}") from error


class _Enough(Exception):
    """A pass is over its bytes already."""


@dataclass(frozen=True, slots=True)
class _Run:
    """How one pass encodes."""

    width: int
    height: int
    options: dict[str, str]
    flags: int = 0
    bitrate: int = 0
    writes: bool = True
    most_bytes: float = float("inf")


class _Fitting:
    """The making of one video."""

    def __init__(
        self, source: Path, target: Path, wanted: Wanted, advance: Advance, scratch: Path
    ) -> None:
        self._source = source
        self._target = target
        self._wanted = wanted
        self._advance = advance
        self._stats = scratch / "stats"
        with opened(source) as container:
            stream = container.streams.video[0]
            self._size = (stream.width, stream.height)
            self._fps = min(60.0, max(1.0, float(stream.average_rate or 25)))
            self._stays = can_stay(stream, wanted)

    def made(self) -> Fitted:
        """The first way that fits."""
        if self._stays:
            fitted = copied(self._source, self._target, self._wanted, self._advance)
            if fitted is not None:
                return fitted
        size = self._scaled(min(HEIGHT_PX, self._wanted.height_px or HEIGHT_PX))
        try:
            options = {**OPTIONS, "crf": str(CRF)}
            most = self._wanted.room_bytes * OVERHEAD
            return self._once(_Run(*size, options, most_bytes=most), CRF)
        except _Enough:
            return self._twice(size)

    # -------------------------------------------------------------------------- encoded

    def _once(self, run: _Run, crf: int) -> Fitted:
        first_ms, last_ms = self._encode(run)
        if self._target.stat().st_size > self._wanted.room_bytes:
            raise _Enough
        made = f"encoded at constant quality {crf}"
        return Fitted(made, first_ms, last_ms, {**_spoken(run), **run.options})

    def _twice(self, largest: tuple[int, int]) -> Fitted:
        """Two passes at the bitrate that fits, with the largest pictures that it is enough for.
        Raises TooBig."""
        seconds = max(0.04, (self._wanted.until_ms - self._wanted.start_ms) / 1000)
        bitrate = int(self._wanted.room_bytes * OVERHEAD * 0.98 * 8 / seconds)
        sizes = [largest]
        sizes += [self._scaled(each) for each in SMALLER_PX if each < min(largest)]
        rich = [each for each in sizes if bitrate >= FEWEST_BITS * each[0] * each[1] * self._fps]
        for size in sizes[sizes.index(rich[0]) :] if rich else sizes[-1:]:
            with contextlib.suppress(av.error.ExternalError):  # so few bits x264 refuses
                fitted = self._twice_at(size, bitrate)
                if fitted is not None:
                    return fitted
        options = {**OPTIONS, "crf": str(WORST_CRF)}
        try:
            return self._once(_Run(*sizes[-1], options), WORST_CRF)
        except _Enough:
            nearest = self._target.stat().st_size
            self._target.unlink()
            raise TooBig(nearest) from None

    def _twice_at(self, size: tuple[int, int], bitrate: int) -> Fitted | None:
        """With pictures of that size; None where even they came out too big."""
        asked = bitrate
        self._encode(self._pass(size, asked, Flags.pass1, writes=False))
        for _ in range(TRIES):
            run = self._pass(size, asked, Flags.pass2)
            first_ms, last_ms = self._encode(run)
            made = self._target.stat().st_size
            if made <= self._wanted.room_bytes:
                settings = {**_spoken(run), **OPTIONS, "bits_per_second": asked}
                how = "encoded in two passes at the bitrate that fits"
                return Fitted(how, first_ms, last_ms, settings)
            asked = int(asked * 0.97 * self._wanted.room_bytes / made)
        return None

    def _pass(self, size: tuple[int, int], bitrate: int, flag: Flags, writes: bool = True) -> _Run:
        options = {**OPTIONS, "stats": str(self._stats)}
        return _Run(*size, options, int(flag), bitrate, writes)

    def _encode(self, run: _Run) -> tuple[int, int]:
        """Encode the stretch; the milliseconds of its first and last picture in the clip."""
        start_ms, first_ms, last_ms, size = self._wanted.start_ms, -1, -1, 0
        place = str(self._target) if run.writes else "nothing"
        with (
            opened(self._source) as container,
            av.open(
                place,
                "w",
                format="mp4" if run.writes else "null",
                options=OUTPUT if run.writes else {},
            ) as output,
        ):
            made: Any = None
            for at_ms, frame in self._frames(container):
                picture = self._picture(frame, run, at_ms)
                if made is None:
                    made = self._stream(output, run, frame)
                    first_ms = at_ms
                picture.pts = round((at_ms - first_ms) * 90)
                picture.time_base = CLOCK
                last_ms = at_ms
                for packet in made.encode(picture):
                    size += packet.size
                    output.mux(packet)
                share = (at_ms - start_ms) / max(1, self._wanted.until_ms - start_ms)
                if size > run.most_bytes:
                    raise _Enough
                self._advance(min(1.0, share))
            if made is None:
                raise FilmUnreadable(f"{self._source.name} gives no pictures there")
            for packet in made.encode(None):
                output.mux(packet)
        return first_ms, last_ms

    def _stream(self, output: Any, run: _Run, frame: VideoFrame) -> Any:
        stream = output.add_stream("libx264", rate=Fraction(self._fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = run.width, run.height, "yuv420p"
        stream.time_base = CLOCK
        context = stream.codec_context
        context.time_base = CLOCK
        context.options = dict(run.options)
        context.flags |= Flags.global_header | run.flags
        context.gop_size = max(1, round(2 * self._fps))
        context.color_range = ColorRange.MPEG
        context.colorspace = frame.colorspace
        if run.bitrate:
            context.bit_rate = run.bitrate
        return stream

    def _frames(self, container: Any) -> Any:
        """The pictures of the stretch, each with its milliseconds in the clip."""
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
        first, scale = stream.start_time or 0, stream.time_base * 1000
        begin = first + int(self._wanted.start_ms / scale)
        container.seek(begin, stream=stream, backward=True)
        before = -1
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # a picture that was damaged before it was sealed
            for frame in frames:
                if frame.pts is None:
                    continue
                at_ms = int((frame.pts - first) * scale)
                if at_ms >= self._wanted.until_ms:
                    return
                if at_ms >= self._wanted.start_ms and at_ms > before:
                    before = at_ms
                    yield at_ms, frame

    def _picture(self, frame: VideoFrame, run: _Run, at_ms: int) -> VideoFrame:
        picture: VideoFrame = frame.reformat(
            width=run.width,
            height=run.height,
            format="yuv420p",
            interpolation=Interpolation.BICUBIC,
        )
        if self._wanted.boxes or self._wanted.cues is not None:
            picture.make_writable()
            planes = _planes(picture)
            if self._wanted.cues is not None:
                clip_text.write(planes, self._wanted.cues.at(at_ms))
            cover_planes(planes, self._wanted.boxes)
        return picture

    def _scaled(self, shorter_px: int) -> tuple[int, int]:
        """Width and height, even, with the shorter side at most that long."""
        width, height = self._size
        scale = min(1.0, shorter_px / min(width, height))
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _spoken(run: _Run) -> dict[str, int | str]:
    return {"codec": "libx264", "width": run.width, "height": run.height}


def _planes(picture: VideoFrame) -> Sequence[Plane]:
    """The Y, U and V planes of a picture of yuv420p, to be written to."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in picture.planes
    ]
