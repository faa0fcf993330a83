"""The doctor on true parts: simulated and absent cameras, real engines, a real folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from station import doctor
from station.config import CameraConfig, Config, with_archive, with_sources
from station.doctor import Finding, Level


def test_a_camera_tells_what_it_really_delivers() -> None:
    camera = CameraConfig(
        name="top", source="sim:?seed=7&tracking=1Z999AA10123456784", width=640, height=360, fps=10
    )
    finding = doctor.look_at(camera)
    assert finding.level is Level.OK, finding
    assert finding.what.startswith("top: 640x360, ")
    fps = float(finding.what.split(", ")[1].removesuffix(" fps"))
    assert 5 < fps < 15


def test_a_black_picture_is_told_with_what_to_do() -> None:
    camera = CameraConfig(name="top", source="sim:?seed=7&fault=black", width=320, height=240)
    finding = doctor.look_at(camera)
    assert finding.level is Level.WARN
    assert "dark" in finding.advice
    assert "blurred" in finding.advice


def test_an_absent_camera_fails(tmp_path: Path) -> None:
    (finding,) = doctor.cameras(with_sources(Config(), (f"top=file:{tmp_path / 'no.mp4'}",)))
    assert finding.level is Level.FAIL
    assert "no.mp4" in finding.what
    assert "check the path" in finding.advice


def test_a_camera_that_hangs_does_not_hang_the_doctor() -> None:
    def hang() -> Finding:
        time.sleep(5)
        return Finding("camera", Level.OK, "woke up")

    finding = doctor.within(0.1, "top", hang)
    assert finding.level is Level.FAIL
    assert "hangs" in finding.what


def test_engines_really_read() -> None:
    findings = list(doctor.barcodes())
    assert findings[0].level is Level.OK
    assert findings[0].what.startswith("zxing ")
    assert findings[1].what.startswith("zbar ")
    # without libzbar the bench works on; the doctor says how to get it
    assert findings[1].level is Level.OK or "libzbar" in findings[1].advice


def test_the_encoder_is_tried() -> None:
    finding = doctor.encoder()
    assert "libx264 encodes 1080p30" in finding.what


def test_the_archive_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert doctor.archive(tmp_path / "new" / "archive").level is Level.OK
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    finding = doctor.archive(tmp_path / "file" / "archive")
    assert finding.level is Level.FAIL
    assert finding.advice


def test_the_disk_is_told_in_days(tmp_path: Path) -> None:
    config = with_archive(Config(), tmp_path / "archive")
    assert "days" in doctor.disk(config).what
    full = config.model_copy(
        update={"disk": config.disk.model_copy(update={"low_gb": 1e6, "full_gb": 1e6})}
    )
    assert doctor.disk(full).level is Level.FAIL


@pytest.mark.parametrize(
    ("columns", "lines", "term", "level"),
    [(120, 34, "xterm", Level.OK), (79, 24, "xterm", Level.WARN), (120, 34, "dumb", Level.FAIL)],
)
def test_the_terminal_is_measured(columns: int, lines: int, term: str, level: Level) -> None:
    assert doctor.judge_terminal((columns, lines), term, "utf-8", "truecolor").level is level


def test_a_terminal_without_unicode_is_told() -> None:
    finding = doctor.judge_terminal((80, 24), "xterm", "ANSI_X3.4-1968", "")
    assert finding.level is Level.WARN
    assert "UTF-8" in finding.advice


def test_the_report_covers_every_area(tmp_path: Path) -> None:
    config = with_archive(with_sources(Config(), ("sim:?seed=7&fps=10",)), tmp_path)
    findings = list(doctor.examine(config))
    assert {finding.area for finding in findings} == {
        "camera", "barcode", "encoder", "archive", "disk", "clock", "terminal",
    }  # fmt: skip
    report = doctor.to_json(findings)
    assert report["ok"] is all(finding.level is not Level.FAIL for finding in findings)
    for finding in findings:
        assert finding.advice or finding.level is Level.OK
        assert doctor.to_text(finding).startswith(finding.level.value.upper())
