"""`packwitness scale`, with a scale at a real port."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import click
import pytest

if sys.platform == "win32":
    pytest.skip("pseudo terminals are POSIX's", allow_module_level=True)

from station.cli_scale import scale as command
from station.scale.simulated import Shown, SimulatedScale


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*options: str) -> int:
    return int(command.main([*options], standalone_mode=False))


def test_one_weight_for_scripts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with SimulatedScale("cas") as scale:
        scale.show(Shown(Decimal("1.234")))
        site = tmp_path / "config.toml"
        site.write_text(f'[scale]\nport = "serial:{scale.path}?baud=9600"\n', encoding="utf-8")
        assert run("--json") == 0
        assert json.loads(capsys.readouterr().out) == {
            "port": f"serial:{scale.path}?baud=9600",
            "protocol": "cas",
            "grams": 1_234,
            "stable": True,
        }


def test_what_never_rests_fails_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with SimulatedScale("and") as scale:
        scale.show(Shown(Decimal(0), fault="overload"))
        assert run("--json", "--port", f"serial:{scale.path}", "--seconds", "0.6") == 1
        said = json.loads(capsys.readouterr().out)
        assert (said["grams"], said["stable"]) == (None, False)
        assert "overload" in said["why"]
    with SimulatedScale("and") as scale:
        scale.show(Shown(Decimal("0.5"), stable=False))
        assert run("--port", f"serial:{scale.path}", "--seconds", "0.6") == 1
        out, err = capsys.readouterr()
        assert out.split() == ["500", "g", "moving"]
        assert "it speaks and" in err
        assert "never came to rest" in err


def test_a_simulated_one_is_shown_live(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--simulate", "toledo", "--seconds", "2.8") == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()[:3]] == [
        ["0", "g", "at", "rest"],
        ["871", "g", "moving"],
        ["1234", "g", "at", "rest"],
    ]
    assert "it speaks toledo" in err


def test_a_port_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--port", "serial:/dev/no-such-scale", "--seconds", "0.3") == 1
    assert "plug it in" in json.loads(capsys.readouterr().out)["why"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "no scale is named"),
        (["--port", "COM"], "serial:/dev/tty"),
        (["--port", "serial:/dev/x?baud=fast"], "baud=300"),
        (["--port", "serial:/dev/x", "--simulate", "cas"], "leave --port out"),
        (["--protocol", "morse"], "morse"),
    ],
)
def test_what_is_asked_wrongly_is_answered(options: list[str], says: str) -> None:
    with pytest.raises(click.UsageError, match=says.replace("?", r"\?")):
        run(*options)
