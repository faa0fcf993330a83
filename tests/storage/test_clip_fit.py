"""A clip becomes a video that a portal takes: within its limits, uncut, silent, with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from storage.evidence.film import FilmUnreadable
from storage.evidence.kit import clip_text
from storage.evidence.kit.clip_fit import fit
from storage.evidence.kit.clip_text import Cues, cues_from, cues_of, harmless, plate
from storage.evidence.kit.clip_wanted import Fitted, TooBig, Wanted
from storage.evidence.kit.redact import Box
from tests.storage.clips import FPS, HEIGHT, WIDTH, film, frames, needs_ffprobe, probe

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


class Room:
    """A folder with a clip, in which videos are made of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "clip.mp4"
        self.made = folder / "made.mp4"
        self.shares: list[float] = []

    def fit(self, content: bytes, *, seconds: int = 8, start: int = 0, **wanted: Any) -> Fitted:
        """Make a video of the clip `content`."""
        self.source.write_bytes(content)
        self.made.unlink(missing_ok=True)
        limits = Wanted(start * 1000, seconds * 1000, **wanted)
        return fit(self.source, self.made, limits, self.shares.append)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """An empty one."""
    return Room(tmp_path)


def packets(path: Path) -> list[bytes]:
    """The coded pictures of a file."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def seconds_of(path: Path) -> float:
    """How long a file is by its own account."""
    with av.open(str(path)) as container:
        return float(container.duration or 0) / 1e6


def test_what_fits_keeps_its_coded_pictures(room: Room) -> None:
    fitted = room.fit(film(), most_ms=60_000, most_bytes=30_000_000)
    assert "as they are" in fitted.made and (fitted.start_ms, fitted.settings) == (0, {})
    assert packets(room.made) == packets(room.source)


def test_a_cut_at_key_frames_is_one_uncut_span(room: Room) -> None:
    fitted = room.fit(film(40), seconds=33, start=3, most_ms=30_000)
    assert "as they are" in fitted.made
    assert packets(room.made) == packets(room.source)[30:320]
    assert seconds_of(room.made) <= 30
    steps = np.diff([at for at, _ in frames(room.made)])
    assert np.allclose(steps, 1 / FPS, atol=0.002)


def test_where_no_key_frame_is_near_it_is_coded_again_to_the_frame(room: Room) -> None:
    fitted = room.fit(film(key_every=80), seconds=8, start=3, most_ms=4_000)
    assert "constant quality" in fitted.made
    assert fitted.start_ms == 3_000 and seconds_of(room.made) == pytest.approx(4, abs=0.11)
    assert seconds_of(room.made) <= 4


@needs_ffprobe
@pytest.mark.parametrize("most_bytes", [None, 60_000])
def test_what_is_made_is_what_portals_take(room: Room, most_bytes: int | None) -> None:
    clip = film(4, noise=30, sound=True, text=True)
    cues = cues_from(NOON, 4_000, "1Z999AA10123456784")
    room.fit(clip, seconds=4, most_bytes=most_bytes, cues=cues)
    told = probe(room.made)
    (stream,) = told["streams"]
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert stream["profile"] in {"Main", "High"} and stream.get("color_range", "tv") == "tv"
    assert "title" not in told["format"]["tags"]
    assert int(told["format"]["size"]) <= (most_bytes or 1 << 40)
    content = room.made.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"SECRET-TITLE" not in content


def test_sound_and_texts_do_not_come_along_with_coded_pictures(room: Room) -> None:
    fitted = room.fit(film(4, sound=True, text=True), seconds=4)
    assert "as they are" in fitted.made
    with av.open(str(room.made)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert b"SECRET-TITLE" not in room.made.read_bytes()


@pytest.mark.parametrize("most_bytes", [400_000, 150_000, 50_000])
def test_two_passes_use_the_room_that_there_is_and_no_more(room: Room, most_bytes: int) -> None:
    fitted = room.fit(film(6, noise=40), seconds=6, most_bytes=most_bytes)
    size = room.made.stat().st_size
    assert "two passes" in fitted.made
    assert most_bytes * 0.7 < size <= most_bytes
    assert len(frames(room.made)) == 6 * FPS
    assert sorted(path.name for path in room.folder.iterdir()) == ["clip.mp4", "made.mp4"]


def test_less_room_means_smaller_pictures_not_fewer(room: Room) -> None:
    room.fit(film(6, noise=40), seconds=6, most_bytes=50_000)
    assert frames(room.made)[0][1].shape[0] < HEIGHT


def test_what_cannot_fit_says_how_near_it_came(room: Room) -> None:
    with pytest.raises(TooBig) as caught:
        room.fit(film(6, noise=40), seconds=6, most_bytes=3_000)
    assert 3_000 < caught.value.nearest_bytes < 200_000
    assert not room.made.exists()


def test_a_smaller_height_is_kept_and_its_sides_stay_even(room: Room) -> None:
    room.fit(film(4), seconds=4, height_px=241)
    assert frames(room.made)[0][1].shape == (240, 428)


def test_full_range_and_hevc_become_what_plays_everywhere(room: Room) -> None:
    room.fit(film(3, pixels="yuvj420p"), seconds=3)
    luma = frames(room.made)[5][1]
    assert luma[300, 10] == pytest.approx(16 + 90 * 219 / 255, abs=4)
    room.fit(film(3, codec="libx265"), seconds=3)
    with av.open(str(room.made)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == "h264"


def test_the_same_clip_gives_the_same_video(room: Room) -> None:
    wanted: dict[str, Any] = {"most_bytes": 100_000, "boxes": (Box("side", 0.1, 0.1, 0.3, 0.3),)}
    room.fit(film(4, noise=40), seconds=4, **wanted)
    once = room.made.read_bytes()
    room.fit(film(4, noise=40), seconds=4, **wanted)
    assert room.made.read_bytes() == once


def test_it_tells_how_far_it_is_and_stops_when_told_to(room: Room) -> None:
    room.fit(film(4, noise=20), seconds=4, most_bytes=100_000)
    assert max(room.shares) > 0.9

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    room.made.unlink()
    with pytest.raises(KeyboardInterrupt):
        fit(room.source, room.made, Wanted(0, 4_000, most_bytes=100_000), stop)


def test_a_file_that_is_no_clip_is_said(room: Room) -> None:
    for content in (b"", b"no film", film(4)[:2_000], b"#EXTM3U\nfile:///etc/passwd\n"):
        with pytest.raises(FilmUnreadable):
            room.fit(content, seconds=4)


def test_a_clip_that_was_torn_gives_what_it_holds(room: Room) -> None:
    clip = bytearray(film(8, noise=20))
    middle = clip.index(b"mdat") + (len(clip) - clip.index(b"mdat")) // 2
    clip[middle : middle + 3_000] = bytes(3_000)
    room.fit(bytes(clip), seconds=8, cues=cues_from(NOON, 8_000, "1Z"))
    assert len(frames(room.made)) > 4 * FPS


# ------------------------------------------------------------------- the line and the boxes


def test_the_text_track_is_written_into_the_picture(room: Room) -> None:
    clip = film(4, text=True)
    room.source.write_bytes(clip)
    cues = cues_of(room.source)
    assert cues is not None and cues.at_ms == (0, 1_000, 2_000, 3_000)
    assert cues.at(2_999).startswith("2026-11-22 12:00:02 +00:00")
    room.fit(clip, seconds=4, cues=cues)
    rows, columns = plate(cues.texts[0], WIDTH, HEIGHT).shape
    lines = [luma[-rows:, :columns] for _, luma in frames(room.made)]
    drawn = plate(cues.at(2_500), WIDTH, HEIGHT).astype(int)
    assert np.abs(lines[25].astype(int) - drawn).mean() < 12
    assert lines[25].max() > 200 and np.percentile(lines[25], 20) < 30
    assert np.abs(lines[5].astype(int) - lines[35]).max() > 100, "the seconds go on"


def test_a_picture_without_a_line_gets_none(room: Room) -> None:
    room.fit(film(3), seconds=3, height_px=200)
    assert frames(room.made)[0][1][-10:, :100].min() > 50


def test_without_a_text_track_the_line_follows_from_the_beginning(room: Room) -> None:
    room.source.write_bytes(film(3))
    assert cues_of(room.source) is None
    cues = cues_from(NOON, 61_500, "1Z\u202e999\n")
    assert cues.at(60_100) == "2026-11-22 12:01:00 +00:00   1Z?999?"


@pytest.mark.parametrize("width", [64, 160, 320, 640, 1920, 108])
def test_the_line_never_leaves_the_picture(width: int) -> None:
    text = "2026-11-22 12:00:00 +00:00   Δ1795354186.342   1Z999AA10123456784   码头 · overhead"
    for line in (text, text * 5, "", "…"):
        rows, columns = plate(line, width, 90).shape
        assert columns <= width and rows <= 90 and rows % 2 == columns % 2 == 0


def test_a_narrow_picture_keeps_time_and_number() -> None:
    text = "2026-11-22 12:00:00 +00:00   Δ1795354186.342   1Z999AA10123456784"
    short = "2026-11-22 12:00:00 +00:00   1Z999AA10123456784"
    assert np.array_equal(plate(text, 240, 240), plate(short, 240, 240))


def test_hostile_text_is_one_line() -> None:
    assert harmless("a\u202eb\x00c\nd\u2028e") == "a?b?c?d?e"
    assert len(harmless("x" * 10_000)) == clip_text.LONGEST
    assert Cues((0,), ("one",)).at(-5) == "one"


def test_a_box_covers_its_region_in_every_picture(room: Room) -> None:
    box = Box("side", 280 / WIDTH, 140 / HEIGHT, 80 / WIDTH, 80 / HEIGHT)
    room.fit(film(4), seconds=4, boxes=(box,))
    plain = [luma for _, luma in frames(room.source)]
    for (_, luma), before in zip(frames(room.made), plain, strict=True):
        inside = luma[142:218, 282:358]
        assert np.median(inside) < 24, "black, with a word on it"
        assert np.abs(luma[300:].astype(int) - before[300:]).mean() < 4, "the rest is as it was"
    assert max(luma[142:218, 282:358].max() for _, luma in frames(room.made)) > 150
