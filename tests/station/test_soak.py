"""A soak runs the true bench: it passes where all is well, and names what is not."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.cli import main
from station.config import Config
from station.soak import SoakError, soak, soak_archive, soak_config
from station.soak_meter import Process, Spread, slope_mb_per_hour
from station.soak_report import CameraTally, Soak
from storage.archive import Archive
from storage.records import Clip, Gap, Kind, Session, Status, Waybill

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 11, 22, 13, 5, tzinfo=dt.UTC)
DISK = "[disk]\nlow_gb = 0.001\nfull_gb = 0.0005\n"


def camera(name: str, source: str) -> str:
    return (
        f'[[camera]]\nname = "{name}"\nsource = "{source}"\nwidth = 320\nheight = 240\nfps = 10\n'
    )


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets a config.toml of this machine."""
    monkeypatch.chdir(tmp_path)


def configured(tmp_path: Path, *cameras: str) -> Path:
    """A configuration whose archive is `tmp_path / "evidence"`."""
    path = tmp_path / "config.toml"
    path.write_text('[archive]\npath = "evidence"\n' + DISK + "".join(cameras), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main(["doctor", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


# ---------------------------------------------------------------------------- the true bench


def test_a_healthy_bench_passes_and_reports_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(
        tmp_path,
        camera("overhead", "sim:?seed=31&view=overhead"),
        camera("side", "sim:?seed=31&view=side"),
    )
    kept = tmp_path / "soaked"
    code, out, err = run(capsys, "--soak", "0.08", "--json", "--archive", kept)
    told = json.loads(out)
    assert (code, told["failed"], told["ok"]) == (0, [], True), err
    assert told["seconds"] >= 4
    assert [one["name"] for one in told["cameras"]] == ["overhead", "side"]
    for one in told["cameras"]:
        assert one["frames"] > 30
        assert one["recorded"] > 20
        assert 8 < one["fps"] < 12
        assert (one["width"], one["height"], one["codecs"]) == (320, 240, ["h264"])
        assert (one["dropped"], one["holes"], one["gaps"], one["outages"]) == (0, 0, [], {})
    assert told["sessions"]["sealed"] >= 2
    assert told["sessions"]["missing_photos"] == 0
    assert told["sessions"]["written_mb"] > 0
    assert {"bench", "overhead", "side"} <= {one["name"] for one in told["processes"]}
    assert all(one["rss_mb"]["end"] > 5 for one in told["processes"])
    assert told["others_cpu_s_per_s"] >= 0
    assert sum(one["cpu_s_per_s"] for one in told["processes"]) > 0
    assert told["key_ms"]["count"] > 3
    assert told["loop_late_ms"]["count"] > 50
    assert told["verify"] == {"ok": True, "problems": []}
    assert not (tmp_path / "evidence").exists()
    with Archive.open(kept, read_only=True) as archive:
        sealed = [one for one in archive.recent(99) if one.status is Status.SEALED]
    assert len(sealed) == told["sessions"]["sealed"]
    assert {len(one.shots) for one in sealed} == {4}


def test_a_camera_that_fails_is_named_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(
        tmp_path,
        camera("top", "sim:?seed=32&fault=lost&after=3"),
        camera("side", "sim:?seed=32&view=side"),
    )
    code, out, err = run(capsys, "--soak", "0.08")
    assert code == 1
    (failed,) = [line for line in err.splitlines() if line.startswith("packwitness: ")]
    assert failed.startswith("packwitness: the soak failed: ")
    assert "top: down" in failed
    assert "the camera was unplugged (simulated)" in failed
    assert "side: " not in failed
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["CAMERA", "top", "side"]
    assert "archive verified: ok" in out
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_the_simulated_bench_lays_parcels_and_reads_them(tmp_path: Path) -> None:
    data = {
        "archive": {"path": tmp_path / "soaked"},
        "disk": {"low_gb": 0.001, "full_gb": 0.0005},
        "camera": [
            {"name": "overhead", "source": "sim:?seed=7&view=overhead", "width": 960,
             "height": 540, "fps": 8, "scan": True},
        ],
    }  # fmt: skip
    report = soak(Config.model_validate(data), 6.0, lambda line: None, simulated=True, parcel_s=5.0)
    assert report.readings >= 1
    assert report.troubles == ()


def test_stopping_by_hand_tells_of_what_ran(tmp_path: Path) -> None:
    configured(tmp_path, camera("overhead", "sim:?seed=33"))
    with subprocess.Popen(
        [sys.executable, "-m", "station.cli", "doctor", "--soak", "60", "--json"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "measuring begins" in line:
                break
        time.sleep(2.0)
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
        try:
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    told = json.loads(stdout)
    assert told["stopped_by_hand"], stderr
    assert (process.returncode, told["failed"]) == (0, [])
    assert told["seconds"] < 60
    assert told["cameras"][0]["frames"] > 5


# ---------------------------------------------------------------------------- where it may write


def test_a_soak_never_writes_where_evidence_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, camera("overhead", "sim:"))
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    for folder, why in (
        (tmp_path / "evidence", "is where evidence is kept"),
        (tmp_path / "evidence" / "soak", "is where evidence is kept"),
        (full, "is not empty"),
    ):
        code, out, err = run(capsys, "--soak", "1", "--archive", folder)
        assert (code, out) == (2, "")
        assert err.startswith(f"packwitness: {folder} {why}: give a soak ")
        assert err.count("\n") == 1
    assert not (tmp_path / "evidence").exists()


def test_a_soak_that_has_no_room_is_refused(tmp_path: Path) -> None:
    config = soak_config(Config(), tmp_path / "evidence")
    huge = config.model_copy(update={"disk": config.disk.model_copy(update={"full_gb": 90_000.0})})
    with (
        pytest.raises(SoakError, match=r"a soak of 2 minutes takes up to 9.*fewer minutes"),
        soak_archive(huge, None, 120),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minutes", ["nan", "0", "-1", "soon"])
def test_wrong_minutes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], minutes: str
) -> None:
    code, out, err = run(capsys, "--soak", minutes)
    assert (code, out) == (2, "")
    assert err.startswith("packwitness: Invalid value for '--soak': ")
    assert err.count("\n") == 1


def test_no_made_up_parcel_waits_for_a_person(tmp_path: Path) -> None:
    config = soak_config(Config(), tmp_path)
    assert config.archive.path == tmp_path
    assert [one.scan for one in config.camera] == [True, False]
    assert config.session.allow_incomplete
    assert config.session.rescan == "beep"
    named = Config.model_validate({"camera": [{"name": "a", "source": "0"}]})
    assert soak_config(named, tmp_path).camera == named.camera


# ---------------------------------------------------------------------------- the verdict


def session(**changes: Any) -> Session:
    clip = Clip(
        "top", 1, "m/top-01.mp4", "h264", 64, 48, NOW, 9_000, 2_000, 90, 0, 1_000_000, "0" * 64
    )
    whole = Session(
        id="01", waybill=Waybill("1Z999AA10123456784", "", None), kind=Kind.PACKING, pass_no=1,
        bench="b", packer="", opened_at=NOW, status=Status.SEALED, clips=(clip,),
    )  # fmt: skip
    return replace(whole, **changes)


def report(tally: CameraTally | None = None, **changes: Any) -> Soak:
    """A soak in which nothing was wrong, but for what is given."""
    whole = session()
    tally = tally or CameraTally("top", up=True, frames=1_000)
    sessions = changes.get("sessions", (whole,))
    for one in sessions:
        tally.count(one)
    fields: dict[str, Any] = {
        "asked_s": 60.0, "seconds": 60.0, "stopped": False, "simulated": False,
        "cameras": (tally,), "sessions": sessions, "readings": 0, "alarms": (),
        "processes": (), "others_cpu": 0.0, "late": Spread(), "keys": Spread(),
    }  # fmt: skip
    return Soak(**{**fields, **changes})


def growing(mb_per_hour: float, seconds: float = 3_600.0) -> Process:
    """A process whose memory jumps while it warms up, and then grows."""
    process = Process("side", 1)
    process.rss_mb = [
        (at_s, (100.0 if at_s < 60 else 300.0) + mb_per_hour * at_s / 3_600 + 2 * (at_s % 4))
        for at_s in range(0, int(seconds), 2)
    ]
    return process


def gap(cause: str) -> Gap:
    return Gap("top", NOW, NOW + dt.timedelta(seconds=1.5), cause)


def test_nothing_wrong_is_no_failure() -> None:
    told = report(processes=(growing(10.0),), alarms=("label_mismatch",)).to_json()
    assert (told["ok"], told["failed"]) == (True, [])
    assert told["cameras"][0]["recorded"] == 90
    assert told["sessions"]["written_mb_per_minute"] == 1.0


@pytest.mark.parametrize(
    ("soaked", "failed"),
    [
        (report(CameraTally("top", frames=9, dropped=2)), "top: 2 frames dropped"),
        (report(CameraTally("top", frames=999, damaged=3)), "top: 3 of 999 frames damaged"),
        (report(CameraTally("top")), "top: never came up: no picture came"),
        (
            report(CameraTally("top", frames=9, outages=["no frame for 2 s"] * 2)),
            "top: down 2 times: no frame for 2 s",
        ),
        (report(sessions=(session(gaps=(gap("why"),)),)), "top: once a gap: why"),
        (
            report(sessions=(session(required_slots=("item", "label")),)),
            "2 photos missing, first of 1Z999AA10123456784: item, label",
        ),
        (report(sessions=()), "no session was sealed"),
        (report(troubles=("X: waited in vain for its seal",)), "X: waited in vain for its seal"),
        (report(errors=("bad: E: e", "bad: E: e")), "logged 2 times: bad: E: e"),
        (report(verified=("media/a: was changed",)), "verify: media/a: was changed"),
        (report(processes=(growing(120.0),)), "the memory of side grows by 120 MB an hour"),
    ],
)
def test_what_is_wrong_is_named(soaked: Soak, failed: str) -> None:
    assert soaked.failures() == [failed]
    assert soaked.to_json()["ok"] is False


def test_a_soak_that_was_stopped_need_not_have_sealed() -> None:
    assert report(sessions=(), stopped=True).failures() == []


def test_memory_is_judged_only_after_it_has_warmed_up() -> None:
    assert slope_mb_per_hour(growing(120.0, 100).rss_mb) is None
    assert slope_mb_per_hour(growing(90.0).rss_mb) == pytest.approx(90.0, abs=1.0)
    assert report(processes=(growing(300.0, 180),)).failures() == []  # 10 MB: noise


def test_times_are_told_to_a_tenth_of_a_millisecond() -> None:
    spread = Spread()
    for tenth in range(1, 1_001):
        spread.add(tenth / 10 - 0.05)
    spread.add(9_000.0)
    assert spread.count == 1_001
    assert spread.within_ms(0.5) == pytest.approx(50.0, abs=0.2)
    assert spread.within_ms(0.95) == pytest.approx(95.1, abs=0.2)
    assert spread.worst_ms == 9_000.0
    assert Spread().within_ms(0.95) == 0.0


def test_the_table_tells_gaps_with_their_causes() -> None:
    text = report(sessions=(session(gaps=(gap("a"), gap("a"), gap("b"))),)).to_text()
    assert "  top: gap, 2 times, 3.0 s: a\n  top: gap, once, 1.5 s: b" in text
