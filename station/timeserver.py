"""How wrong this machine's clock is, by a time server: one question and answer of SNTP.

RFC 5905, sections 7.3 (the packet), 8 (the offset) and 14 (SNTP). One answer is right to about half
of its way there and back, which is a few ms in a house and more than enough to tell a clock that
is not kept right. Knows no camera and no archive; sets no clock.
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from typing import Final

PORT: Final = 123
TIMEOUT_S: Final = 2.0
_PACKET: Final = struct.Struct("!BBbb11I")
_CLIENT: Final = 4 << 3 | 3  # version 4, mode 3
_SERVER_MODE, _UNSYNCHRONISED = 4, 3
_STRATA: Final = range(1, 16)  # 0 is a refusal, 16 an unsynchronised server
_SINCE_1900_S: Final = 2_208_988_800
_WRAP: Final = 1 << 64


def offset_ms(server: str, timeout_s: float = TIMEOUT_S) -> int | None:
    """This machine's clock less that of `server` (`HOST` or `HOST:PORT`), in ms; positive is fast.

    None without a plausible answer in time. Blocks, for the look-up of the name as well.
    """
    name, colon, port = server.rpartition(":")
    host, number = (name, int(port)) if colon and port.isdecimal() else (server, PORT)
    nonce = secrets.randbits(64)  # instead of our time: an answer that repeats it is to us
    question = _PACKET.pack(_CLIENT, *[0] * 12, nonce >> 32, nonce & 0xFFFFFFFF)
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_DGRAM)[
            0
        ]
        with socket.socket(family, kind, proto) as asking:
            asking.settimeout(timeout_s)
            asking.connect(address)
            sent = _now()
            began_ns = time.monotonic_ns()
            asking.send(question)
            answer = asking.recv(512)
            took_ns = time.monotonic_ns() - began_ns
    except (OSError, OverflowError, UnicodeError):
        return None
    arrived = sent + (took_ns << 32) // 1_000_000_000  # the clock may be set meanwhile
    return _offset(answer, nonce, sent, arrived)


def _offset(answer: bytes, nonce: int, sent: int, arrived: int) -> int | None:
    """The offset in ms, or None for an answer that is not one. Times in units of 2**-32 s."""
    if len(answer) < _PACKET.size:
        return None
    first, stratum, *_ = fields = _PACKET.unpack_from(answer)
    echoed, received, replied = (
        fields[at] << 32 | fields[at + 1]
        for at in (len(fields) - 6, len(fields) - 4, len(fields) - 2)
    )
    if first & 7 != _SERVER_MODE or first >> 6 == _UNSYNCHRONISED or stratum not in _STRATA:
        return None
    if echoed != nonce or not replied:
        return None
    ahead = (_apart(received, sent) + _apart(replied, arrived)) // 2
    return round(-ahead * 1000 / (1 << 32))


def _apart(one: int, other: int) -> int:
    """`one` less `other`, right across the year 2036 as well, when the seconds start over."""
    apart = (one - other) % _WRAP
    return apart - _WRAP if apart >= _WRAP // 2 else apart


def _now() -> int:
    """The wall clock as NTP counts it: units of 2**-32 s since 1900."""
    ns = time.time_ns()
    return ((ns // 1_000_000_000 + _SINCE_1900_S) << 32) + (
        ns % 1_000_000_000 << 32
    ) // 1_000_000_000
