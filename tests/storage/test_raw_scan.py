"""A raw scan may hold anything: it is kept byte for byte, and can act on nobody who sees it."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.cli import main
from storage.archive import Archive
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.raw_scan import raw_from_hex, raw_to_hex, spelled
from storage.records import CheckDigit, LabelCheck, Session, session_from_json
from tests.storage.desk import NUMBER, Desk

HOSTILE = {
    "nul": f"{NUMBER}\x00; rm -rf",
    "escape": f"\x1b]0;owned\x07\x1b[2J{NUMBER}",
    "right to left": f"{NUMBER}\u202egpj.exe\u2066",
    "half surrogates": f"\ud800{NUMBER}\udc80\udfff",
    "script": f"<script>alert(1)</script>{NUMBER}\"'><img src=x onerror=y>",
    "sql": f"{NUMBER}'); DROP TABLE sessions; --",
    "path": f"../../../../etc/{NUMBER}",
    "lines": f"{NUMBER}\r\nSet-Cookie: x\u2028\x85\x1d",
    "long": "\U0001f4e6\x1b中" * 1_000 + NUMBER,
    "spelled": f"\\x1b \\ud800 \\\\ {NUMBER}",
    "empty": "",
}


def packed(desk: Desk, raw: str) -> Session:
    """A sealed session whose waybill was scanned as `raw`."""
    draft = desk.draft()
    folder = desk.archive.open_session(
        replace(draft, waybill=replace(draft.waybill, raw=raw))
    ).result()
    desk.clip(draft.id, folder)
    return desk.seal(draft.id)


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_scan_is_kept_and_harms_nobody(
    desk: Desk, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: str
) -> None:
    session = packed(desk, raw)
    assert session.waybill.raw == raw
    assert desk.archive.find(NUMBER) == [session]

    manifest = next(root.glob("media/*/*/*/*/session.json")).read_bytes()
    told = json.loads(manifest)
    assert manifest.isascii()
    assert raw_from_hex(told["raw_scan_hex"]) == raw
    assert told["raw_scan"].isprintable()
    assert session_from_json(told) == session

    package = export(desk.archive, [session], tmp_path / "out").path
    with zipfile.ZipFile(package) as opened:
        page = opened.read(f"{package.stem}/index.html").decode()
        names = opened.namelist()
    assert {char for char in page if not char.isprintable()} == {"\n"}
    assert all(harm not in page for harm in ("<script>", "<img src=x"))
    assert all(name.isascii() and ".." not in name for name in names)
    assert verify(root) == verify(package) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [root.name, "out"]

    db = sqlite3.connect(root / "archive.db")
    shown, digits = db.execute("SELECT raw_scan, raw_hex FROM sessions").fetchone()
    db.close()
    assert shown == spelled(raw)
    assert bytes.fromhex(digits).decode("utf-8", "surrogatepass") == raw

    desk.archive.close()
    assert main(["find", NUMBER, "--json", "--archive", str(root)]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    assert {char for char in said if not char.isprintable()} == {"\n"}
    assert raw_from_hex(json.loads(said)[0]["raw_scan_hex"]) == raw


@given(st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]), max_size=200))
def test_hex_gives_back_any_text_and_the_escaped_form_is_printable(raw: str) -> None:
    assert raw_from_hex(raw_to_hex(raw)) == raw
    assert spelled(raw).isprintable()
    assert spelled(spelled(raw)) == spelled(raw)


def test_a_crash_beside_a_hostile_scan_is_repaired(desk: Desk, root: Path) -> None:
    draft = desk.draft()
    waybill = replace(draft.waybill, raw=HOSTILE["nul"], check=CheckDigit.FAILED)
    desk.archive.open_session(replace(draft, waybill=waybill)).result()
    desk.archive.close()
    with Archive.open(root) as archive:
        (recovered,) = archive.recover()
    assert recovered.waybill == waybill
    assert verify(root) == []


def test_the_page_tells_of_the_check_digit_and_of_each_label(desk: Desk, tmp_path: Path) -> None:
    draft = desk.draft()
    waybill = replace(draft.waybill, check=CheckDigit.FAILED)
    folder = desk.archive.open_session(replace(draft, waybill=waybill)).result()
    for number, (check, read) in enumerate(
        [
            (LabelCheck.MISMATCH, "1Z5R89390357567127"),
            (LabelCheck.UNREADABLE, ""),
            (LabelCheck.MATCH, ""),
        ],
        start=1,
    ):
        desk.shot(draft.id, folder, "label", number, check, read)
    sealed = desk.seal(draft.id)
    package = export(desk.archive, [sealed], tmp_path / "out").path
    with zipfile.ZipFile(package) as opened:
        page = opened.read(f"{package.stem}/index.html").decode()
        told = json.loads(opened.read(f"{package.stem}/data/{sealed.id}/session.json"))
    assert "does NOT match the tracking number: it shows <bdi>1Z5R89390357567127</bdi>" in page
    assert "Label could not be read" in page
    assert "Label matches the tracking number" in page
    assert '<span class="alarm"><span class="en">WRONG' in page
    assert told["check_digit"] == "failed"
    assert [shot["label_read"] for shot in told["shots"]] == ["1Z5R89390357567127", "", ""]
