"""Sources as a configuration writes them, and real files read through them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.source import (
    Kind,
    SourceError,
    SourceLost,
    SourceSpec,
    open_source,
    parse_source,
)
from tests.capture.parts import next_picture, number_on, write_video


@pytest.mark.parametrize(
    ("text", "kind", "target", "loop"),
    [
        ("0", Kind.DEVICE, "0", False),
        (" 12 ", Kind.DEVICE, "12", False),
        ("/dev/video2", Kind.DEVICE, "/dev/video2", False),
        ("rtsp://cam.local:554/h264", Kind.STREAM, "rtsp://cam.local:554/h264", False),
        ("HTTP://10.0.0.7/video.mjpg", Kind.STREAM, "HTTP://10.0.0.7/video.mjpg", False),
        ("file:/a/b.mp4", Kind.FILE, "/a/b.mp4", False),
        ("file:b.mp4?loop=1", Kind.FILE, "b.mp4", True),
        ("file:b.mp4?loop=0", Kind.FILE, "b.mp4", False),
        (r"file:C:\Bench 1\x.mp4?loop=1", Kind.FILE, r"C:\Bench 1\x.mp4", True),
        ("file:/two words/50%20off.mp4", Kind.FILE, "/two words/50%20off.mp4", False),
        ("file:///two%20words/x.mp4", Kind.FILE, "/two words/x.mp4", False),
        ("file:///C:/x.mp4", Kind.FILE, "C:/x.mp4", False),
        ("file:/what?.mp4", Kind.FILE, "/what?.mp4", False),
    ],
)
def test_a_source_is_understood(text: str, kind: Kind, target: str, loop: bool) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.target, spec.loop) == (kind, target, loop)


def test_the_simulated_bench_takes_options() -> None:
    spec = parse_source("sim:?seed=7&tracking=1Z999AA10123456784&fps=15&view=side")
    assert spec.sim is not None
    assert (spec.sim.seed, spec.sim.tracking) == (7, "1Z999AA10123456784")
    assert (spec.sim.fps, spec.sim.view) == (15.0, "side")
    assert parse_source("sim:").sim is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Known: 0"),
        ("front camera", "Known: 0"),
        ("video.mp4", "file:PATH"),
        (r"C:\x.mp4", "file:PATH"),
        ("ftp://host/x", "Known: 0"),
        ("rtsp://", "not a network address"),
        ("rtsp://host:port/x", "not a network address"),
        ("rtsp://ho st/x", "not a network address"),
        ("file:", "no file named"),
        ("file:x.mp4?loop=2", "loop=1 or loop=0"),
        ("file:x.mp4?lop=1", "unknown option lop"),
        ("sim:7", "question mark"),
        ("sim:?speed=3", "unknown option speed"),
        ("sim:?seed=x", "seed must be a number"),
        ("sim:?fps=0", "fps must be a number from 1 to 120"),
        ("sim:?view=below", "overhead, side"),
        ("sim:?fault=fire", "freeze, hang, lost, black"),
        ("sim:?tracking=" + "9" * 41, "tracking must be"),
    ],
)
def test_a_wrong_source_is_told_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_source(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60) | st.from_regex(r"(rtsp|file|sim|http)://?.{0,40}"))
def test_any_text_is_a_source_or_an_error(text: str) -> None:
    try:
        spec = parse_source(text)
    except SourceError as error:
        shown = str(error)
    else:
        assert isinstance(spec, SourceSpec)
        shown = str(spec)
    assert shown.isprintable()


SECRET = "Tr0ub4dor"  # noqa: S105


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://admin:{SECRET}@cam/1",
        f"rtsp://{SECRET}:x@cam/1",
        f"rtsp://admin:{SECRET}@cam:99999/1",
        f"rtsp://admin:{SECRET}/x@cam/1",
        f"rtsp://admin:a/{SECRET}@cam/1",
        f"rtsp://admin:a@{SECRET}@cam/1",
        f"rtsp://admin:a?{SECRET}@cam/1",
        f"rtsp://admin:a#{SECRET}@cam/1",
        f"rtsp://admin:12/{SECRET}@cam/1",
        f"rtsp://admin:12/{SECRET}/x@cam/1",
        f"http://cam/x?mail=a@b&pwd={SECRET}",
        f"http://cam/video.cgi?user=admin&pwd={SECRET}",
        f"http://cam/video.cgi?{SECRET}",
        f"http://cam/x#{SECRET}",
        f"rtsp://cam/user=admin_password={SECRET}_channel=1_stream=0.sdp",
        f"rtsps://cam:7441/{SECRET}AbCdEfGh12345",
        f"rtsp://ad min:{SECRET}@cam/1",
        f"rtsp:admin:{SECRET}@cam/1",
        f"rtmp://admin:{SECRET}@cam/1",
        f"admin:{SECRET}@cam",
        f"//admin:{SECRET}@cam",
        f"cam/video?pwd={SECRET}",
        f"rtsp:/admin:{SECRET}@cam/1",
        f"rtsp://admin:{SECRET}\n@cam/1",
        f"rtsp://admin:{SECRET}@",
        f"rtsp://[::1:{SECRET}@cam/1",
    ],
)
def test_credentials_are_never_shown(url: str) -> None:
    try:
        spec = parse_source(url)
    except SourceError as error:
        shown = f"{error} {error!r} {error.text} {error.why} {error.args}"
    else:
        shown = f"{spec} {spec!r} {spec.safe_text}"
    assert SECRET not in shown


@given(password=st.text(min_size=1, max_size=12))
def test_no_password_is_shown_however_it_is_written(password: str) -> None:
    for written in (f"<{password}>", quote(f"<{password}>", safe="")):
        try:
            shown = repr(parse_source(f"rtsp://admin:{written}@cam:554/live"))
        except SourceError as error:
            shown = repr(error)
        assert written not in shown


def test_a_network_camera_can_still_be_told_from_another() -> None:
    shown = str(parse_source("rtsp://admin:pw@10.0.0.7:8554/Streaming/Channels/101?tcp"))
    assert shown == "rtsp://…@10.0.0.7:8554/Streaming/Channels/101?…"


def test_understanding_a_source_loads_no_opencv() -> None:
    program = (
        "import sys; from capture.source import parse_source; parse_source('0');"
        "parse_source('sim:'); sys.exit('cv2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /dev")
@pytest.mark.parametrize(("text", "named"), [("97", "camera 97"), ("/dev/video97", "/dev/video97")])
def test_a_camera_that_does_not_exist(text: str, named: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(parse_source(text))
    assert str(caught.value).startswith(f"{named}: there is no such camera")
    assert "plug" in caught.value.why


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        open_source(parse_source(f"file:{tmp_path}/none.mp4"))


def test_a_file_that_is_no_video(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.mp4").write_bytes(b"not a video" * 1000)
    with pytest.raises(SourceError, match="holds no video"):
        open_source(parse_source(f"file:{tmp_path}/x.mp4"))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "name", ["two words.mp4", "50%20off.mp4", "a%03d.mp4", "what?.mp4", "t:1.mp4"]
)
def test_a_file_with_an_odd_name_is_read(video: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(video.read_bytes())
    source = open_source(parse_source(f"file:{path}"))
    picture = next_picture(source)
    source.close()
    assert number_on(picture) == 0


def test_a_file_is_played_at_its_own_speed_and_then_over(video: Path) -> None:
    source = open_source(parse_source(f"file:{video}"))
    assert (source.width, source.height, source.fps) == (640, 360, 25.0)
    began = time.monotonic()
    numbers = []
    with pytest.raises(SourceLost, match="has ended") as caught:
        while (picture := next_picture(source)) is not None:
            assert picture.shape == (360, 640, 3)
            numbers.append(number_on(picture))
    took_s = time.monotonic() - began
    source.close()
    assert numbers == list(range(50))
    assert 1.9 < took_s < 4  # the last of 50 frames is due after 1.96 s
    assert caught.value.final


def test_a_file_keeps_its_own_time_stamps(tmp_path: Path) -> None:
    path = write_video(tmp_path / "uneven.mp4", [0, 40, 80, 800, 840])
    source = open_source(parse_source(f"file:{path}"))
    at_s = []
    for _ in range(5):
        assert next_picture(source) is not None
        at_s.append(time.monotonic())
    source.close()
    assert at_s[3] - at_s[0] > 0.75
    assert at_s[2] - at_s[0] < 0.6


def test_a_reader_a_little_late_loses_nothing_and_a_late_one_is_brought_in_step(
    video: Path,
) -> None:
    source = open_source(parse_source(f"file:{video}"))

    numbers = [number_on(next_picture(source)) for _ in range(5)]
    time.sleep(0.1)  # two frames and a half
    numbers += [number_on(next_picture(source)) for _ in range(5)]
    assert numbers == list(range(10))
    time.sleep(0.8)  # twenty frames
    after = number_on(next_picture(source))
    assert 20 <= after <= 40
    assert number_on(next_picture(source)) == after + 1
    source.close()


def test_a_looped_file_has_no_end(video: Path) -> None:
    source = open_source(parse_source(f"file:{video}?loop=1"))
    began = time.monotonic()
    numbers = [number_on(next_picture(source)) for _ in range(60)]
    source.close()
    assert numbers == [*range(50), *range(10)]
    assert time.monotonic() - began > 2.2  # the second round is paced as well
