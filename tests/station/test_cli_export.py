"""`packwitness export`: for whom, why, by which profile, for one waybill or a list."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from station.cli import main
from storage.archive import Archive
from storage.evidence.verify import verify
from tests.storage.desk import NUMBER, Desk

OTHER = "1Z999AA10123456795"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    with Archive.open(root) as archive:
        desk = Desk(archive)
        desk.pack()
        desk.pack(OTHER)
    return root


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(
    capsys: pytest.CaptureFixture[str], root: Path, *arguments: str | Path
) -> tuple[int, str, str]:
    code = main(["export", *(str(each) for each in arguments), "--archive", str(root)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_a_profile_is_made_for_somebody(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    code, out, _ = run(
        capsys, root, NUMBER, "--profile", "stills-3", "--for", "Carrier", "--reason", "claim 7",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert (code, told["profile"]) == (0, "stills-3")
    folder = Path(told["package"])
    assert {each["name"] for each in told["files"]} < {path.name for path in folder.iterdir()}
    with Archive.open(root, read_only=True) as archive:
        (record,) = archive.disclosures(NUMBER)
    assert (record.recipient, record.reason, record.digest) == (
        "Carrier", "claim 7", told["digest"],
    )  # fmt: skip


def test_what_is_lacking_is_said_in_lines(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    code, out, err = run(capsys, root, NUMBER, "--profile", "ups-damage")
    assert code == 0
    assert Path(out.strip()).is_dir()
    assert "damage" in err
    assert all(line.startswith("packwitness: ") for line in err.splitlines())


def test_the_configuration_names_what_an_export_is_for(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(
        '[evidence]\nprofile = "stills-3"\nrecipient = "Insurer"\n', encoding="utf-8"
    )
    code, out, _ = run(capsys, root, NUMBER)
    assert (code, Path(out.strip()).name) == (0, f"{NUMBER}-stills-3")
    with Archive.open(root, read_only=True) as archive:
        assert archive.disclosures(NUMBER)[0].recipient == "Insurer"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a waybill"),
        ((NUMBER, "--list", "x.csv"), "name a waybill, or a list"),
        ((NUMBER, "--column", "x"), "--column and --again are for --list"),
        ((NUMBER, "--profile", "stills-3", "--out", "x.zip"), "is a file"),
        (("--list", "x.csv", "--out", "x.zip"), "is a file"),
        (("--list", "x.csv", "--redact", "label:0,0,1,1"), "in one waybill's pictures"),
    ],
)
def test_what_does_not_go_together_is_refused(
    capsys: pytest.CaptureFixture[str], root: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = run(capsys, root, *arguments)
    assert code == 2
    assert says in err
    assert not (root / "exports").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((NUMBER, "--profile", "nowhere"), "there is no profile 'nowhere': choose one of complete"),
        ((NUMBER, "--profile", "stills-3", "--redact", "label"), "TARGET:X,Y,W,H"),
        ((NUMBER, "--redact", "label:0.1,0.1,0.2,0.2"), "originals"),
        (("--list", "absent.csv"), "absent.csv: No such file"),
    ],
)
def test_what_cannot_be_is_one_line_and_makes_nothing(
    capsys: pytest.CaptureFixture[str], root: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = run(capsys, root, *arguments)
    assert code == 1
    assert says in err
    assert err.count("\n") == 1
    assert not (root / "exports").exists()


def test_a_region_is_blacked_out_in_the_copy(
    capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    code, out, _ = run(
        capsys, root, NUMBER, "--profile", "stills-3", "--redact", "label:0.1,0.1,0.5,0.5"
    )
    assert code == 0
    names = [path.name for path in Path(out.strip()).iterdir()]
    assert any(name.endswith("-redacted.jpg") for name in names)


def test_a_list_goes_out_with_a_summary(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    (tmp_path / "claims.csv").write_text(
        f"tracking number\n{NUMBER}\n=HYPERLINK(1)\n{OTHER}\n", encoding="utf-8"
    )
    code, out, _ = run(capsys, root, "--list", "claims.csv", "--out", tmp_path / "out")
    assert code == 1, "one of them was not found"
    assert "=HYPERLINK(1): not found" in out
    assert out.splitlines()[-1].startswith("2 of 3 exported; summary: ")
    packages = sorted((tmp_path / "out").glob("*.zip"))
    assert len(packages) == 2
    assert [verify(package) for package in packages] == [[], []]
    code, out, _ = run(capsys, root, "--list", "claims.csv", "--out", tmp_path / "out", "--json")
    told = json.loads(out)
    assert [row["result"] for row in told["rows"]] == ["exported", "not found", "exported"]
    assert sorted((tmp_path / "out").glob("*.zip")) == packages


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_leaves_whole_ones_and_says_how_far_it_came(root: Path, tmp_path: Path) -> None:
    with Archive.open(root) as archive:
        desk = Desk(archive)
        numbers = [f"1Z999AA1012345{number:04}" for number in range(7000, 7030)]
        for number in numbers:
            desk.pack(number)
    (tmp_path / "all.txt").write_text("\n".join(numbers), encoding="utf-8")
    out = tmp_path / "out"
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "station.cli", "export", "--list", "all.txt", "--out", str(out),
         "--archive", str(root)],
        cwd=tmp_path, stdin=slave, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(list(out.glob("*.zip"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert running.returncode == 130
    assert "of 30; " in said
    assert "goes on from there" in said
    packages = list(out.glob("*.zip"))
    assert 2 <= len(packages) < 30
    assert not list(out.glob(".*.part"))
    assert [problem for package in packages for problem in verify(package)] == []
