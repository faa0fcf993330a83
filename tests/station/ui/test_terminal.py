"""A thousand scans typed into a real terminal, as fast as it takes them: none lost, none merged."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminal of this kind", allow_module_level=True)

from station.simulated import ups_numbers
from tests.station.ui.terminal import terminal

SCANS = 1_000
ENDS = ("\r", "\r", "\r", "\n", "\t", "\r\n")


def codes(count: int) -> list[str]:
    """Waybills, cards, product codes, GS1 data, long codes and refuse."""
    chance, numbers = random.Random(11), ups_numbers(11)
    made = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.7:
            made.append(next(numbers))
        elif kind < 0.8:
            made.append(chance.choice(["PW:PHOTO", "PW:FINISH", "PW:OK", "PW:NO", "PW:RETURN"]))
        elif kind < 0.9:
            made.append(f"]C10100{chance.randrange(10**14):014d}\x1d21{chance.randrange(10**9)}")
        elif kind < 0.95:
            made.append("".join(chance.choices("ABCDEF0123456789-./", k=140)))
        else:
            made.append(chance.choice(["4006381333931", "=1+1", "../../etc", "x"]))
    return made


@pytest.mark.parametrize(
    "options", [(), ("--stall",), ("--alarm",), ("--film", "--stall")], ids=str
)
def test_a_thousand_scans_at_full_speed_arrive_as_they_were(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    scans, chance = codes(SCANS), random.Random(5)
    if "--alarm" in options:
        scans = [code for code in scans if code != "PW:OK"]
    with terminal(tmp_path / "log", *options) as bench:
        bench.type("".join(code + chance.choice(ENDS) for code in scans).encode())
        bench.wait_for("scan", len(scans), 120)
        assert [text for _, text in bench.notes("scan")] == scans
    assert bench.notes("dialog")[0][1] is ("--alarm" in options)


def test_scans_without_a_terminator_arrive_while_the_screen_stalls(tmp_path: Path) -> None:
    scans = [code for code in codes(40) if len(code) > 12][:15]
    with terminal(tmp_path / "log", "--stall") as bench:
        for place, code in enumerate(scans, 1):
            bench.type(code.encode())
            bench.wait_for("scan", place, 10)
        assert [text for _, text in bench.notes("scan")] == scans


def test_codes_with_terminal_escapes_neither_quit_nor_reach_the_next_scan(tmp_path: Path) -> None:
    hostile = [
        "\x11",
        "AB\x11\x03CD",
        "1Z\x1b[A9",
        "\x1b[24~1Z999",
        "9\x1b[<0;60;33M9",
        "A\x1b]0;x\x07",
    ]
    with terminal(tmp_path / "log", "--alarm") as bench:
        for place, code in enumerate(hostile, 1):
            bench.type(code.encode() + b"\r")
            bench.type(b"1Z999AA10123456784\r")
            bench.wait_for("scan", 2 * place, 10)
        texts = [text for _, text in bench.notes("scan")]
        assert texts[1::2] == ["1Z999AA10123456784"] * len(hostile)
        assert not any(text.isalnum() for text in texts[::2])
        assert bench.program.poll() is None
