"""Where frames come from: a camera device, a network stream, a video file, the simulated bench.

The first station of the flow: a `Source` hands out pictures one by one, at the speed at which they
come into being, and says when there are no more. It knows no thread, no clip and no waybill;
stamping, watching and reopening are `capture.camera`'s work.

A source is written as one line, in the configuration and in `--source` alike:

    0, 1, …  /dev/video0  /dev/v4l/by-id/…     a camera on this machine
    rtsp://…  rtsps://…  http://…  https://…   a network camera
    file:PATH  file:PATH?loop=1                a video file, played at its own speed
    sim:  sim:?seed=7&tracking=1Z…             the simulated bench (`capture.sim` lists its options)

The path after `file:` is taken as it stands: spaces, `%20`, backslashes and drive letters are part
of the name, `~` is the home folder. Only the URL form `file:///…` is percent-decoded. Of a network
address only `safe_text` is ever shown: user names, passwords and what else may be one are cut.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

# Who only checks how a source is written need not wait for numpy and FFmpeg.
if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from capture.frame import Picture

_LATE_FRAMES = 4  # a driver keeps about four buffers: a reader later than that loses frames

SIM_FAULTS = ("freeze", "hang", "lost", "black")
SIM_VIEWS = ("overhead", "side")
SIM_TEXT_MAX = 40  # characters on the simulated label

ENDED = "the video file has ended"
"""The cause with which a file that is not played in a loop is lost."""


class SourceError(Exception):
    """A source that cannot be understood or opened. `text` is the source without credentials."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text}: {why}")
        self.text = text
        self.why = why


class SourceLost(Exception):
    """No more pictures from a source that was open. `final`: and reopening it is pointless."""

    def __init__(self, cause: str, *, final: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.final = final


class Kind(Enum):
    DEVICE = "device"
    STREAM = "stream"
    FILE = "file"
    SIM = "sim"


@dataclass(frozen=True, slots=True)
class SimOptions:
    """What is written after `sim:?`; see `capture.sim`."""

    seed: int = 1
    tracking: str = ""
    fps: float | None = None
    view: str = "overhead"
    fault: str = ""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """An understood source. Printing it never shows a credential; `target` may hold one."""

    kind: Kind
    safe_text: str
    target: str = field(repr=False)
    loop: bool = False
    sim: SimOptions | None = None

    def __str__(self) -> str:
        return self.safe_text


@dataclass(frozen=True, slots=True)
class Packet:
    """One coded picture of a stream that is recorded as the camera coded it.

    `data` is Annex B; `key`: a decoder can begin here. `delay_ns` is how much later than it is
    decoded the picture is shown (0 without B-frames). `stream` is the template for files.
    """

    data: bytes = field(repr=False)
    key: bool
    delay_ns: int
    stream: VideoStream = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a source gives at once: a picture, a packet to be copied, or both (key frames).

    Neither: what came was damaged and cannot be shown. `jpeg` is the camera's own coded picture
    at the sensor's full size, where there is one; `picture` may be smaller.
    """

    picture: Picture | None = None
    packet: Packet | None = None
    jpeg: bytes = field(default=b"", repr=False)


class Source(Protocol):
    """An open source. `fps` is what was negotiated, 0 if the source does not tell.

    `codec` is what its packets are coded in (`h264`, `hevc`) if they are to be copied, else ''.
    """

    width: int
    height: int
    fps: float
    codec: str

    def read(self) -> Sample | None:
        """What comes next; blocks until it comes into being.

        None if the source ended without saying why. Raises SourceLost.
        """

    def close(self) -> None: ...


def parse_source(text: str) -> SourceSpec:
    """Understands a source without touching any device. Raises SourceError."""
    line = text.strip()
    scheme = line.partition(":")[0].lower() if ":" in line else ""
    shown = _on_one_line(line)
    if re.fullmatch(r"[0-9]{1,3}", line):
        return SourceSpec(Kind.DEVICE, f"camera {int(line)}", str(int(line)))
    if line.startswith("/dev/"):
        return SourceSpec(Kind.DEVICE, shown, line)
    if scheme in ("rtsp", "rtsps", "http", "https"):
        return _parse_stream(line)
    if scheme == "file":
        return _parse_file(line, shown)
    if scheme == "sim":
        return _parse_sim(line, shown)
    hint = "; write file:PATH for a video file" if Path(line).suffix else ""
    raise SourceError(
        redact(line) or "(empty)",
        f"no such kind of source{hint}. Known: 0, /dev/video0, rtsp://…, http://…, file:PATH, sim:",
    )


def open_source(
    spec: SourceSpec,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    *,
    record: str = "encode",
    video_height: int | None = None,
) -> Source:
    """Opens the source; a device or the simulated bench is asked for the given size and rate.

    What it delivers then stands in the result. `record`: `copy` hands out a stream's or a file's
    packets, `encode` its pictures, `auto` the packets where they are H.264. A JPEG whose picture is
    at least twice as high as `video_height` is decoded at a half or a quarter of its size. May
    block for many seconds. Raises SourceError.
    """
    if record == "copy" and spec.kind in (Kind.DEVICE, Kind.SIM):
        raise SourceError(spec.safe_text, 'gives no video to be copied; set record = "auto"')
    # Imported here: understanding a line of the configuration needs neither OpenCV nor a picture.
    match spec.kind:
        case Kind.DEVICE:
            from capture.opencv import DeviceSource

            return DeviceSource(spec, width, height, fps, video_height)
        case Kind.STREAM:
            from capture.stream import StreamSource

            return StreamSource(spec, record, video_height)
        case Kind.FILE:
            from capture.stream import FileSource

            return FileSource(spec, record, video_height)
        case Kind.SIM:
            from capture.sim import SimSource

            return SimSource(spec, width, height, fps)


class Pace:
    """Lets things happen when they are due, and says when a reader is too late to have them all."""

    def __init__(self) -> None:
        self._start_s: float | None = None

    def wait(self, due_s: float, period_s: float) -> bool:
        """Sleeps until `due_s` after the first call. False: that was more than 4 periods ago."""
        now = time.monotonic()
        if self._start_s is None:
            self._start_s = now - due_s
        ahead = self._start_s + due_s - now
        if ahead > 0:
            time.sleep(ahead)
        return not self.late(due_s, period_s)

    def late(self, due_s: float, period_s: float) -> bool:
        """Whether `due_s` was more than 4 periods ago."""
        if self._start_s is None:
            return False
        return self._start_s + due_s - time.monotonic() < -_LATE_FRAMES * period_s


def redact(text: str) -> str:
    """An address on one line, without anything that may be a secret.

    Cut are user name and password, the query, values in the path (`/user=admin`), and path parts
    that look like a token, which some cameras use instead of a password. All before the last @
    counts as a password: it may hold any character when the address was mistyped.
    """
    scheme, sep, rest = _on_one_line(text).partition("://")
    if not sep:
        scheme, rest = "", scheme
    _, at, rest = rest.rpartition("@")
    rest, question, _query = rest.partition("?")
    host, *path = rest.partition("#")[0].split("/")
    if at and not re.fullmatch(r"[\w.:\[\]-]*", host):
        host = "…"
    parts = [host, *("…" if _secretive(part) else part for part in path)]
    return f"{scheme}{sep}{'…@' if at else ''}{'/'.join(parts)}{'?…' if question else ''}"


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:300]


def _secretive(part: str) -> bool:
    token = re.fullmatch(r"[A-Za-z0-9_+-]{16,}", part)
    mixed = re.search(r"\d", part) and re.search(r"[A-Za-z]", part)
    return "=" in part or bool(token and mixed)


def _parse_stream(line: str) -> SourceSpec:
    safe = redact(line)
    try:
        parts = urlsplit(line)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise SourceError(
            safe, "not a network address; write / and @ in a password as %2F and %40"
        ) from None
    if not host or re.search(r"[\s\x00-\x1f]", line):
        raise SourceError(safe, "not a network address; write rtsp://HOST/PATH without spaces")
    return SourceSpec(Kind.STREAM, safe, line)


def _parse_file(line: str, shown: str) -> SourceSpec:
    rest = line[len("file:") :]
    path, question, query = rest.rpartition("?")
    # A question mark may also be part of the name: options look like one.
    if not question or not re.fullmatch(r"[a-z_]+=[^/\\]*", query):
        path, query = rest, ""
    if path.startswith("//"):
        path = unquote(path[2:])
        if re.match(r"/[A-Za-z]:[/\\]", path):  # file:///C:/x.mp4
            path = path[1:]
    if not path or "\0" in path:
        raise SourceError(shown, "no file named; write file:PATH")
    options = _options(shown, query, {"loop"})
    loop = options.get("loop", "0")
    if loop not in ("0", "1"):
        raise SourceError(shown, f"loop={loop} is not allowed; write loop=1 or loop=0")
    return SourceSpec(Kind.FILE, shown, path, loop=loop == "1")


def _parse_sim(line: str, shown: str) -> SourceSpec:
    rest = line[len("sim:") :]
    if rest and not rest.startswith("?"):
        raise SourceError(shown, "its options begin with a question mark: sim:?seed=7")
    known = {"seed", "tracking", "fps", "view", "fault", "after"}
    options = _options(shown, rest[1:], known)

    def number(key: str, default: float, low: float, high: float) -> float:
        try:
            value = float(options.get(key, default))
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise SourceError(shown, f"{key} must be a number from {low:g} to {high:g}")
        return value

    def choice(key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = options.get(key, default)
        if value not in allowed and value != default:
            raise SourceError(shown, f"{key} must be one of {', '.join(allowed)}")
        return value

    tracking = options.get("tracking", "")
    if tracking and not label_text_ok(tracking):
        raise SourceError(
            shown, f"tracking must be 1 to {SIM_TEXT_MAX} ASCII letters, digits or signs"
        )
    sim = SimOptions(
        seed=int(number("seed", 1, 0, 2**31)),
        tracking=tracking,
        fps=number("fps", 30, 1, 120) if "fps" in options else None,
        view=choice("view", "overhead", SIM_VIEWS),
        fault=choice("fault", "", SIM_FAULTS),
        after_s=number("after", 0, 0, 1e6),
    )
    return SourceSpec(Kind.SIM, shown, line, sim=sim)


def label_text_ok(text: str) -> bool:
    """Whether the simulated label can bear `text`."""
    return 1 <= len(text) <= SIM_TEXT_MAX and text.isascii() and text.isprintable()


def _options(shown: str, query: str, known: set[str]) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key in options:
        if key not in known:
            raise SourceError(shown, f"unknown option {key}; known: {', '.join(sorted(known))}")
    return options
