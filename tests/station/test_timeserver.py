"""The time server's answer, from a real socket that answers as it is told to."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from station.timeserver import offset_ms


def reply(question: bytes, ahead_s: float, first: int = 0x24, stratum: int = 2) -> bytes:
    """What a server says whose clock is `ahead_s` before ours: version 4, mode 4."""
    now = int((time.time() + 2_208_988_800 + ahead_s) * 2**32) % 2**64
    head = struct.pack("!BBbb", first, stratum, 6, -20) + bytes(20)
    return head + question[40:48] + 2 * struct.pack("!Q", now)


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[bytes], bytes]], str]]:
    """Starts a server that answers so; its address."""
    sockets: list[socket.socket] = []

    def serve(answer: Callable[[bytes], bytes]) -> str:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets.append(server)
        server.bind(("127.0.0.1", 0))

        def run() -> None:
            try:
                question, sender = server.recvfrom(512)
                server.sendto(answer(question), sender)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield serve
    for one in sockets:
        one.close()


@pytest.mark.parametrize("ahead_s", [0.0, 3.25, -7200.5, 40 * 365 * 86_400.0])
def test_the_offset_is_how_fast_this_clock_is(
    serving: Callable[[Callable[[bytes], bytes]], str], ahead_s: float
) -> None:
    # Forty years on, the server's seconds have started over (in 2036).
    apart_ms = offset_ms(serving(lambda question: reply(question, ahead_s)))
    assert apart_ms == pytest.approx(-ahead_s * 1000, abs=500)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda question: b"", id="nothing"),
        pytest.param(lambda question: reply(question, 0)[:40], id="cut off"),
        pytest.param(lambda question: reply(question, 0, stratum=0), id="refused"),
        pytest.param(lambda question: reply(question, 0, stratum=16), id="unsynchronised"),
        pytest.param(lambda question: reply(question, 0, first=0xE4), id="not set"),
        pytest.param(lambda question: reply(question, 0, first=0x23), id="not a server"),
        pytest.param(lambda question: reply(bytes(48), 0), id="to another question"),
    ],
)
def test_an_answer_that_is_none_gives_no_offset(
    serving: Callable[[Callable[[bytes], bytes]], str], answer: Callable[[bytes], bytes]
) -> None:
    assert offset_ms(serving(answer)) is None


def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        began = time.monotonic()
        assert offset_ms(f"127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2) is None
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("server", ["no-such-host.invalid", "127.0.0.1:99999", "a..b", "[::"])
def test_a_server_that_cannot_be_one_gives_no_offset(server: str) -> None:
    assert offset_ms(server, timeout_s=0.2) is None
