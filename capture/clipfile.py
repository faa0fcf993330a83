"""One clip's file: coded frames into an MP4 that plays whatever happens to the recorder.

Stands at the end of the recorder: the clip writer's thread calls it, and only that thread. Knows
no queue, no event and no encoder.

While it grows the file is a fragmented MP4, at most half a second in memory; closing it turns it
into an ordinary MP4 with its index at the end (`hybrid_fragmented`, FFmpeg 7.1). Killed at any
moment it plays up to its last fragment.

A camera's own coding cannot carry a burnt-in line: such a clip gets it as a subtitle track, one cue
a second, which players show.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from capture.disk import cause_of, sync_folder
from capture.encoder import TIME_BASE, Encoded, ticks
from capture.overlay import Line
from capture.salvage import clocks_text, held_by, whole_bytes

# With the frame that ends it, and one that the muxer holds back: half a second is in memory.
_FRAGMENT_US = 400_000
_CUE_EVERY_NS = 1_000_000_000
# FFmpeg asks for one to make the track's header; a cue's text has no markup.
_SUBTITLE_HEADER = b"[Script Info]\nScriptType: v4.00+\n"
# Players on Apple's systems know HEVC by no other name.
_TAGS = {"hevc": "hvc1"}
# A fragment in one write.
_BUFFER_BYTES = 1 << 18
_OPTIONS = {
    "movflags": "hybrid_fragmented",
    "frag_duration": str(_FRAGMENT_US),
    "flush_packets": "1",
    # A second without a cue must not hold back the pictures.
    "max_interleave_delta": "1",
}


class ClipFile:
    """A clip on disk that is being written.

    The first error of the disk is kept in `error` and ends the writing; `finish` then keeps what
    is whole. `frames`, `first` and `last` tell what the file holds.
    """

    def __init__(self, path: Path, title: str, nominal_frame_ns: int, line: Line) -> None:
        """Makes the file. Raises OSError, FileExistsError when there is one of that name."""
        self.path = path
        self.frames = 0
        self.size_bytes = 0
        self.first: Encoded | None = None
        self.last: Encoded | None = None
        self._title = title
        self._frame_ns = nominal_frame_ns
        self._line = line
        self._next_cue_ns = 0
        self._shown_ns = 0
        self._last_dts = -1
        self._container: OutputContainer | None = None
        self._output = _Output(path)
        try:
            sync_folder(path.parent)
        except OSError:
            self._output.close()
            path.unlink()
            raise

    @property
    def error(self) -> OSError | None:
        return self._output.error

    @property
    def cause(self) -> str:
        """Why writing ended, one line, or ''."""
        return cause_of(self.error, self.path) if self.error else ""

    @property
    def duration_ms(self) -> int:
        """From the first frame to the end of the last one shown, on the capture clock."""
        if self.first is None or self.last is None:
            return 0
        return (self._shown_ns - self.first.mono_ns + self._frame_ns) // 1_000_000

    def write(self, frame: Encoded) -> None:
        """Adds `frame`; the first one must be a key frame. Does nothing after an error."""
        if self.error:
            return
        if self._container is None or self.first is None:
            self._container = self._open(frame)
            self.first = frame
        container = self._container
        since_ns = frame.mono_ns - self.first.mono_ns
        if frame.copied:
            self._say(container, since_ns, frame)
        packet = _packet(container, frame.data, 0)
        self._last_dts = max(ticks(since_ns), self._last_dts + 1)
        packet.dts = self._last_dts
        packet.pts = self._last_dts + ticks(frame.delay_ns)
        packet.duration = ticks(self._frame_ns)
        packet.is_keyframe = frame.key
        container.mux_one(packet)
        if not self.error:
            self.frames += 1
            self.last = frame
            self._shown_ns = max(self._shown_ns, frame.mono_ns + frame.delay_ns)

    def _say(self, container: OutputContainer, since_ns: int, frame: Encoded) -> None:
        """Adds a cue, if the last one ends before this frame is shown."""
        if since_ns < self._next_cue_ns:
            self._line.see(frame.utc, frame.mono_ns)
            return
        # On whole seconds, so that none ends before the next begins.
        begin_ns = since_ns - since_ns % _CUE_EVERY_NS
        self._next_cue_ns = begin_ns + _CUE_EVERY_NS
        text = self._line.text(frame.utc, frame.mono_ns).encode()
        cue = _packet(container, len(text).to_bytes(2) + text, 1)
        cue.pts = cue.dts = ticks(begin_ns)
        cue.duration = ticks(_CUE_EVERY_NS)
        cue.is_keyframe = True
        container.mux_one(cue)

    def sync(self) -> None:
        """Brings what was written to the disk itself; up to half a second may be in memory."""
        self._output.sync()

    def finish(self) -> None:
        """Ends the file: index written, synced, closed. Afterwards `error` says whether it could.

        After an error the file is cut behind its last whole fragment, and `frames` and `last`
        count what is left. A file without a frame is removed.
        """
        try:
            if self._container is not None:
                self._container.close()  # writes the index, or nothing after an error
            self._output.sync()
            if self.error:
                self._salvage()
        finally:
            self._container = None
            self._output.close()
        with contextlib.suppress(OSError):  # the disk may be gone; `error` says so then
            if self.frames:
                self.size_bytes = self.path.stat().st_size
            else:
                self.path.unlink()

    def _open(self, frame: Encoded) -> OutputContainer:
        container = av.open(
            self._output, "w", format="mp4", options=_OPTIONS, buffer_size=_BUFFER_BYTES
        )
        container.metadata["creation_time"] = frame.utc.astimezone(dt.UTC).isoformat()
        container.metadata["comment"] = clocks_text(frame.utc, frame.mono_ns)
        if self._title:
            container.metadata["title"] = self._title
        stream = container.add_stream_from_template(frame.stream)
        stream.time_base = TIME_BASE
        if tag := _TAGS.get(stream.codec_context.codec.canonical_name):
            stream.codec_context.codec_tag = tag
        if frame.copied:
            cues = container.add_stream("mov_text")
            cues.codec_context.subtitle_header = _SUBTITLE_HEADER
            cues.time_base = TIME_BASE
            container.start_encoding()
        return container

    def _salvage(self) -> None:
        """Cuts the file behind its last whole fragment and counts what it holds."""
        # A disk that failed may fail again: what was counted while writing stands then, and the
        # file stays as it is, since players stop at its end.
        with contextlib.suppress(OSError, av.FFmpegError):
            whole = whole_bytes(self.path)
            self._output.cut(whole)
            held = held_by(self.path) if whole else None
            self.frames = held.frames if held else 0
            if held and self.first is not None:
                self._shown_ns = self.first.mono_ns + held.last_ns
                self.last = replace(self.first, mono_ns=self._shown_ns)


class _Output(io.RawIOBase):
    """The file as PyAV sees it: after an error it swallows what else is written.

    PyAV must be able to close its container after a failed write, and must not touch the file any
    more when it does.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._raw = path.open("xb", buffering=0)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        rest = memoryview(data)
        while rest and not self.error:
            try:
                rest = rest[self._raw.write(rest) :]
            except OSError as error:
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def sync(self) -> None:
        if self.error:
            return
        try:
            os.fsync(self._raw.fileno())
        except OSError as error:
            self.error = error

    def cut(self, size_bytes: int) -> None:
        """Shortens the file and syncs it. Raises OSError."""
        self._raw.truncate(size_bytes)
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        if not self.closed:
            try:
                self._raw.close()
            except OSError as error:
                self.error = self.error or error
        super().close()


def _packet(container: OutputContainer, data: bytes, stream: int) -> av.Packet[Any]:
    """A packet for the container's stream of that index: pictures 0, cues 1."""
    packet = av.Packet(len(data))  # padded, which packets around bytes are not
    packet.update(data)
    packet.stream = container.streams[stream]
    packet.time_base = TIME_BASE
    return packet
