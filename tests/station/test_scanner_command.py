"""`packwitness scanner`: the settings that it finds, the file that it writes, its screen."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp

from station.cli import main
from station.config import Config, load_config
from station.config_faults import ConfigError
from station.doctor import scanner as examine_scanner
from station.findings import Level
from station.scanner.config_file import write_settings
from station.scanner.layouts import CapsLock, arrives, layouts
from station.scanner.setup_card import CARD_TEXT, GS

SITE = """\
# The bench by the door
[bench]
name = "door"   # painted on it

[scanner]
# these two carriers only
carriers = ["ups", "usps"]
burst_ms = 50  # the old scanner
"""


def german(text: str) -> str:
    """What a US scanner types on a German computer."""
    known = layouts()
    return "".join(
        sign if sign == GS else arrives(known["us"], known["de"], CapsLock.OFF, sign)
        for sign in text
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


# ---------------------------------------------------------------------------- the file


def test_only_the_scanners_keys_change_and_comments_stay(site: Path) -> None:
    changed = write_settings(site, {"layout": "us-de", "burst_ms": 35, "characters": {"~": GS}})
    assert changed == {
        "layout": (None, "us-de"),
        "burst_ms": (50, 35),
        "characters": (None, {"~": GS}),
    }
    text = site.read_text(encoding="utf-8")
    for line in SITE.splitlines():
        assert line in text or line.startswith("burst_ms")
    assert "burst_ms = 35  # the old scanner" in text
    config = load_config(site)
    assert config.scanner.layout == "us-de"
    assert config.scanner.carriers == ("ups", "usps")
    assert config.bench.name == "door"
    assert site.with_name("config.toml.bak").read_text(encoding="utf-8") == SITE


def test_what_the_file_says_already_is_not_written(site: Path) -> None:
    before = site.stat().st_mtime_ns
    assert write_settings(site, {"burst_ms": 50, "layout": "", "characters": {}}) == {}
    assert site.stat().st_mtime_ns == before
    assert not site.with_name("config.toml.bak").exists()


def test_a_setting_that_no_longer_holds_is_taken_back(site: Path) -> None:
    write_settings(site, {"layout": "us-de"})
    assert write_settings(site, {"layout": ""}) == {"layout": ("us-de", "")}
    assert load_config(site).scanner.layout == ""


def test_a_new_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    write_settings(path, {"terminator": "enter"})
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"scanner": {"terminator": "enter"}}


@pytest.mark.parametrize(
    "broken",
    [
        b"[scanner\n",
        b"\xff\xfe",
        b"scanner = 3\n",
        b"[scanner]\nno_such_key = 1\n",
        b"[bench]\n[bench]\n",
    ],
)
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(broken)
    with pytest.raises(ConfigError):
        write_settings(path, {"layout": "us-de"})
    assert path.read_bytes() == broken
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX's")
def test_a_link_and_the_files_mode_stay(site: Path, tmp_path: Path) -> None:
    site.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(site)
    write_settings(link, {"layout": "us-fr"})
    assert link.is_symlink()
    assert load_config(site).scanner.layout == "us-fr"
    assert stat.S_IMODE(site.stat().st_mode) == 0o640


# ---------------------------------------------------------------------------- the command


def test_what_arrived_is_understood_without_a_screen(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scanner", "--arrived", german(CARD_TEXT), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["scanner"], told["computer"], told["written"]) == ("us", "de", [])
    assert told["settings"]["layout"] == "us-de"
    assert "terminator" not in told["settings"]  # a text says nothing about its keys
    assert site.read_text(encoding="utf-8") == SITE


def test_the_settings_are_written_when_asked_for_and_named(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scanner", "--arrived", german(CARD_TEXT), "--write"]) == 0
    told = capsys.readouterr().out
    assert "scanner United States, computer Germany" in told
    assert f"WRITTEN to {site}" in told.replace("config.toml", str(site))
    assert 'layout = "us-de"' in told
    assert load_config(site).scanner.layout == "us-de"


def test_another_code_writes_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scanner", "--arrived", "1Z999AA10123456784", "--write"]) == 1
    assert "not the set-up card" in capsys.readouterr().out
    assert site.read_text(encoding="utf-8") == SITE


def test_without_a_terminal_one_line_says_so(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scanner"]) == 2
    assert "needs a terminal" in capsys.readouterr().err


def test_devices_are_listed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scanner", "--list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"devices", "notes"}


# ---------------------------------------------------------------------------- settings and doctor


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("device", "'/dev/ttyACM0'", "serial:/dev/ttyACM0"),
        ("layout", "'us-xx'", "SCANNER-COMPUTER"),
        ("characters", "{ ab = 'c' }", "one character"),
        ("terminator", "'return'", "'auto' or 'enter' or 'tab' or 'none'"),
    ],
)
def test_a_wrong_setting_is_answered_with_what_is_allowed(
    tmp_path: Path, key: str, value: str, allowed: str
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(f"[scanner]\n{key} = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=allowed):
        load_config(path)


def test_the_doctor_tells_a_configured_scanner_that_is_missing() -> None:
    assert list(examine_scanner(Config())) == []
    config = Config.model_validate({"scanner": {"device": "serial:/dev/no-such-port"}})
    (finding,) = examine_scanner(config)
    assert finding.level is Level.WARN
    assert "not there: plug it in" in finding.what


# ---------------------------------------------------------------------------- the screen

if sys.platform != "win32":
    from tests.station.ui.pty_screen import Screen

    @pytest.fixture
    def screen(site: Path) -> Iterator[Screen]:
        screen = Screen([sys.executable, "-m", "station.cli", "scanner"], site.parent)
        yield screen
        screen.close()

    def test_the_card_is_scanned_shown_and_written(screen: Screen, site: Path) -> None:
        screen.until("Scan the set-up card")
        for sign in german(CARD_TEXT) + "\r":
            screen.type(sign.encode())
            time.sleep(0.003)
        screen.until("scanner United States, computer Germany")
        screen.until("Code ends   CR")
        screen.until("keys arrived")
        assert site.read_text(encoding="utf-8") == SITE  # nothing before it is asked for
        screen.type(b"\x1b[15~")  # F5
        screen.until("WRITTEN to")
        config = load_config(site)
        assert (config.scanner.layout, config.scanner.terminator) == ("us-de", "enter")
        screen.type(b"\x1b")
        assert screen.ended() == 0

    def test_the_code_on_the_screen_is_the_card() -> None:
        from station.ui.scanner_setup import card_picture

        dots = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}
        rows = card_picture().plain.split("\n")
        grid = [[dots[sign][half] for sign in row] for row in rows for half in (0, 1)]
        picture = np.kron(np.array(grid, np.uint8), np.ones((6, 6), np.uint8))
        (code,) = zxingcpp.read_barcodes(picture)
        assert code.bytes == CARD_TEXT.encode()
        assert len(rows[0]) <= 50
        assert len(rows) <= 25

    def test_the_card_itself_asks_for_nothing(screen: Screen, site: Path) -> None:
        screen.until("Scan the set-up card")
        screen.type(b"\x1b[15~")
        screen.until("Nothing to write yet")
        screen.type(b"12345\x1b[15~\x1b\x11678\r")  # a code that holds the keys of the screen
        screen.until("NOT UNDERSTOOD")
        assert screen.ended(0.5) is None
        assert site.read_text(encoding="utf-8") == SITE
        os.kill(screen.pid, 15)
