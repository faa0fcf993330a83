"""The bench without a screen: real cameras (simulated bench), real archive, real files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest

from capture.sim import scene
from station.rules.state import Phase
from storage.evidence.verify import verify
from storage.records import EndReason, Kind, LabelCheck, Status
from tests.station.packing import NUMBERS, SEED, config, found, running


def frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


async def test_from_a_scan_to_sealed_evidence(tmp_path: Path) -> None:
    number = NUMBERS[0]
    async with running(config(tmp_path)) as at:
        scene(SEED).show(number)
        await asyncio.sleep(2.5)
        at.bench.scan(number)
        await at.phase(Phase.RECORDING)
        scanned = at.active.trigger.utc
        await at.shoot("item", "packaging", "sealed_box", "label")
        await asyncio.sleep(1.0)
        at.bench.scan("PW:FINISH")
        await at.sealed()

    (session,) = found(tmp_path, number[-6:])
    assert session.status is Status.SEALED
    assert session.end_reason is EndReason.FINISH
    assert session.complete
    assert session.waybill.number == number
    assert session.packer == "Ana"
    assert [shot.slot for shot in session.shots] == ["item", "packaging", "sealed_box", "label"]
    assert session.shots[-1].label_check is LabelCheck.MATCH
    assert {clip.camera for clip in session.clips} == {"overhead", "side"}
    for clip in session.clips:
        assert clip.codec == "h264"
        assert clip.pre_roll_ms >= 2_000
        assert (scanned - clip.started_at).total_seconds() >= 2.0
        times = frame_times(tmp_path / clip.path)
        assert len(times) == clip.frames
        assert times == sorted(set(times))
        assert times[-1] - times[0] == pytest.approx(clip.duration_ms / 1000, abs=0.2)
    assert verify(tmp_path) == []


async def test_the_next_scan_ends_the_last_and_loses_nothing(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        await asyncio.sleep(2.2)
        for number in NUMBERS[:3]:
            at.bench.scan(number)
            await at.until(
                lambda number=number: (  # type: ignore[misc]
                    at.bench.state.phase is Phase.RECORDING and at.active.waybill.number == number
                ),
                number,
            )
            await asyncio.sleep(1.0)
        at.bench.scan("PW:FINISH")
        await at.sealed()

    for number, reason in zip(
        NUMBERS[:3], [EndReason.NEXT_SCAN, EndReason.NEXT_SCAN, EndReason.FINISH], strict=True
    ):
        (session,) = found(tmp_path, number)
        assert session.end_reason is reason
        assert len(session.clips) == 2
        assert all(clip.pre_roll_ms >= 2_000 for clip in session.clips)
    assert verify(tmp_path) == []


async def test_packed_before_asks_and_yes_makes_pass_2(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        for answer in (None, "PW:NO", "PW:YES"):
            at.bench.scan(NUMBERS[0])
            if answer:
                await at.phase(Phase.DECIDING)
                at.bench.scan(answer)
            if answer == "PW:NO":
                await at.phase(Phase.IDLE)
                await asyncio.sleep(2.1)
                continue
            await at.phase(Phase.RECORDING)
            await asyncio.sleep(0.5)
            at.bench.scan("PW:FINISH")
            await at.sealed()
            await asyncio.sleep(2.1)
    assert [session.pass_no for session in found(tmp_path, NUMBERS[0])] == [2, 1]


async def test_a_return_of_a_packed_parcel(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        for card in (None, "PW:RETURN"):
            if card:
                at.bench.scan(card)
            at.bench.scan(NUMBERS[1])
            await at.phase(Phase.RECORDING)
            await asyncio.sleep(0.5)
            at.bench.scan("PW:FINISH")
            await at.sealed()
            await asyncio.sleep(2.1)
    assert [session.kind for session in found(tmp_path, NUMBERS[1])] == [Kind.RETURN, Kind.PACKING]


async def test_a_wrong_label_in_the_picture_raises_an_alarm(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as at:
        scene(SEED).show(NUMBERS[3])
        await asyncio.sleep(2.5)
        at.bench.scan(NUMBERS[2])
        await at.phase(Phase.RECORDING)
        await at.shoot("label")
        assert [alarm.key for alarm in at.bench.state.alarms] == ["label_mismatch"]
        at.bench.scan("PW:OK")
        assert not at.bench.state.alarms
        at.bench.scan("PW:CANCEL")
        at.bench.scan("PW:YES")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[2])
    assert session.status is Status.CANCELLED
    assert session.shots[0].label_check is LabelCheck.MISMATCH


async def test_a_lost_camera_is_a_gap_and_a_second_part(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        await asyncio.sleep(0.5)
        at.bench.scan(NUMBERS[4])
        await at.phase(Phase.RECORDING)
        scene(SEED).fail("hang", view="overhead")
        await at.until(lambda: not at.bench.state.cameras[0].up, "the loss")
        scene(SEED).mend()
        await at.cameras_up()
        await asyncio.sleep(1.0)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[4])
    parts = [(clip.camera, clip.part) for clip in session.clips if clip.camera == "overhead"]
    assert parts == [("overhead", 1), ("overhead", 2)]
    assert any(gap.camera == "overhead" and gap.ended_at for gap in session.gaps)
    assert verify(tmp_path) == []


async def test_closing_while_recording_seals_as_interrupted(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as at:
        at.bench.scan(NUMBERS[5])
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(0.5)
    (session,) = found(tmp_path, NUMBERS[5])
    assert session.status is Status.INTERRUPTED
    assert session.clips
    assert verify(tmp_path) == []


@pytest.mark.parametrize(
    "hostile",
    ["6901234567892", "X" * 500, "../../etc/passwd", "\x1b]0;gone\x07", "=1+1", "\x00\x11", ""],
)
async def test_what_is_no_waybill_opens_nothing(tmp_path: Path, hostile: str) -> None:
    async with running(config(tmp_path)) as at:
        await at.until(lambda: at.bench.started, "start-up")
        before = len(at.said)
        at.bench.scan(hostile)
        await at.until(lambda: len(at.said) > before, "a word")
        assert at.bench.state.phase is Phase.IDLE
        assert len(at.said) == before + 1
        assert all(value.isprintable() for _, value in at.said[-1].params)
