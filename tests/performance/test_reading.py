"""The benchmark's own promises: what it draws is always the same and can be read, and it counts
rightly. What it measures is no test."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp

from tests.performance import handheld, labels, peers, reading_false, reading_live, reading_stills
from tests.performance.film import smear
from tests.performance.labels import Grey
from tests.performance.motion import FPS, FRAMES, HEIGHT, WIDTH, place_at, project
from tests.performance.reading_false import ALL_STAGES, READERS, Verdict
from tests.performance.reading_live import Take, Watched, watch_at_duty, watch_each_frame
from tests.performance.reading_stills import ENGINES, Judged, Look
from tests.performance.tables import Section

HELD = range(40, 41)
TRUTH = "1Z999AA10123456784"


# ---------------------------------------------------------------------------- what is drawn


def fingerprint(seed: int, kind: handheld.Kind = "waybill") -> str:
    return hashlib.sha256(handheld.draw(seed, kind, HELD).jpegs[HELD.start]).hexdigest()


def test_a_seed_draws_the_same_in_every_process() -> None:
    here = fingerprint(3)
    with handheld.pool_of(1) as pool:
        assert pool.submit(fingerprint, 3).result() == here
    assert fingerprint(3) == here
    assert len({here, fingerprint(4), fingerprint(3, "product"), fingerprint(3, "nothing")}) == 4


def test_a_frame_is_the_same_drawn_alone() -> None:
    both = handheld.draw(5, frames=range(39, 41)).jpegs[40]
    assert both == handheld.draw(5, frames=HELD).jpegs[40]


def test_a_sequence_comes_back_from_its_folder(tmp_path: Path) -> None:
    sequence = handheld.draw(6)
    handheld.write(sequence, tmp_path / "006")
    assert handheld.read(tmp_path / "006") == sequence
    assert sequence.frame(40).shape == (HEIGHT, WIDTH)
    assert sequence.in_view_frame is not None
    assert not sequence.views[0].in_view
    assert sequence.views[FRAMES // 2].in_view


@pytest.mark.parametrize("carrier", labels.CARRIERS)
def test_the_main_code_says_the_truth(carrier: str) -> None:
    label = labels.waybill(random.Random(1), carrier)
    # Speckles of worn print are finer than any camera sees.
    soft = cv2.GaussianBlur(label.picture, (0, 0), 1.2)
    texts = {text for _, text in peers.zxing(soft)}
    assert label.truth in texts
    assert texts <= {label.truth, *label.also}


def test_the_code_stands_where_the_meta_data_say() -> None:
    sequence = handheld.draw(9, frames=HELD)
    label_quad = labels.waybill(random.Random("waybill 9")).quad
    quad = project(label_quad, labels.SIZE_PX, sequence.shake, HELD.start)
    codes = zxingcpp.read_barcodes(sequence.frame(HELD.start))
    corners = next(code.position for code in codes if code.text == sequence.truth)
    read_from = np.array([corners.top_left.x, corners.top_left.y])
    width_px = np.linalg.norm(quad[1] - quad[0])
    assert min(np.linalg.norm(read_from - end) for end in (quad[0], quad[3])) < width_px / 10


def test_goods_bear_no_waybill() -> None:
    for seed in range(6):
        assert peers.zxing(labels.product(random.Random(seed)).picture) == set()


def test_judging_seeds_are_none_of_tuning() -> None:
    tuned = {fingerprint(seed) for seed in range(3)}
    assert not tuned & {fingerprint(handheld.JUDGING_SEED + seed) for seed in range(3)}


def test_a_way_smears_to_its_length_and_stays_in_its_middle() -> None:
    point = np.zeros((61, 61), np.uint8)
    point[30, 30] = 255
    (smeared,), moved = smear([point], 16.0, 0.0)
    _, across = np.nonzero(smeared)
    assert 14 <= np.ptp(across) <= 17
    assert abs(across.mean() + moved[0] - 30) <= 1
    assert smeared.max() <= 255 / 14


def test_a_label_rests_while_it_is_held() -> None:
    shake = handheld.draw(7, frames=range(0)).shake
    held = np.array([place_at(shake, index) for index in range(20, 60)])
    assert np.ptp(held, axis=0).max() <= 3 * shake.jitter_px + 1


# ---------------------------------------------------------------------------- what is counted


def test_a_reader_rests_until_its_duty_is_kept() -> None:
    frames = [np.full((2, 2), index, np.uint8) for index in range(15)]
    seen: list[tuple[int, int]] = []
    now_s = 0.0

    def eye(frame: Grey, index: int) -> set[str]:
        nonlocal now_s
        now_s += 0.025
        seen.append((index, int(frame[0, 0])))
        return {TRUTH} if index == 3 else set()

    watched = watch_at_duty(eye, frames, 0.5, clock=lambda: now_s)
    # Looks begin at 0, 50, 100 ... ms, at the newest of the frames that come every 33.3 ms.
    assert seen == [(index, index) for index in (0, 1, 3, 4, 6, 7, 9, 10, 12, 13)]
    assert watched.cpu_s == pytest.approx(0.25)
    assert dict(watched.accepted) == {TRUTH: pytest.approx(0.125)}
    seen.clear()
    watch_at_duty(eye, frames, 1.0, clock=lambda: now_s)
    assert [index for index, _ in seen] == list(range(15))  # it waits for the next frame


def test_a_peer_accepts_what_two_frames_show_within_half_a_second() -> None:
    found: list[set[str]] = [set() for _ in range(60)]
    found[2], found[5] = {"TWICE", "ONCE"}, {"TWICE"}
    found[10] = found[10 + FPS] = {"TOO LATE"}
    watched = watch_each_frame(found, [0.01] * 60)
    assert dict(watched.accepted) == {"TWICE": pytest.approx(5 / FPS + 0.01)}
    assert watched.cpu_s == pytest.approx(0.6)


def test_live_counts_accepted_times_and_false() -> None:
    seeds = itertools.count()

    def taken(truth: str, *accepted: tuple[str, float]) -> Take:
        watched = {"it": Watched(accepted, cpu_s=0.75, looks=30)}
        kind: handheld.Kind = "waybill" if truth else "product"
        return Take(next(seeds), kind, truth, ("ORD1",), 0.5, 2.0, watched)

    section = reading_live.section(
        [
            taken(TRUTH, (TRUTH, 0.9), ("ORD1", 0.6)),
            taken(TRUTH, (TRUTH, 0.4)),  # before all of it was in view
            taken(TRUTH, ("1Z999AA10123456785", 1.0)),
            taken(TRUTH),
            taken("", ("12345678", 1.0)),
        ]
    )
    assert cells(section, "it") == ["50.0%", "0.00 / 0.40", "10.0", "0.40", "1", "1"]


def test_stills_count_recall_and_false_reads() -> None:
    def judged(symbology: str, text: str, also: str, *found: tuple[str, str]) -> Judged:
        looks = {engine: Look(peers.found(found), 3.0, 4.0) for engine in ENGINES}
        texts = frozenset([text] if text else [])
        bars = symbology in peers.BARS
        return Judged("x.png", symbology, texts, frozenset([also]), bars, looks)

    gs1 = "42012345" + "9" * 22
    section = reading_stills.section(
        "Pictures",
        [
            judged("Code128", gs1, "", ("Code128", f"42012345\x1d{'9' * 22}")),
            judged("Code128", TRUTH, "ORD1", ("Code128", "ORD1"), ("EANUPC", "4006381333931")),
            judged("QRCode", "hello", "", ("QRCode", "hello"), ("ITF", "12345678")),
            judged("", "", "", ("EANUPC", "4006381333931"), ("ITF", "123456")),
            judged("", "", "", ("Code39", "*ABCDEF*")),
        ],
    )
    assert cells(section, "Code128 (2)") == ["50.0%"] * 4
    assert cells(section, "QRCode (1)") == ["100.0%"] * 4
    assert cells(section, "all of a waybill (3)") == ["66.7%"] * 4
    assert cells(section, "read falsely, of 3 positives") == ["1"] * 4
    assert cells(section, "read falsely, of 2 negatives") == ["1"] * 4
    assert cells(section, "CPU ms, median / p95") == ["3.0 / 3.0"] * 4


def test_false_accepts_are_told_from_right_ones() -> None:
    def verdict(*texts: str) -> Verdict:
        return Verdict(1, TRUTH, dict.fromkeys(READERS, frozenset(texts)))

    verdicts = [
        verdict(TRUTH),
        verdict(TRUTH, "1Z999AA10123456785"),
        verdict("1Z(999)AA"),
        verdict(),
    ]
    assert cells(reading_false.section(verdicts), ALL_STAGES) == ["50.0%", "2", "1"]
    assert reading_false.agreed([{"A", "B"}, {"A"}, set()]) == {"A"}


def test_strips_are_the_same_by_their_seed_and_tremble() -> None:
    (truth, frames), (again, same) = (reading_false.strip_frames(8) for _ in range(2))
    assert truth == again
    assert all(np.array_equal(one, two) for one, two in zip(frames, same, strict=True))
    assert not np.array_equal(frames[0], frames[1])


def test_texts_that_engines_write_differently_are_one() -> None:
    assert peers.normal("Code128", "(00)123456789012345675") == "00123456789012345675"
    assert peers.normal("Codabar", "A12345678B") == "12345678"
    assert peers.normal("Code39", "*AB-12345*") == "AB-12345"


def test_a_folder_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"labels\.json"):
        reading_stills.stills_in(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps([{"file": "a.png"}]))
    with pytest.raises(SystemExit, match="negative"):
        reading_stills.stills_in(tmp_path)


def cells(section: Section, row: str) -> list[str]:
    return next(list(cells) for name, *cells in section.rows if name == row)
