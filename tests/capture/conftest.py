"""Fixtures of the capture tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.capture.parts import Ear, RtspServer, why_no_rtsp, write_video


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 numbered frames at 25 a second."""
    return write_video(tmp_path_factory.mktemp("video") / "bench.mp4", list(range(0, 2000, 40)))


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s of numbered frames at 25 a second, without B-frames, every fifth a key frame."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "5"}
    return write_video(path, list(range(0, 30_000, 40)), options=options)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def rtsp_server() -> Iterator[Callable[..., RtspServer]]:
    """Starts RTSP servers, with the arguments of `RtspServer`, and ends them."""
    if why := why_no_rtsp():
        pytest.skip(why)
    started: list[RtspServer] = []

    def start(*login: str, film: Path | None = None) -> RtspServer:
        started.append(RtspServer(*login, film=film))
        return started[-1]

    yield start
    for server in started:
        server.kill()
