"""Which encoder a camera gets: hardware that proves itself here and now, or libx264.

Asked by the recorder before the first frame of a size. A driver that says it can encode may still
hold pictures back, ignore the wish for a key frame, smear a label, be slower than libx264 or need
more CPU: so each candidate encodes a second of a moving bench picture with a label-like card in it,
through the same `Encoder` that is to record, and libx264 does the same as the measure. Knows no
camera, clip or file.

A trial outlives exceptions and a driver that does not answer (its thread is left behind), not one
that takes the interpreter down: capture runs in a process of its own, which its owner replaces, and
`libx264` as the wish switches trials off.
"""

from __future__ import annotations

import datetime as dt
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import av
import cv2
import numpy as np
import numpy.typing as npt

from capture.codecs import HARDWARE, LIBX264, SOFTWARE, Codec
from capture.encoder import KEY_EVERY_NS, Encoded, Encoder
from capture.frame import Frame, Yuv
from capture.overlay import Overlay

_log = logging.getLogger(__name__)

AUTO = "auto"

_FRAMES = 30
# Two key frames must be asked for: one at the start, one where this one's time has come.
_TRIAL_FPS = 25
_SECOND_KEY = -(-KEY_EVERY_NS * _TRIAL_FPS // 1_000_000_000)
_WORSE_DB = 1.0
_ANSWERED_S = 10.0
_DIFFERENT_PICTURES = 6
_UTC = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

_chosen: dict[tuple[int, int], str] = {}
_lock = threading.Lock()


class Refused(Exception):
    """Why an encoder is not to be used here; one short phrase."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What an encoder did with a second of video: CPU and wall clock seconds, label in dB."""

    cpu_s: float
    took_s: float
    label_db: float


def pick_encoder(size: tuple[int, int], fps: float, wanted: str = AUTO) -> str:
    """The FFmpeg encoder for video of `size` (width, height): one that passed, or `libx264`.

    `wanted` is `auto`, or an encoder's name, which is answered with itself, untried. Trials are
    made once for a process and size; where no driver is there they take milliseconds, else a second
    for each. One line of the log then says what was taken, and why not the others.
    """
    if wanted != AUTO:
        return wanted
    with _lock:
        if size not in _chosen:
            _chosen[size] = choose(size, fps, candidates()).name
        return _chosen[size]


def distrust(name: str) -> None:
    """Never picks the hardware encoder `name` again in this process: it failed at its work."""
    with _lock:
        failed = [size for size, chosen in _chosen.items() if chosen == name != LIBX264]
        for size in failed:
            _chosen[size] = LIBX264
    if failed:
        _log.warning("the encoder %s failed at its work; recording goes on with libx264", name)


def candidates() -> tuple[Codec, ...]:
    """The hardware encoders that this system and this FFmpeg may have."""
    return tuple(
        codec
        for codec in HARDWARE
        if sys.platform in codec.systems and codec.name in av.codecs_available
    )


def choose(
    size: tuple[int, int], fps: float, tried: Sequence[Codec], software: Codec = SOFTWARE
) -> Codec:
    """The first of `tried` that passes its trial against `software`, else `software`; logged."""
    refused: list[str] = []
    chosen = software
    measure: Trial | None = None
    for codec in tried:
        try:
            trial = within(_ANSWERED_S, partial(try_encoder, codec, size))
            measure = measure or try_encoder(software, size)
            judge(trial, measure, fps)
        except Refused as error:
            refused.append(f"{codec.name} {error}")
        else:
            chosen = codec
            break
    why = "; ".join(refused) or "no hardware encoder is known here"
    _log.info("%dx%d is recorded with %s: %s", *size, chosen.name, why)
    return chosen


def within(seconds: float, trial: Callable[[], Trial]) -> Trial:
    """What `trial` returns. Raises what it raises, and Refused when it takes longer: its thread is
    left behind then, for nothing stops a driver that hangs."""
    answers: queue.SimpleQueue[Trial | Refused] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(trial())
        except Exception as error:
            answers.put(error if isinstance(error, Refused) else Refused(f"fails ({error})"))

    threading.Thread(target=run, name="encoder trial", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise Refused(f"does not answer for {seconds:g} s") from None
    if isinstance(answer, Refused):
        raise answer
    return answer


def judge(trial: Trial, measure: Trial, fps: float) -> None:
    """Raises Refused unless `trial` is as legible as `measure`, in time, and cheaper."""
    if trial.label_db < measure.label_db - _WORSE_DB:
        raise Refused(f"blurs a label ({trial.label_db:.1f} dB, {measure.label_db:.1f})")
    if trial.took_s > _FRAMES / fps:
        raise Refused(f"is too slow ({_FRAMES / trial.took_s:.0f} pictures a second)")
    if trial.cpu_s >= measure.cpu_s:
        raise Refused(f"takes {trial.cpu_s / measure.cpu_s:.1f} times the CPU")


def try_encoder(codec: Codec, size: tuple[int, int]) -> Trial:
    """Encodes 30 pictures of `size` with `codec` and reads them again.

    Raises Refused when it does not open, holds pictures back, fails or hands out what no decoder
    understands.
    """
    try:
        encoder = Encoder(size, _TRIAL_FPS, Overlay("", ""), codec=codec)
        pictures = bench_card(size)
        packets: list[Encoded] = []
        cpu_s, began_s = time.process_time(), time.monotonic()
        for index in range(_FRAMES):
            at_ns = index * 1_000_000_000 // _TRIAL_FPS
            picture = pictures[index % len(pictures)]
            packets.append(encoder.encode(Frame(index, at_ns, _UTC, picture), index))
        cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - began_s
        keys = [packet.seq for packet in packets if packet.key]
        if 0 not in keys or _SECOND_KEY not in keys:
            raise Refused("gives no key frame when asked for one")
        shown = _decoded(packets)
    except (av.FFmpegError, OSError) as error:
        raise Refused(f"fails ({error.strerror or error})") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise Refused(f"fails ({error})") from error
    if len(shown) != len(packets):
        raise Refused(f"gives {len(shown)} readable pictures of {len(packets)}")
    worst = min(
        _label_db(pictures[index % len(pictures)], luma) for index, luma in enumerate(shown)
    )
    return Trial(cpu_s, took_s, worst)


def bench_card(size: tuple[int, int]) -> list[Yuv]:
    """A few pictures of `size`: a card of bars and signs at rest in a scene that moves.

    The card fills the middle quarter. Sides are cut as the encoder cuts them.
    """
    width, height = size[0] & ~1, size[1] & ~3
    noise = np.random.default_rng(3)
    rough = noise.integers(60, 200, (height // 24 + 2, width // 24 + 2), np.uint8)
    scene = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    bars = np.repeat(noise.integers(0, 2, (8, width // 4 + 1), np.uint8), 2, axis=1)
    pictures = []
    for step in range(_DIFFERENT_PICTURES):
        luma = np.roll(scene, 5 * step, axis=1)
        luma = cv2.add(luma, noise.integers(0, 6, luma.shape, np.uint8))
        rows, columns = _card(width, height)
        card = luma[rows, columns]
        card[:] = 225
        half = card.shape[0] // 2
        each = max(1, half // 8)
        for row in range(8):
            line = bars[row, : card.shape[1]]
            card[row * each : (row + 1) * each - 1, : len(line)] = np.where(line, 30, 225)
        for y in range(half + 12, card.shape[0], 16):
            cv2.putText(card, "1Z999AA10123456784" * 9, (2, y), 0, 0.4, (30,), 1, cv2.LINE_AA)
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = luma
        planes.flags.writeable = False
        pictures.append(Yuv(planes))
    return pictures


def _card(width: int, height: int) -> tuple[slice, slice]:
    return slice(height // 4, height * 3 // 4), slice(width // 4, width * 3 // 4)


def _decoded(packets: Sequence[Encoded]) -> list[npt.NDArray[np.uint8]]:
    """The luma of what an H.264 decoder makes of the packets, with the stream's own header."""
    decoder = av.CodecContext.create("h264", "r")
    if not isinstance(decoder, av.VideoCodecContext):
        raise TypeError("no video decoder")
    decoder.extradata = packets[0].stream.codec_context.extradata
    pictures = []
    for packet in [*packets, None]:
        for frame in decoder.decode(av.Packet(packet.data) if packet else None):
            plane = frame.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            pictures.append(rows[: plane.height, : plane.width])
    return pictures


def _label_db(wanted: Yuv, luma: npt.NDArray[np.uint8]) -> float:
    """PSNR of the card, 100 for an exact one and 0 for another size."""
    width, height = wanted.size
    if luma.shape != (height, width):
        return 0.0
    card = _card(width, height)
    mean_square = float(np.mean((wanted.i420[card].astype(np.float32) - luma[card]) ** 2))
    return 10 * float(np.log10(255**2 / max(mean_square, 255**2 / 1e10)))
