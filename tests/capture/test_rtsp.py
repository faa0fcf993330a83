"""A network camera that is killed, hangs and comes back: a real RTSP server on loopback."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from capture.camera import Camera, CameraSettings
from capture.events import CameraDown, CameraUp
from capture.source import SourceError, open_source, parse_source
from tests.capture.parts import Ear, RtspServer

Servers = Callable[..., RtspServer]
Cameras = Callable[..., Camera]


@pytest.fixture
def camera_of(ear: Ear) -> Iterator[Cameras]:
    started: list[Camera] = []

    def start(url: str, stall_s: float = 2.0) -> Camera:
        settings = CameraSettings("overhead", parse_source(url), pre_roll_s=1, stall_s=stall_s)
        camera = Camera(settings, ear)
        started.append(camera)
        camera.start()
        return camera

    yield start
    for camera in started:
        camera.close()


def test_a_stream_is_read_live_from_its_first_picture_on(rtsp_server: Servers) -> None:
    source = open_source(parse_source(rtsp_server().url))
    began = time.monotonic()
    pictures = [source.read() for _ in range(10)]
    assert time.monotonic() - began > 0.2  # 0.4 s of video; stale ones would come at once
    source.close()
    assert (source.width, source.height, source.fps) == (640, 360, 25.0)
    assert all(picture is not None and picture.shape == (360, 640, 3) for picture in pictures)


def test_the_login_opens_the_stream_and_a_wrong_one_is_not_shown(
    rtsp_server: Servers, capfd: pytest.CaptureFixture[str]
) -> None:
    port = rtsp_server("packer", "k3llerbox").port
    open_source(parse_source(f"rtsp://packer:k3llerbox@127.0.0.1:{port}/bench")).close()
    with pytest.raises(SourceError) as caught:
        open_source(parse_source(f"rtsp://packer:f4lsch@127.0.0.1:{port}/bench"))
    assert "check path, user name and password" in str(caught.value)
    printed = capfd.readouterr()
    for text in (str(caught.value), repr(caught.value), printed.out, printed.err):
        assert "f4lsch" not in text


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
            with pytest.raises(SourceError):
                open_source(parse_source(dead))
            failed.append(time.monotonic())

        thread = threading.Thread(target=open_dead)
        thread.start()
        time.sleep(0.3)
        open_source(parse_source(url)).close()
        assert not failed, "the living camera had to wait for the dead one"
        thread.join(15)
        assert failed, "opening a mute camera did not end"


def test_a_killed_server_is_noticed_and_found_again(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear
) -> None:
    server = rtsp_server()
    camera = camera_of(server.url)
    assert ear.wait(CameraUp).width == 640
    server.kill()
    assert "broke off" in ear.wait(CameraDown, 5).cause
    server.start()
    ear.wait(CameraUp, 15)
    assert camera.status.up


def test_a_server_that_hangs_is_noticed_and_found_again(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear
) -> None:
    server = rtsp_server()
    camera = camera_of(server.url)
    ear.wait(CameraUp)
    os.kill(server.process.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    assert ear.wait(CameraDown, 6).cause == "no picture for 2 s"
    assert time.monotonic() - stopped < 5.5  # OpenCV itself would need 6 s
    os.kill(server.process.pid, signal.SIGCONT)
    ear.wait(CameraUp, 25)
    frames = camera.status.frames
    time.sleep(0.5)
    assert camera.status.frames > frames


def test_pictures_left_over_in_the_decoder_do_not_pass_for_live_ones(
    rtsp_server: Servers, camera_of: Cameras, ear: Ear
) -> None:
    server = rtsp_server()
    camera_of(server.url, stall_s=60)
    ear.wait(CameraUp)
    os.kill(server.process.pid, signal.SIGSTOP)
    assert "stood still for 5 s" in ear.wait(CameraDown, 9).cause


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
