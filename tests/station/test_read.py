"""`packwitness read` on real files: what it says, what it does not let through, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp

from station.cli import main
from station.meaning import REASONS
from station.waybill import Reason
from tests.capture.image_files import NUMBER, Picture, bomb_png, cmyk_jpeg, label

COMMAND = [sys.executable, "-m", "station.cli", "read"]
ROOT = Path(__file__).parents[2]
KEYS = {
    "text", "symbology", "polygon", "engine", "tracking_number", "carrier", "check", "raw_hex",
}  # fmt: skip
HOSTILE = {
    "nul": "A\0B",
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "right to left": "\u202e87654321Z1",
    "formula": "=1+1",
    "path": "../../etc/passwd",
    "digits": "7" * 7000,
    "lines": "one\r\ntwo",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets a config.toml of this machine."""
    monkeypatch.chdir(tmp_path)


def draw(name: str, content: str | bytes = NUMBER, symbology: str = "Code128", **more: Any) -> Path:
    return write(name, label(content, symbology, **more))


def write(name: str, image: Picture) -> Path:
    path = Path(name)
    written, data = cv2.imencode(path.suffix, image)
    assert written
    path.write_bytes(data.tobytes())
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `packwitness read`."""
    code = main(["read", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def run_json(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, list[dict[str, Any]], str]:
    code, out, err = run(capsys, "--json", *arguments)
    assert out.isascii()  # whatever a terminal or a pipe is set to
    listed: list[dict[str, Any]] = json.loads(out)
    for entry in listed:
        assert {"file", "readings", "ms"} <= set(entry)
        for reading in entry["readings"]:
            assert set(reading) == KEYS
            reading["text"].encode()  # no half characters, at which other parsers stumble
    return code, listed, err


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)  # type: ignore[attr-defined] # by system


# ---------------------------------------------------------------------------- what is said


def test_a_reading_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    code, (entry,), _ = run_json(capsys, draw("label.png"))
    assert code == 0
    assert entry["file"] == "label.png"
    assert entry["ms"] > 0
    (reading,) = entry["readings"]
    assert reading["text"] == reading["tracking_number"] == NUMBER
    assert (reading["symbology"], reading["carrier"], reading["check"]) == ("Code128", "ups", "ok")
    assert reading["engine"] == "zxing"
    assert bytes.fromhex(reading["raw_hex"]).decode() == NUMBER
    (left, top), _, (right, bottom), _ = reading["polygon"]
    code_in = label() < 128
    columns, rows = np.flatnonzero(code_in.any(0)), np.flatnonzero(code_in.any(1))
    assert [left, right] == pytest.approx([columns[0], columns[-1]], abs=5)
    assert rows[0] - 5 <= top < bottom <= rows[-1] + 5


def test_the_number_within_a_text_is_told_and_whether_its_check_digit_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    usps = draw("usps.png", "420787459400111206206406260787")
    wrong = draw("wrong.png", "1Z999AA10123456785")
    _, (first, second), _ = run_json(capsys, usps, wrong)
    assert first["readings"][0]["tracking_number"] == "9400111206206406260787"
    assert first["readings"][0]["check"] == "ok"
    assert second["readings"][0]["check"] == "failed"
    _, out, _ = run(capsys, usps, wrong)
    assert "9400111206206406260787, usps, check digit ok" in out
    assert "CHECK DIGIT WRONG" in out


def test_what_is_no_waybill_is_told_as_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    product = draw("product.png", "6901234567892", "EAN13")
    card = draw("card.png", "PW:FINISH")
    code, out, _ = run(capsys, "--symbology", "EANUPC", "--symbology", "Code128", product, card)
    assert code == 0
    assert "6901234567892" in out
    assert "a product code" in out
    assert "command card FINISH" in out
    _, (entry, _), _ = run_json(capsys, "--symbology", "EANUPC", product, card)
    assert entry["readings"][0]["tracking_number"] is None
    assert set(REASONS) == set(Reason)


def test_nothing_read_is_no_fault_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    write("blank.png", np.full((90, 90), 255, np.uint8))
    assert run(capsys, "blank.png") == (0, "blank.png: nothing read\n", "")
    code, (entry,), _ = run_json(capsys, "blank.png")
    assert (code, entry["readings"]) == (0, [])


def test_only_the_wished_symbologies_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    path = draw("label.png")
    _, (entry,), _ = run_json(capsys, "--symbology", "QRCode", path)
    assert entry["readings"] == []
    code, out, err = run(capsys, "--symbology", "Code129", path)
    assert (code, out) == (2, "")
    assert "'Code129'" in err
    assert "'Code128'" in err
    Path("config.toml").write_text('[scanner]\nsymbologies = ["QRCode"]\n')
    _, (entry,), _ = run_json(capsys, path)
    assert entry["readings"] == []
    Path("config.toml").write_text('[scanner]\ncarriers = ["usps"]\n')
    _, (entry,), _ = run_json(capsys, path)
    assert entry["readings"][0]["carrier"] != "ups"


def test_the_times_of_loading_and_of_reading_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = draw("label.png")
    _, (entry,), _ = run_json(capsys, "--timing", path)
    parts = entry["timing"]
    assert parts["load_ms"] > 0
    assert parts["read_ms"] > parts["load_ms"]
    assert entry["ms"] == pytest.approx(parts["load_ms"] + parts["read_ms"], abs=0.2)
    _, out, _ = run(capsys, "--timing", path)
    assert " ms: loaded " in out.splitlines()[1]


def test_a_folder_stands_for_the_pictures_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    Path("photos/deeper.jpg").mkdir()
    Path("photos/notes.txt").write_text("no picture")
    for name in ("photos/b.PNG", "photos/a.jpg", "photos/.hidden.png"):
        draw(name)
    code, listed, err = run_json(capsys, "photos")
    assert [Path(entry["file"]).name for entry in listed] == ["a.jpg", "b.PNG"]
    assert (code, err) == (0, "")
    Path("empty").mkdir()
    code, listed, err = run_json(capsys, "empty", "photos/a.jpg")
    assert code == 1
    assert err == "packwitness: empty: holds no pictures; name a folder that does, or the files\n"
    assert [bool(entry["readings"]) for entry in listed] == [False, True]


def test_what_cannot_be_asked_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (
        [], ["a.png", "--live", "sim:"], ["a.png", "--seconds", "3"],
        ["--live", "sim:", "--timing"], ["--live", "sim:", "--seconds", "nan"],
    ):  # fmt: skip
        code, out, err = run(capsys, *wrong)
        assert (code, out, err.count("\n")) == (2, "", 1), wrong


# ---------------------------------------------------------------------------- bad files


def test_each_bad_file_costs_one_line_and_the_rest_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = draw("whole.jpg").read_bytes()
    bad = {
        "empty.jpg": b"", "cut.jpg": whole[: len(whole) // 2], "words.png": b"not a picture\n",
        "bomb.png": bomb_png(),
    }  # fmt: skip
    for name, data in bad.items():
        Path(name).write_bytes(data)
    deep = label().astype(np.uint16) * 257
    write("deep.png", deep)
    Path("press.jpg").write_bytes(cmyk_jpeg(label(scale=8)))
    glass = np.zeros((*label().shape, 4), np.uint8)
    glass[..., 3] = 255 - label()
    write("glass.png", glass)
    good = ["deep.png", "press.jpg", "glass.png", "whole.jpg"]
    names = [name for pair in zip([*bad], good, strict=True) for name in pair]
    code, listed, err = run_json(capsys, *names, "absent.png")
    assert code == 1
    assert [entry["file"] for entry in listed] == [*names, "absent.png"]
    for entry in listed:
        if entry["file"] in good:
            assert [reading["text"] for reading in entry["readings"]] == [NUMBER], entry
            assert "error" not in entry
        else:
            assert entry["readings"] == []
            assert f"packwitness: {entry['file']}: {entry['error']}\n" in err
    assert err.count("\n") == len(bad) + 1
    assert "please report" not in err  # each is known for what it is
    code, out, plain_err = run(capsys, *names, "absent.png")
    assert (code, plain_err) == (1, err)
    assert [line.split(":")[0] for line in out.splitlines()] == good


def test_an_engine_that_fails_on_one_file_costs_this_file_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = zxingcpp.read_barcodes

    def failing(picture: Any, *arguments: Any, **more: Any) -> Any:
        if picture.shape[0] == 77:
            raise RuntimeError("an engine's own fault")
        return real(picture, *arguments, **more)

    monkeypatch.setattr(zxingcpp, "read_barcodes", failing)
    write("odd.png", np.full((77, 2000), 255, np.uint8))
    code, listed, err = run_json(capsys, "odd.png", draw("label.png"))
    assert code == 1
    assert err.startswith("packwitness: odd.png: could not be read (RuntimeError); ")
    assert [len(entry["readings"]) for entry in listed] == [0, 1]


def test_names_of_all_kinds_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["面单 1.png", "it's #1 %20.png", "-dash.png"]
    if os.name != "nt":
        names += ['say "hi".png', "a\x1b[31mred\nline.png"]
    for name in names:
        draw(name)
    code, listed, _ = run_json(capsys, "--", *names)
    assert code == 0
    assert [entry["file"] for entry in listed] == names
    _, out, _ = run(capsys, "--", *names)
    assert "\x1b" not in out
    assert len(out.splitlines()) == len(names)
    assert len({line.index("Code128") + line.count("面") + line.count("单")
                for line in out.splitlines()}) == 1  # fmt: skip # wide signs take two columns


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names are text here")
def test_a_name_that_is_no_text_is_told_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    path = Path(os.fsdecode(b"\xff\xfe.png"))
    draw("label.png").rename(path)
    done = subprocess.run(
        [*COMMAND, "--json", path, b"\xff"], capture_output=True, check=False, env={**os.environ}
    )
    assert done.returncode == 1
    read, missing = json.loads(done.stdout)
    assert read["file"] == "\ufffd\ufffd.png"
    assert len(read["readings"]) == 1
    assert missing["file"] == "\ufffd"
    assert b"there is no such file" in done.stderr


# ---------------------------------------------------------------------------- hostile codes


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("symbology", ["QRCode", "PDF417"])
def test_hostile_text_leaves_whole_and_harmless(
    capsys: pytest.CaptureFixture[str], kind: str, symbology: str
) -> None:
    text = HOSTILE[kind]
    if symbology == "PDF417":
        text = text[:1500]
    path = draw("hostile.png", text, symbology)
    code, (entry,), _ = run_json(capsys, path)
    assert code == 0
    (reading,) = entry["readings"]
    assert reading["text"] == text
    assert bytes.fromhex(reading["raw_hex"]).decode() == text
    assert reading["tracking_number"] is None
    code, out, err = run(capsys, path)
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.isprintable()
    assert len(line) < 160
    assert sorted(Path().iterdir()) == [path]  # and no text became a file


def test_bytes_that_are_no_text_leave_as_valid_json(capsys: pytest.CaptureFixture[str]) -> None:
    path = draw("bytes.png", b"\xff\xfe\x00\x80\xc3\x28\xed\xa0\x80", "DataMatrix", scale=6)
    code, (entry,), _ = run_json(capsys, path)
    assert code == 0
    (reading,) = entry["readings"]
    assert reading["tracking_number"] is None
    assert len(bytes.fromhex(reading["raw_hex"])) >= 9
    code, out, _ = run(capsys, path)
    assert code == 0
    assert out.removesuffix("\n").isprintable()


def test_half_a_character_is_kept_in_hex_alone() -> None:
    from capture.events import Reading
    from station.meaning import on_one_line, to_json
    from station.waybill import WaybillRules

    reading = Reading("1\ud83d2", "QRCode", ((0, 0), (1, 0), (1, 1), (0, 1)), "zxing", 0)
    told = to_json(reading, WaybillRules())
    assert told["text"] == "1\ufffd2"
    assert bytes.fromhex(told["raw_hex"]).decode("utf-8", "surrogatepass") == reading.text
    assert on_one_line(reading, WaybillRules()).isprintable()


# ---------------------------------------------------------------------------- how it ends


def copies(count: int) -> list[str]:
    data = draw("label.png").read_bytes()
    names = [f"copy-{number:03}.png" for number in range(count)]
    for name in names:
        Path(name).write_bytes(data)
    return names


def test_nothing_is_held_back_until_the_end() -> None:
    with subprocess.Popen([*COMMAND, *copies(80)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert NUMBER in process.stdout.readline()
        assert process.poll() is None  # long before the last
        process.kill()


@pytest.mark.parametrize("as_json", [True, False])
def test_ctrl_c_leaves_what_was_read_whole(as_json: bool) -> None:
    with subprocess.Popen(
        [*COMMAND, *(["--json"] if as_json else []), *copies(300)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(3)]
        interrupt(process)
        assert process.stderr is not None
        rest, stderr = process.stdout.read(), process.stderr.read()
        assert process.wait(30) == 130
    assert stderr.strip() == "packwitness: stopped"
    out = "".join(head) + rest
    if as_json:
        assert 2 <= len(json.loads(out)) < 300
    else:
        assert all(line.startswith("copy-") and NUMBER in line for line in out.splitlines())


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_has_enough_is_no_fault_to_talk_about() -> None:
    with subprocess.Popen(
        [*COMMAND, *copies(30)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(30) == 1


def test_it_starts_in_time_for_a_script() -> None:
    began = time.monotonic()
    subprocess.run([*COMMAND, draw("label.png")], check=True, capture_output=True)
    assert time.monotonic() - began < 30  # it hangs nowhere at its end either
