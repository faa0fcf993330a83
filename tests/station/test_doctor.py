"""The doctor on true parts: simulated and absent cameras, real engines, a real folder."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.stream import VideoStream

from capture.quality import Grey
from station import camera_look, doctor
from station.camera_check import FOCUS, LIGHT
from station.camera_look import Look, look_at, within
from station.cli import main
from station.config import CameraConfig, Config, RecordingConfig, with_archive, with_sources
from station.findings import Level, to_json, to_text
from storage.archive import Archive
from tests.capture.card import seen
from tests.capture.parts import write_video

SAMPLE = "1Z999AA10123456784"


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_look, "LOOK_S", 0.6)


def camera(source: str, **asked: Any) -> CameraConfig:
    return CameraConfig(name="top", source=source, **asked)


def test_a_camera_tells_what_it_really_delivers() -> None:
    look = look_at(camera(f"sim:?seed=7&tracking={SAMPLE}", width=640, height=360, fps=10.0))
    finding = look.finding
    assert finding.level is Level.OK, finding
    assert finding.what.startswith("top: 640x360, ")
    fps = float(finding.what.split(", ")[1].removesuffix(" fps"))
    assert 5 < fps < 15
    assert "no test card in view" in finding.what
    assert (look.status.width, look.status.height, look.status.warning) == (640, 360, "")


def test_a_black_picture_is_told_with_what_to_do() -> None:
    finding = look_at(camera("sim:?seed=7&fault=black", width=320, height=240)).finding
    assert finding.level is Level.WARN
    assert finding.advice == LIGHT


def test_a_camera_that_gives_another_size_or_rate_is_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mp4", list(range(0, 4000, 100)))
    finding = look_at(camera(f"file:{path}", width=1920, height=1080, fps=30.0)).finding
    assert finding.level is Level.WARN
    assert "delivers 640x360 at 10 fps; 1920x1080 at 30 fps was asked for" in finding.advice


def test_a_test_card_in_view_is_read(tmp_path: Path) -> None:
    path = film(tmp_path / "card.mp4", seen(3.5, size=(1920, 1080)))
    finding = look_at(camera(f"file:{path}?loop=1"), reads=True).finding
    assert finding.level is Level.OK, finding
    assert finding.what.endswith("reads 0.33 mm bars of the test card")
    path = film(tmp_path / "blur.mp4", seen(3.5, size=(1920, 1080), blur_px=3))
    finding = look_at(camera(f"file:{path}?loop=1"), reads=True).finding
    assert (finding.level, finding.advice) == (Level.WARN, FOCUS)
    assert "reads no bars" in finding.what


@pytest.mark.parametrize(
    ("codec", "record", "told", "advised"),
    [
        ("libx264", "auto", "its H264 is copied", ""),
        ("libx264", "encode", "its H264 is encoded again", ""),
        ("libx265", "auto", "its HEVC is encoded again", "HEVC costs a core"),
        ("libx265", "copy", "its HEVC is copied", "browsers may not play the video"),
        ("mjpeg", "auto", "is encoded here", ""),
    ],
)
def test_what_becomes_of_a_cameras_own_coding(
    tmp_path: Path, codec: str, record: str, told: str, advised: str
) -> None:
    path = film(tmp_path / "a.mkv", seen(2, size=(640, 480)), codec)
    finding = look_at(camera(f"file:{path}?loop=1", record=record)).finding
    assert told in finding.what
    assert (advised in finding.advice) if advised else (finding.level is Level.OK)


def film(path: Path, grey: Grey, codec: str = "libx264") -> Path:
    """Half a second of this picture, 25 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = grey.shape
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "libx265":
            stream.codec_context.options = {"x265-params": "log-level=none"}
        for _ in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray8")))
        container.mux(stream.encode())
    return path


def test_an_absent_camera_fails(tmp_path: Path) -> None:
    config = with_sources(Config(), (f"top=file:{tmp_path / 'no.mp4'}",))
    (finding,) = doctor.cameras(config, [])
    assert finding.level is Level.FAIL
    assert "no.mp4" in finding.what
    assert "check the path" in finding.advice


def test_a_camera_that_hangs_does_not_hang_the_doctor() -> None:
    woken = threading.Event()

    def hang() -> Look:
        woken.wait(20)
        return look_at(camera("sim:"))

    look = within(0.1, camera("0"), hang)
    woken.set()
    assert look.finding.level is Level.FAIL
    assert "hangs" in look.finding.what
    assert not look.status.up


def test_a_look_that_fails_as_nobody_foresaw_is_told() -> None:
    def fail() -> Look:
        raise ZeroDivisionError("no frames")

    look = within(5, camera("0"), fail)
    assert look.finding.level is Level.FAIL
    assert "ZeroDivisionError: no frames" in look.finding.what


def test_engines_really_read() -> None:
    findings = list(doctor.barcodes())
    assert findings[0].level is Level.OK
    assert findings[0].what.startswith("zxing ")
    assert findings[1].what.startswith("zbar ")
    # without libzbar the bench works on; the doctor says how to get it
    assert findings[1].level is Level.OK or "libzbar" in findings[1].advice


def test_the_encoder_is_tried() -> None:
    config = Config(recording=RecordingConfig(encoder="libx264"))
    assert "libx264 encodes 1080p30" in doctor.encoder(config).what


def test_the_archive_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert doctor.archive_folder(tmp_path / "new" / "archive").level is Level.OK
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    finding = doctor.archive_folder(tmp_path / "file" / "archive")
    assert finding.level is Level.FAIL
    assert finding.advice


def test_the_disk_is_told_in_days(tmp_path: Path) -> None:
    config = with_archive(Config(), tmp_path / "archive")
    told = doctor.disk(config).what
    assert re.fullmatch(r"\d+ GB free: .* of packing left \(days of 8 h, 2 cameras at .*\)", told)
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


def test_the_clock_is_compared_with_a_server_that_is_named() -> None:
    finding = doctor.clock("127.0.0.1:9")
    assert finding.level is Level.WARN
    assert "127.0.0.1:9 does not answer" in finding.what


def test_a_look_that_is_kept_is_evidence_and_another_bench_forbids_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "card.mp4", seen(3.5, size=(1920, 1080)))
    (tmp_path / "config.toml").write_text(
        f"[[camera]]\nname = 'top'\nsource = 'file:{path}?loop=1'\n", encoding="utf-8"
    )
    asked = ["doctor", "--keep", "--config", str(tmp_path / "config.toml")]
    asked += ["--archive", str(tmp_path / "archive")]
    with Archive.open(tmp_path / "archive") as bench:
        bench.hold_bench_lock()
        assert main(asked) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "in use by" in err
        assert bench.checks() == []
    main(asked)
    assert "1 of 1 cameras good, kept as " in capsys.readouterr().out
    with Archive.open(tmp_path / "archive", read_only=True) as archive:
        (check,) = archive.checks()
    assert (check.camera, check.verdict, check.module_mm) == ("top", "good", 0.33)
    assert (tmp_path / "archive" / check.path).stat().st_size == check.size_bytes
    assert main(["doctor", "--keep", "--soak", "1"]) == 2


def test_the_report_covers_every_area(tmp_path: Path) -> None:
    config = with_archive(with_sources(Config(), ("sim:?seed=7&fps=10",)), tmp_path)
    findings = list(doctor.examine(config))
    assert {finding.area for finding in findings} == {
        "camera", "barcode", "encoder", "archive", "disk", "check", "clock", "terminal",
    }  # fmt: skip
    report = to_json(findings)
    assert report["ok"] is all(finding.level is not Level.FAIL for finding in findings)
    for finding in findings:
        assert finding.advice or finding.level is Level.OK
        assert to_text(finding).startswith(finding.level.value.upper())
