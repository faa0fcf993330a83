"""A network camera that is killed, hangs and comes back: a real RTSP server on loopback."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture.camera import Camera
from capture.events import CameraDown, CameraUp
from capture.frame import Yuv
from capture.settings import CameraSettings
from capture.source import Sample, SourceError, SourceLost, open_source, parse_source
from tests.capture.numbered import number_in
from tests.capture.parts import (
    Ear,
    RtspServer,
    next_picture,
    number_on,
    numbers_copied,
    read_all,
)

Servers = Callable[..., RtspServer]
Cameras = Callable[..., Camera]


@pytest.fixture
def camera_of(ear: Ear) -> Iterator[Cameras]:
    started: list[Camera] = []

    def start(url: str, stall_s: float = 2.0, record: str = "encode") -> Camera:
        settings = CameraSettings(
            "overhead", parse_source(url), pre_roll_s=1, stall_s=stall_s, record=record
        )
        camera = Camera(settings, ear)
        started.append(camera)
        camera.start()
        return camera

    yield start
    for camera in started:
        camera.close()


def test_a_stream_is_read_live_from_its_newest_picture_on(rtsp_server: Servers, film: Path) -> None:
    source = open_source(parse_source(rtsp_server(film=film).url))
    began = time.monotonic()
    numbers = [number_on(next_picture(source)) for _ in range(20)]
    assert 0.5 < time.monotonic() - began < 1.5  # 0.8 s of video; stale ones would come at once
    source.close()
    assert (source.width, source.height, source.fps) == (640, 360, 25.0)
    assert 0 < numbers[0] < 25, "what came while it was opened is stale"
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert source.codec == ""


def test_a_stream_is_copied_from_its_newest_key_frame_on(rtsp_server: Servers, film: Path) -> None:
    source = open_source(parse_source(rtsp_server(film=film).url), record="auto")
    samples = read_all(source, 60)
    source.close()
    assert (source.codec, source.width, source.height, source.fps) == ("h264", 640, 360, 25.0)
    numbers = numbers_copied(samples)
    assert 0 < numbers[0] < 25, "what came while it was opened is stale"
    assert numbers[0] % 5 == 0
    assert numbers == list(range(numbers[0], numbers[0] + 60))
    for number, sample in zip(numbers, samples, strict=True):
        assert sample.packet is not None
        assert sample.packet.key == (number % 5 == 0) == (sample.picture is not None)
        assert sample.packet.delay_ns == 0
    picture = samples[0].picture
    assert isinstance(picture, Yuv)
    assert number_in(picture.i420[:360]) == numbers[0]


@pytest.mark.parametrize("record", ["encode", "copy"])
def test_a_stream_that_is_joined_between_two_key_frames_begins_at_the_next(
    rtsp_server: Servers, record: str
) -> None:
    spec = parse_source(rtsp_server().url)
    first = open_source(spec)  # all clients see the same live picture
    second = open_source(spec, record=record)
    samples = read_all(second, 5)
    first.close()
    second.close()
    assert isinstance(samples[0].picture, Yuv)
    assert Sample() not in samples
    assert record == "encode" or (samples[0].packet is not None and samples[0].packet.key)


def test_the_login_opens_the_stream_and_a_wrong_one_is_not_shown(
    rtsp_server: Servers, capfd: pytest.CaptureFixture[str]
) -> None:
    port = rtsp_server("packer", "k3llerbox").port
    open_source(parse_source(f"rtsp://packer:k3llerbox@127.0.0.1:{port}/bench")).close()
    with pytest.raises(SourceError) as caught:
        open_source(parse_source(f"rtsp://packer:f4lsch@127.0.0.1:{port}/bench"))
    assert "user name or password refused" in str(caught.value)
    assert caught.value.__context__ is None  # FFmpeg's error holds the address
    printed = capfd.readouterr()
    for text in (str(caught.value), repr(caught.value), printed.out, printed.err):
        assert "f4lsch" not in text


def test_a_path_that_the_camera_does_not_have(rtsp_server: Servers) -> None:
    with pytest.raises(SourceError, match="the camera has no such path"):
        open_source(parse_source(rtsp_server().url + "/2"))


def test_nobody_on_that_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        with pytest.raises(SourceError, match="nothing answers on port"):
            open_source(parse_source(f"rtsp://127.0.0.1:{taken.getsockname()[1]}/bench"))


def test_one_camera_that_does_not_answer_holds_up_no_other(rtsp_server: Servers) -> None:
    url = rtsp_server().url
    with socket.socket() as mute:  # accepts, and never says a word
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        dead = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/bench"
        failed: list[float] = []

        def open_dead() -> None:
            with pytest.raises(SourceError, match="no answer within 5 s"):
                open_source(parse_source(dead))
            failed.append(time.monotonic())

        thread = threading.Thread(target=open_dead)
        thread.start()
        time.sleep(0.3)
        open_source(parse_source(url)).close()
        assert not failed, "the living camera had to wait for the dead one"
        thread.join(15)
        assert failed, "opening a mute camera did not end"


@pytest.mark.parametrize("record", ["encode", "copy"])
def test_a_killed_server_is_noticed_and_found_again(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear, record: str
) -> None:
    server = rtsp_server()
    camera = camera_of(server.url, record=record)
    assert ear.wait(CameraUp).width == 640
    server.kill()
    assert "broke off" in ear.wait(CameraDown, 5).cause
    server.start()
    ear.wait(CameraUp, 15)
    assert camera.status.up


@pytest.mark.parametrize("record", ["encode", "copy"])
def test_a_server_that_hangs_is_noticed_and_found_again(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear, record: str
) -> None:
    server = rtsp_server()
    camera = camera_of(server.url, record=record)
    ear.wait(CameraUp)
    os.kill(server.process.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    assert ear.wait(CameraDown, 6).cause == "no picture for 2 s"
    assert time.monotonic() - stopped < 5.5  # reading itself would end after 5 s
    os.kill(server.process.pid, signal.SIGCONT)
    ear.wait(CameraUp, 25)
    frames = camera.status.frames
    time.sleep(0.5)
    assert camera.status.frames > frames


def test_what_was_left_over_in_the_parser_does_not_pass_for_live(
    rtsp_server: Servers, film: Path
) -> None:
    server = rtsp_server(film=film)
    source = open_source(parse_source(server.url))
    numbers = [number_on(next_picture(source)) for _ in range(10)]
    os.kill(server.process.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    last = time.monotonic()
    with pytest.raises(SourceLost, match="stood still for 5 s") as caught:
        while True:
            numbers.append(number_on(next_picture(source)))
            last = time.monotonic()
    assert last - stopped < 1
    assert time.monotonic() - stopped < 7
    assert not caught.value.final
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    os.kill(server.process.pid, signal.SIGCONT)
    source.close()
    source = open_source(parse_source(server.url))
    assert number_on(next_picture(source)) < 25  # the server is asked anew
    source.close()


def test_a_camera_that_is_not_there_yet_comes_up_when_it_is(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear
) -> None:
    server = rtsp_server()
    server.kill()
    camera = camera_of(server.url)
    assert "nothing answers" in ear.wait(CameraDown).cause
    server.start()
    ear.wait(CameraUp, 15)
    assert ear.count(CameraDown) == 1
    assert camera.status.cause == ""
