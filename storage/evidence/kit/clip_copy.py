"""A stretch of a clip with its coded pictures as they are: nothing is lost, and it takes no time.

Cuts at key frames, so the stretch may begin a little earlier or later than wanted. Leaves sound,
texts and whatever else the clip says behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import av

from storage.evidence.kit.clip_wanted import (
    OUTPUT,
    OVERHEAD,
    SHORT_OF_MS,
    Advance,
    Fitted,
    Wanted,
    opened,
)

PROFILES: Final = ("Constrained Baseline", "Main", "High")
"""Of H.264, as FFmpeg names them: whatever plays High plays these."""
LOST_MS, LOST_SHARE = 1_500, 0.05
"""So much of a stretch may be lost at either end for cutting at key frames, if it is no more than
this share of it."""


def can_stay(stream: Any, wanted: Wanted) -> bool:
    """True when the coded pictures of a video stream need not be changed for what is wanted."""
    context = stream.codec_context
    return (
        context.codec.canonical_name == "h264"
        and context.profile in PROFILES
        and context.pix_fmt == "yuv420p"
        and wanted.cues is None
        and not wanted.boxes
        and min(stream.width, stream.height) <= (wanted.height_px or 1 << 30)
    )


def copied(source: Path, target: Path, wanted: Wanted, advance: Advance) -> Fitted | None:
    """Write the stretch to the new file `target`; None, and no file, where it does not fit.

    Raises FilmUnreadable, av.FFmpegError, OSError.
    """
    with opened(source) as container:
        stream = container.streams.video[0]
        first, scale = stream.start_time or 0, stream.time_base * 1000
        packets = [
            (round((packet.pts - first) * scale), packet.size, packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.size
        ]
    keys = [at for at, _, key in packets if key]
    if not keys:
        return None
    behind = max(at for at, _, _ in packets) + 1
    before = max((at for at in keys if at <= wanted.start_ms), default=keys[0])
    after = min((at for at in keys if at >= wanted.start_ms), default=before)
    lost = min(LOST_MS, LOST_SHARE * (wanted.until_ms - wanted.start_ms))
    for start in (before, after):
        end = _cut(start, [*keys, behind], wanted)
        size = sum(each for at, each, _ in packets if start <= at < end)
        kept = start <= wanted.start_ms + lost and end >= wanted.until_ms - lost
        if not kept or size > wanted.room_bytes * OVERHEAD:
            continue
        _remux(source, target, start, end, advance)
        if target.stat().st_size <= wanted.room_bytes:
            return Fitted("the coded pictures as they are, cut at key frames", start, end)
        target.unlink()
    return None


def _cut(start_ms: int, cuts: Sequence[int], wanted: Wanted) -> int:
    """Where a copy that begins there ends: at the first place for a cut that shows all that is
    wanted, else at the last one that is within the limit."""
    latest = 1 << 62
    if wanted.most_ms is not None:
        latest = start_ms + wanted.most_ms - SHORT_OF_MS
    ends = [at for at in cuts if start_ms < at <= latest]
    return min((at for at in ends if at >= wanted.end_ms), default=max(ends, default=0))


def _remux(source: Path, target: Path, start_ms: int, end_ms: int, advance: Advance) -> None:
    with (
        opened(source) as container,
        av.open(str(target), "w", format="mp4", options=OUTPUT) as output,
    ):
        stream = container.streams.video[0]
        copy = output.add_stream_from_template(stream)
        first, scale = stream.start_time or 0, stream.time_base * 1000
        from_pts = None
        container.seek(first + round(start_ms / scale), stream=stream, backward=True)
        for packet in container.demux(stream):
            if packet.pts is None or packet.dts is None or not packet.size:
                continue
            at_ms = round((packet.pts - first) * scale)
            if from_pts is None:
                if at_ms < start_ms or not packet.is_keyframe:
                    continue
                from_pts = packet.pts
            if at_ms >= end_ms and packet.is_keyframe:
                break
            if packet.pts < from_pts or at_ms >= end_ms:
                continue  # shown with pictures that are not here
            packet.pts -= from_pts
            packet.dts -= from_pts
            packet.stream = copy
            output.mux(packet)
            advance(min(1.0, (at_ms - start_ms) / max(1, end_ms - start_ms)))
