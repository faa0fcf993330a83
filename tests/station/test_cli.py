"""The command line as a shell and a script meet it: output, exit codes, one-line faults."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click import Group
from ulid import ULID

from capture import engines
from station import config, config_scanner
from station.cli import cli, main
from storage import files
from storage.archive import Archive
from storage.records import EndReason, Kind, Session, Shot, Status, Waybill

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "archive", "bench", "cards", "check", "checkpoint", "claim", "coverage", "demo", "disclosures",
    "doctor", "export", "file", "find", "head", "history", "hold", "import", "inbox", "keys",
    "mark-test", "note", "people", "profiles", "read", "rebind", "rebuild", "record", "release",
    "retain", "review", "scale", "scanner", "shift", "trace", "verify",
)  # fmt: skip
SAY_NOTHING = {
    ("archive",),
    ("bench",),
    ("keys", "request"),
    ("keys", "root"),
    ("people", "add"),
    ("people", "pin"),
    ("people", "remove"),
}
RECORD = ("record", "--source", "sim:", "--seconds", "1", "--out", "a.mp4")
NOW = dt.datetime(2026, 11, 22, 13, 5, tzinfo=dt.UTC)


def seal(archive: Archive, number: str, minute: int, pass_no: int = 1) -> Session:
    """One packing session with a photo and a clip, sealed."""
    opened = NOW + dt.timedelta(minutes=minute)
    session = Session(
        id=str(ULID.from_datetime(opened)), waybill=Waybill(number, number, None),
        kind=Kind.PACKING, pass_no=pass_no, bench="bench-1", packer="Ana", opened_at=opened,
        required_slots=("item", "label"),
    )  # fmt: skip
    folder = archive.open_session(session).result()
    written = files.write_new(folder / "item.jpg", [b"\xff\xd8 a photo \xff\xd9"])
    archive.add_shot(
        session.id,
        Shot("item", archive.relative(folder / "item.jpg"), "overhead", opened, None, 64, 48,
             written.size_bytes, written.sha256),
    ).result()  # fmt: skip
    files.write_new(folder / "overhead-01.mp4", [b"video" * 1000])
    archive.add_clip(
        session.id, folder / "overhead-01.mp4", camera="overhead", part=1, codec="h264",
        width=64, height=48, started_at=opened, duration_ms=7_000, pre_roll_ms=2_000, frames=70,
        dropped=0,
    ).result()  # fmt: skip
    ended = opened + dt.timedelta(seconds=30)
    return archive.seal(session.id, Status.SEALED, EndReason.FINISH, ended).result()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with two sessions of one waybill and one of another."""
    root = tmp_path_factory.mktemp("kept") / "archive"
    with Archive.open(root) as opened:
        seal(opened, "1Z999AA10123456784", 0)
        seal(opened, "1Z999AA10123456784", 10, pass_no=2)
        seal(opened, "1ZAAAAAA0123456784", 20)
        opened.link_orders([("SHOP-77", "1Z999AA10123456784")]).result()
    return root


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets a config.toml of this machine."""
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command line."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_every_command_has_help_and_the_common_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tuple(sorted(cli.commands)) == COMMANDS
    groups = {name: each.commands for name, each in cli.commands.items() if isinstance(each, Group)}
    told: list[tuple[str, ...]] = [(name,) for name in COMMANDS if name not in groups]
    told += [(name, inner) for name, inside in groups.items() for inner in inside]
    for command in told:
        code, out, _ = run(capsys, *command, "--help")
        assert code == 0
        assert "--config" in out, command
        assert "--archive" in out, command
        assert ("--json" in out) == (command not in SAY_NOTHING), command


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from station.cli import main; main(['--help']); "
        "print([n for n in ('cv2', 'numpy', 'av', 'textual', 'pydantic', 'sqlite_utils') "
        "if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Open the packing bench" in done.stdout
    assert done.stderr.strip() == "[]"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 2
    assert "bench" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fnd"], "No such command 'fnd'"),
        (["find"], "Missing argument 'TEXT'. (see packwitness find --help)"),
        (["find", "x", "--nope"], "No such option '--nope'"),
        (["bench", "--source", "nonsense"], "--source: camera[0].source = 'nonsense': allowed is"),
        (["bench", "--language", "klingon"], "--language: bench.language = 'klingon': allowed is"),
        (["bench", "--config", "no.toml"], "no.toml: cannot be read: No such file"),
        (["cards", "--packer", "a\x1b[2J"], r"no card can say 'PW:PACKER:a\x1b[2J'"),
        (["demo"], "name a new folder for the demo's archive: --archive DIR"),
        (["record", "--seconds", "1", "--out", "a.mp4"], "Missing option '--source'"),
        ([*RECORD, "--record", "mkv"], "Invalid value for '--record': 'mkv' is not one of"),
        ([*RECORD, "--video-height", "63"], "Invalid value for '--video-height': 63 is not in"),
        (["doctor", "--soak", "0"], "Invalid value for '--soak': 0.0 is not in the range"),
    ],
)
def test_a_misused_command_is_told_in_one_line_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith(f"packwitness: {told}")
    assert err.count("\n") == 1


def test_every_fault_of_the_configuration_has_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[disk]\nlow_gb = -1\nful_gb = 3\n")
    code, _, err = run(capsys, "find", "x")
    assert code == 2
    assert err.splitlines() == [
        "packwitness: config.toml: disk.low_gb = -1: allowed is a number from 0 to 100,000",
        "packwitness: config.toml: disk.ful_gb: is no key here; did you mean full_gb?",
    ]


@pytest.mark.parametrize(
    "text", ["1Z999AA10123456784", "1z999aa1 0123456784", "AA10123456784", "SHOP-77"]
)
def test_find_prints_sessions_newest_first(
    capsys: pytest.CaptureFixture[str], archive: Path, text: str
) -> None:
    code, out, err = run(capsys, "find", text, "--archive", archive, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [session["pass_no"] for session in found] == [2, 1]
    first: dict[str, Any] = found[0]
    assert first["tracking_number"] == "1Z999AA10123456784"
    assert first["missing"] == ["label"]
    assert (archive / first["clips"][0]["path"]).is_file()
    code, out, err = run(capsys, "find", text, "--archive", archive)
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["TRACKING", "NUMBER"], ["1Z999AA10123456784", "2"], ["1Z999AA10123456784", "1"],
    ]  # fmt: skip
    assert "missing label" in lines[1]


def test_find_says_what_it_did_not_find(capsys: pytest.CaptureFixture[str], archive: Path) -> None:
    code, out, err = run(capsys, "find", "99999999", "--archive", archive)
    assert (code, out) == (1, "")
    assert err.startswith("packwitness: no session of '99999999' in ")
    code, out, _ = run(capsys, "find", "99999999", "--archive", archive, "--json")
    assert (code, json.loads(out)) == (1, [])


def test_nothing_is_made_where_no_archive_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for command in ("find", "export"):
        code, _, err = run(capsys, command, "12345678", "--archive", tmp_path / "none")
        assert code == 1
        assert err.startswith("packwitness: there is no archive in ")
    assert not (tmp_path / "none").exists()


def test_an_exported_package_verifies_until_a_byte_is_changed(
    capsys: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    number = "1Z999AA10123456784"
    code, out, _ = run(capsys, "export", number, "--archive", archive, "--out", tmp_path, "--json")
    assert code == 0
    told = json.loads(out)
    assert [session["pass_no"] for session in told["sessions"]] == [2, 1]
    package = Path(told["package"])
    assert package.parent == tmp_path
    code, out, _ = run(capsys, "verify", package, "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["problems"]) == (0, True, [])
    signed = told["package"]["root_sha256"]
    assert told["package"]["format"] == "packwitness-evidence-5"
    code, out, _ = run(capsys, "verify", package, "--root", signed.upper())
    assert code == 0
    assert signed[:4].upper() in out
    code, out, _ = run(capsys, "verify", package, "--root", "0" * 64)
    assert code == 1
    code, _, err = run(capsys, "verify", package, "--root", tmp_path / "none.pem")
    assert (code, err.count("\n")) == (1, 1)
    content = bytearray(package.read_bytes())
    content[content.index(b" a photo ")] ^= 1
    package.write_bytes(content)
    code, out, _ = run(capsys, "verify", package, "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    assert any("item.jpg" in problem["path"] for problem in told["problems"])
    code, out, _ = run(capsys, "verify", package)
    assert code == 1
    assert "item.jpg" in out


def test_an_export_without_out_lies_in_the_archive(
    capsys: pytest.CaptureFixture[str], archive: Path
) -> None:
    code, out, err = run(capsys, "export", "1ZAAAAAA0123456784", "--archive", archive)
    assert (code, err) == (0, "packwitness: packing 1: no photo of label\n")
    assert Path(out.strip()).parent == archive / "exports"
    code, out, _ = run(capsys, "verify", "--archive", archive)
    assert (code, out) == (0, f"{archive}: ok\n")


def test_an_export_of_several_waybills_is_refused_with_their_names(
    capsys: pytest.CaptureFixture[str], archive: Path
) -> None:
    code, _, err = run(capsys, "export", "0123456784", "--archive", archive)
    assert code == 2
    assert "1ZAAAAAA0123456784, 1Z999AA10123456784" in err


def test_verify_names_what_is_no_evidence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "verify", tmp_path / "absent", "--json")
    assert code == 1
    assert json.loads(out)["problems"][0]["path"].endswith("absent")


def test_orders_are_imported_and_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, root = tmp_path / "orders.csv", tmp_path / "archive"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [
                ["order_id", "tracking_number"],
                ["A-1", "1Z999AA10123456784"],
                ["A-2", ""],
                ["", "1Z9"],
            ]
        )
    with Archive.open(root) as opened:
        seal(opened, "1Z999AA10123456784", 0)
    code, out, err = run(capsys, "import", path, "--archive", root, "--json")
    assert code == 1
    told = json.loads(out)
    assert (told["new"], told["links"], told["bad"][0]["line"]) == (2, 1, 4)
    assert err == f"packwitness: {path}: line 4 has no order id\n"
    code, out, _ = run(capsys, "find", "A-1", "--archive", root, "--json")
    assert [session["tracking_number"] for session in json.loads(out)] == ["1Z999AA10123456784"]


def test_cards_are_written_as_pdf(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "cards.pdf"
    code, told, _ = run(capsys, "cards", "--out", out, "--packer", "Ana", "--json")
    assert code == 0
    assert json.loads(told)["cards"][-1] == "PW:PACKER:Ana"
    assert out.read_bytes().startswith(b"%PDF-")
    code, _, err = run(capsys, "cards", "--out", tmp_path / "no" / "cards.pdf")
    assert code == 1
    assert err.endswith("cards.pdf: No such file or directory\n")


def test_doctor_tells_every_finding_to_a_script(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('[[camera]]\nname = "top"\nsource = "file:no.mp4"\n')
    code, out, _ = run(capsys, "doctor", "--archive", tmp_path / "archive", "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    (camera,) = (found for found in told["findings"] if found["area"] == "camera")
    assert camera["level"] == "fail"
    assert camera["advice"]


def test_an_error_that_nobody_foresaw_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(config, "load_config", broken)
    code, _, err = run(capsys, "find", "x")
    assert code == 1
    assert err.startswith("packwitness: this should not have happened: ZeroDivisionError")
    assert err.count("\n") == 1
    monkeypatch.setenv("PACKWITNESS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["find", "x"])


def test_the_installed_command_is_this_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"packwitness": "station.cli:program"}


def test_the_configuration_knows_the_symbologies_of_the_engines() -> None:
    assert config_scanner.SYMBOLOGIES == engines.SYMBOLOGIES
    assert config.Config().scanner.symbologies == engines.DEFAULT_SYMBOLOGIES


def test_a_file_name_that_a_terminal_would_obey_is_told_harmlessly(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "archive"
    shutil.copytree(archive, copied)
    folder = next(copied.glob("media/*/*/*/*"))
    (folder / "evil\x1b[31m\nok").touch()
    assert main(["verify", str(copied)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize("option", ["--seconds", "--preroll", "--fps"])
def test_a_number_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    out = tmp_path / "x.mp4"
    assert main(["record", "--source", "sim:", "--seconds", "1", "--out", str(out), option, "nan"])
    assert option in capsys.readouterr().err
    assert not out.exists()


def test_a_stream_is_recorded_as_it_is_coded_or_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ("--width", "320", "--height", "240", "--fps", "15")
    film = tmp_path / "film.mp4"
    code, out, err = run(
        capsys, "record", "--source", "sim:?seed=7", "--seconds", "3", "--out", film, *size,
        "--video-height", "120", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert (code, told["width"], told["height"]) == (0, 160, 120), err
    assert (told["copied"], told["holes"]) == (False, [])
    assert isinstance(told["clock_offset_ms"], int)
    for mode, copied in (("auto", True), ("encode", False)):
        code, out, err = run(
            capsys, "record", "--source", f"file:{film}?loop=1", "--seconds", "1",
            "--out", tmp_path / f"{mode}.mp4", "--record", mode, "--json",
        )  # fmt: skip
        told = json.loads(out)
        assert (code, told["copied"], told["height"]) == (0, copied, 120), err
        assert told["frames"] > 5


@pytest.mark.parametrize("source", ["sim:?seed=none", "sim:?fault=fire", "http://h:port/"])
def test_a_source_that_cannot_be_understood_is_told_before_the_bench_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    assert main(["bench", "--archive", str(tmp_path / "a"), "--source", source]) == 2
    assert "camera[0].source" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def record_with(fault: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`packwitness record` from a simulated camera whose driver has this fault."""
    (folder / "sitecustomize.py").write_text(fault)
    out = str(folder / "x.mp4")
    return subprocess.run(
        [sys.executable, "-m", "station.cli", "record", "--source", "sim:", "--seconds", "1",
         "--out", out],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_log_of_a_thread_is_no_output(tmp_path: Path) -> None:
    """A camera that fails in a way that nobody foresaw is one line, not a traceback."""
    done = record_with(
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "import capture.sim\n"
        "capture.sim.SimSource.read = lambda self: 1 / 0\n",
        tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["packwitness: sim:: reading failed: ZeroDivisionError"]


def test_a_driver_that_never_returns_does_not_abort_the_program(tmp_path: Path) -> None:
    done = record_with(
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "import cv2, numpy, capture.camera, capture.sim\n"
        "def busy(self, *_):\n"
        "    while True:\n"
        "        cv2.GaussianBlur(numpy.zeros((300, 300), numpy.float32), (0, 0), 9)\n"
        "capture.sim.SimSource.__init__ = busy\n"
        "capture.camera._OPEN_LIMIT_S = 0.3\n",
        tmp_path,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == ["packwitness: sim:: does not open within 0.3 s"]
