"""The contact sheet shows every event that there is room for, and what lies between them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from pathlib import Path

from storage.evidence.events import What
from storage.evidence.report.sheet import Cell, cameras_of, cells_of, pictures
from storage.records import Clip, Gap, Kind, Session, Shot, Status, Waybill
from tests.storage.desk import NOON, video

MINUTE_MS = 60_000


def at(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


def clip(camera: str, start_s: float, length_ms: int = MINUTE_MS, part: int = 1) -> Clip:
    name = f"media/{camera}-{part:02d}.mp4"
    return Clip(camera, part, name, "h264", 160, 120, at(start_s), length_ms, 0, 20, 0, 1, "0" * 64)


def shot(slot: str, seconds: float) -> Shot:
    return Shot(slot, f"media/{slot}.jpg", "top", at(seconds), None, 160, 120, 1, "0" * 64)


def session(clips: Sequence[Clip], shots: Sequence[Shot] = (), gaps: Sequence[Gap] = ()) -> Session:
    return Session(
        "01", Waybill("1Z", "1Z"), Kind.PACKING, 1, "bench", "Ann", at(3), Status.SEALED, at(59),
        clips=tuple(clips), shots=tuple(shots), gaps=tuple(gaps),
    )  # fmt: skip


def whats(cells: Sequence[Cell]) -> list[What]:
    return [event.what for cell in cells for event in cell.events]


def test_events_are_shown_where_they_are_seen_with_even_steps_between() -> None:
    packed = session([clip("top", 0)], [shot("item", 20), shot("label", 40)])
    cells = cells_of(packed, "top", 8)
    marked = [(cell.at_ms, cell.events[0].what) for cell in cells if cell.events]
    assert marked == [
        (3_000, What.OPENED), (20_000, What.SHOT), (40_000, What.SHOT), (59_000, What.ENDED),
    ]  # fmt: skip
    places = [cell.at_ms for cell in cells]
    assert places == sorted(places)
    assert len(places) == 8
    # No stretch of a third of the film is without a picture.
    assert max(b - a for a, b in zip([0, *places], [*places, MINUTE_MS], strict=True)) < 20_000


def test_there_are_no_more_than_there_is_room_for_and_events_come_first() -> None:
    packed = session([clip("top", 0)], [shot(f"slot{n}", n) for n in range(4, 58)])
    cells = cells_of(packed, "top", 12)
    assert len(cells) == 12
    assert len([cell for cell in cells if cell.events]) == 9
    assert whats(cells)[0] is What.OPENED
    assert whats(cells)[-1] is What.ENDED
    few = sorted(cells, key=lambda cell: cell.rank)[:9]
    assert all(cell.events for cell in few)


def test_a_film_in_parts_is_one_film() -> None:
    parts = [clip("top", 0, 20_000, 1), clip("top", 30, 30_000, 2)]
    cells = cells_of(session(parts), "top", 10)
    assert {cell.clip.part for cell in cells} == {1, 2}
    assert [cell.clip.part for cell in cells] == sorted(cell.clip.part for cell in cells)
    assert all(0 <= cell.at_ms <= cell.clip.duration_ms for cell in cells)


def test_a_gap_is_shown_by_the_camera_that_had_it() -> None:
    gap = Gap("side", at(20), at(30), "no frame")
    packed = session([clip("top", 0), clip("side", 0, 50_000)], gaps=[gap])
    assert cameras_of(packed) == ("top", "side")
    assert What.GAP not in whats(cells_of(packed, "top", 8))
    assert What.GAP in whats(cells_of(packed, "side", 8))


def test_moments_with_the_same_picture_are_one(tmp_path: Path) -> None:
    path = tmp_path / "top.mp4"
    path.write_bytes(video())  # two seconds, one key frame
    cells = cells_of(session([clip("top", 2.5, 2_000)], [shot("item", 3.1)]), "top", 4)
    found = list(pictures(path, cells, 80, threading.Event()))
    assert len({cell.at_ms for cell, _ in found}) == len(found) < len(cells)
    assert sorted(whats([cell for cell, _ in found])) == sorted(whats(cells))
    assert all(picture is not None and picture.shape == (60, 80, 3) for _, picture in found)
