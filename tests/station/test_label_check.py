"""The label check from the camera's picture to the claim package, and to the packer's screen."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest

from capture.sim import scene
from station.rules.state import Phase
from storage.archive import Archive
from storage.evidence.package import export
from storage.records import LabelCheck
from tests.station.packing import NUMBERS, SEED, config, found, running
from tests.station.ui.solo import NUMBER, desk


async def test_a_wrong_label_stands_in_the_claim_package(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    async with running(config(root)) as at:
        scene(SEED).show(NUMBERS[3], head_start_s=5)
        await asyncio.sleep(1.0)
        at.bench.scan(NUMBERS[2])
        await at.phase(Phase.RECORDING)
        await at.shoot("item", "packaging", "sealed_box", "label")
        (alarm,) = at.bench.state.alarms
        assert dict(alarm.params) == {"expected": NUMBERS[2], "read": NUMBERS[3]}
        at.bench.scan("PW:FINISH")
        assert at.said[-1].key == "acknowledge_first"
        assert at.bench.state.phase is Phase.RECORDING
        at.bench.scan("PW:OK")
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(root, NUMBERS[2])
    assert session.shots[-1].label_check is LabelCheck.MISMATCH
    assert session.shots[-1].label_read == NUMBERS[3]
    assert "label_acknowledged" in [note.what for note in session.notes]
    with Archive.open(root) as archive:
        package = export(archive, [session], tmp_path).path
    with zipfile.ZipFile(package) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".html")]
        page = files.read(name).decode("utf-8")
    assert f"Label does NOT match the tracking number: it shows <bdi>{NUMBERS[3]}</bdi>" in page
    assert "the wrong label was acknowledged by Ana" in page


async def test_no_label_is_advised_and_the_next_photo_settles_it(tmp_path: Path) -> None:
    number = NUMBERS[4]
    async with running(config(tmp_path)) as at:
        scene(SEED).clear()
        await asyncio.sleep(1.5)
        at.bench.scan(number)
        await at.phase(Phase.RECORDING)
        await at.shoot("label")
        assert at.said[-1].key == "label_none"
        assert "label_unreadable" not in [say.key for say in at.said]
        assert dict(at.active.faults) == {"label": "label_none"}
        assert not at.bench.state.alarms
        scene(SEED).show(number, head_start_s=5)
        await asyncio.sleep(1.5)
        at.bench.scan("PW:RETAKE")
        await at.until(lambda: len(at.active.shots) == 2, "the second photo")
        assert at.said[-1].key == "label_ok"
        assert not at.active.faults
    (session,) = found(tmp_path, number)
    checks = [shot.label_check for shot in session.shots]
    assert checks == [LabelCheck.UNREADABLE, LabelCheck.MATCH]


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("label_small", "closer, then F2"),
        ("label_glaring", "tilt it or turn the lamp, then F2"),
        ("label_moving", "hold it still, then F2"),
        ("label_blurred", "let it focus, then F2"),
        ("label_dark", "more light, then F2"),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (120, 34)])
async def test_what_to_do_stands_on_the_screen_until_the_label_is_read(
    fault: str, advice: str, size: tuple[int, int]
) -> None:
    async with desk(size=size) as d:
        await d.scan(NUMBER)
        await d.press("f1", "f1", "f1")
        d.bench.label, d.bench.fault = LabelCheck.UNREADABLE, fault
        await d.press("f1")
        assert advice in d.text()
        assert "NOT LEGIBLE" in d.text()
        d.bench.label, d.bench.fault = LabelCheck.MATCH, ""
        await d.press("f2")
        assert advice not in d.text()
        assert "NOT LEGIBLE" not in d.text()
        assert f"The label shows {NUMBER}" in d.text()
