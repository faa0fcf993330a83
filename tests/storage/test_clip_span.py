"""The stretch of a clip that is shown: within its limits, and no other shows more."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.evidence.kit.clip_span import Stretch, cover_ms, stretches
from storage.records import Clip, Kind, Note, Session, Shot, Status, Waybill
from tests.storage.desk import NOON, NUMBER


def after(ms: int) -> dt.datetime:
    """A moment so long after noon."""
    return NOON + dt.timedelta(milliseconds=ms)


def clip(
    camera: str = "overhead", start_ms: int = 0, length_ms: int = 120_000, width: int = 1920
) -> Clip:
    """A clip that begins so long after noon."""
    return Clip(
        camera, 1, f"{camera}-01.mp4", "h264", width, width * 9 // 16, after(start_ms), length_ms,
        0, 1, 0, 1, "0" * 64,
    )  # fmt: skip


def shot(slot: str, at_ms: int, name: str = "") -> Shot:
    """A photo."""
    path = f"{name or slot}-{at_ms}.jpg"
    return Shot(slot, path, "overhead", after(at_ms), None, 1, 1, 1, "0" * 64)


def packed(*clips: Clip, shots: tuple[Shot, ...] = (), sealed_ms: int = 118_000) -> Session:
    """A sealed session that was opened two seconds after noon."""
    return Session(
        id="01", waybill=Waybill(NUMBER, NUMBER), kind=Kind.PACKING, pass_no=1, bench="b",
        packer="p", opened_at=after(2_000), status=Status.SEALED, sealed_at=after(sealed_ms),
        clips=clips, shots=shots,
    )  # fmt: skip


def slots(stretch: Stretch) -> list[str]:
    """The photos that are taken while it shows."""
    return [event.shot.slot for _, event in stretch.shown if event.shot is not None]


def test_the_closed_parcel_and_its_label_are_shown_before_all_else() -> None:
    shots = (
        shot("item", 5_000),
        shot("packaging", 8_000),
        shot("sealed_box", 90_000),
        shot("label", 100_000),
    )
    (best,) = stretches(packed(clip(), shots=shots, sealed_ms=500_000), 30_000)
    assert slots(best) == ["sealed_box", "label"]
    assert best.end_ms - best.start_ms == 30_000
    assert best.start_ms <= 87_000 and best.end_ms >= 103_000, "with what is around them"
    assert [event.shot.slot for event in best.outside if event.shot] == ["item", "packaging"]


def test_a_clip_that_is_short_enough_is_shown_whole() -> None:
    session = packed(clip(length_ms=60_000), shots=(shot("label", 20_000),))
    (best,) = stretches(session, 60_000)
    assert (best.start_ms, best.end_ms) == (0, 60_000)
    (whole,) = stretches(session, None)
    assert (whole.start_ms, whole.end_ms) == (0, 60_000)


def test_the_camera_that_shows_most_comes_first() -> None:
    shots = (shot("label", 100_000),)
    blind = clip("big", length_ms=50_000, width=3_840)
    assert [each.clip.camera for each in stretches(packed(blind, clip(), shots=shots), 60_000)] == [
        "overhead",
        "big",
    ]
    alike = packed(clip("a", width=1_280), clip("b", width=1_920), shots=shots)
    assert stretches(alike, 60_000)[0].clip.camera == "b", (
        "the sharper one of two that show as much"
    )


def test_a_photo_that_was_taken_again_counts_where_it_counts() -> None:
    shots = (shot("label", 10_000), shot("item", 12_000), shot("label", 100_000))
    (best,) = stretches(packed(clip(), shots=shots), 20_000)
    assert best.start_ms <= 100_000 <= best.end_ms
    assert cover_ms(best) == 100_000


def test_without_any_event_the_cover_is_the_middle() -> None:
    session = replace(packed(clip(start_ms=500_000)), sealed_at=None)
    (best,) = stretches(session, 60_000)
    assert best.shown == () and cover_ms(best) == 30_000


@settings(max_examples=150, deadline=None)
@given(
    length=st.integers(1, 200_000),
    most=st.integers(1_000, 90_000),
    moments=st.lists(
        st.tuples(st.integers(-5_000, 210_000), st.sampled_from(["label", "item", "sealed_box"])),
        max_size=8,
    ),
    notes=st.lists(st.integers(0, 200_000), max_size=3),
)
def test_no_other_stretch_shows_more(
    length: int, most: int, moments: list[tuple[int, str]], notes: list[int]
) -> None:
    shots = tuple(shot(slot, at, str(index)) for index, (at, slot) in enumerate(moments))
    session = replace(
        packed(clip(length_ms=length), shots=shots),
        notes=tuple(Note(after(at), "clock", "") for at in notes),
    )
    (best,) = stretches(session, most)
    assert 0 <= best.start_ms < best.end_ms <= length
    assert best.end_ms - best.start_ms == min(length, most)
    (whole,) = stretches(session, None)
    for start in range(0, max(1, length - most + 1), 500):
        shown = tuple(each for each in whole.shown if start <= each[0] <= start + most)
        other = replace(whole, start_ms=start, shown=shown)
        # What counts of a slot is its last photo of the clip, so a stretch is judged by the clip's.
        assert _judged(other, whole) <= _judged(best, whole)


def _judged(stretch: Stretch, whole: Stretch) -> int:
    last = {event.shot.slot: event.shot.path for _, event in whole.shown if event.shot}
    found = 0
    for _, event in stretch.shown:
        if event.shot is None:
            found += {"opened": 3, "ended": 3, "note": 1}.get(event.what.value, 0)
        elif event.shot.path != last[event.shot.slot]:
            found += 1
        else:
            found += 4 if event.shot.slot == "item" else 8
    return found
