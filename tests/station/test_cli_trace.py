"""`packwitness trace`: what carriers tell is imported, shown and judged, for people and scripts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from station.cli import main
from storage.archive import Archive
from storage.later import EvidenceGroup
from tests.storage.desk import NUMBER, Desk
from tests.storage.intake.trackings import AFTERSHIP, SEVENTEEN
from tests.storage.leaving_parcels import shipped

DAY = dt.timedelta(days=1)


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def packed(tmp_path: Path, now: dt.datetime) -> None:
    """A parcel that was sold and packed a fortnight ago."""
    with Archive.open(tmp_path / "archive") as archive:
        Desk(archive, now - 14 * DAY).pack()
        shipped(
            archive, "order 7", NUMBER, ordered_at=now - 15 * DAY, at=now - 14 * DAY,
            value_cents=12_345,
        )  # fmt: skip


def seen(tmp_path: Path, *rows: tuple[dt.datetime, str, str], name: str = "trace.csv") -> Path:
    """A file of events of the parcel."""
    lines = [f"{NUMBER},{at.isoformat()},{status},{text}" for at, status, text in rows]
    path = tmp_path / name
    path.write_text("\n".join(["number,time,status,text", *lines]))
    return path


def ask(tmp_path: Path, *words: str) -> int:
    return main(["trace", *words, "--archive", str(tmp_path / "archive")])


def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert ask(tmp_path, *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("packed")
def test_the_whole_way_is_told_on_one_line_a_step(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    path = seen(
        tmp_path,
        (now - 13 * DAY, "InfoReceived", "label made"),
        (now - 12 * DAY, "InTransit", "picked up"),
        (now - 2 * DAY, "Delivered", "on the porch \x1b[2J"),
    )
    assert ask(tmp_path, "import", str(path)) == 0
    assert capsys.readouterr().out == f"{path}: 1 parcels, 3 events, 3 of them new\n"
    assert ask(tmp_path, "import", str(path)) == 0
    assert ", 0 of them new" in capsys.readouterr().out
    assert ask(tmp_path, "show", NUMBER.lower()) == 0
    number, *lines = capsys.readouterr().out.splitlines()
    assert number == NUMBER
    assert [line[21:].strip() for line in lines] == [
        "shop     Ordered (order 7, ·)",
        "shop     Called shipped by the shop (order 7)",
        "bench    Packing began at bench 1, Ann",
        "bench    Sealed at bench 1, complete",
        "carrier  Announced to the carrier: label made",
        "carrier  Handed over to the carrier: picked up",
        "carrier  DELIVERED: on the porch ?[2J",
    ]
    told = asked(tmp_path, capsys, "show", "order 7")
    assert [step["what"] for step in told["steps"]][-2:] == ["handed_over", "Delivered"]
    assert told["trace"]["status"] == "Delivered"
    assert told["sealed"] is True


@pytest.mark.usefixtures("packed")
def test_a_parcel_without_a_session_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(SEVENTEEN))
    assert ask(tmp_path, "import", str(path)) == 1  # one number was refused by the tracker
    assert "data.rejected[0] holds no tracking" in capsys.readouterr().err
    assert ask(tmp_path, "show", "RR123456789CN") == 0
    assert "NO EVIDENCE" in capsys.readouterr().err
    assert ask(tmp_path, "show", "NOWHERE12345") == 1
    assert "no session of" in capsys.readouterr().err


@pytest.mark.usefixtures("packed")
def test_a_dry_run_changes_nothing_and_a_bad_file_leaves_the_others(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    good = seen(tmp_path, (now - DAY, "InTransit", "seen"))
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    assert ask(tmp_path, "import", "--dry-run", str(good)) == 0
    assert "nothing was imported" in capsys.readouterr().out
    assert asked(tmp_path, capsys, "show", NUMBER)["trace"] is None
    assert ask(tmp_path, "import", str(bad), str(good)) == 1
    said = capsys.readouterr()
    assert "bad.json is no file of tracking events" in said.err
    assert len(said.err.splitlines()) == 1
    assert len(asked(tmp_path, capsys, "show", NUMBER)["trace"]["events"]) == 1


@pytest.mark.usefixtures("packed")
def test_a_file_of_one_parcel_is_filed_as_evidence(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    one = seen(tmp_path, (now - DAY, "InTransit", "seen"))
    both = tmp_path / "both.csv"
    both.write_text(one.read_text() + f"\nOTHER0001,{now.isoformat()},InTransit,seen")
    assert ask(tmp_path, "import", "--file", str(one), str(both)) == 0
    said = capsys.readouterr().out
    assert "filed as evidence" in said
    assert "not filed as evidence: it tells of 2 parcels" in said
    with Archive.open(tmp_path / "archive", read_only=True) as archive:
        [(document, number, group)] = archive.documents_of(NUMBER)
        assert (number, group) == (NUMBER, EvidenceGroup.TRACKING_TRACE)
        assert (archive.root / document.path).read_bytes() == one.read_bytes()
        assert archive.documents_of("OTHER0001") == []


@pytest.mark.usefixtures("packed")
def test_times_without_a_zone_are_the_sites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(AFTERSHIP))
    for zone, at in (("Asia/Shanghai", "01:30"), ("America/New_York", "14:30")):
        config.write_text(f'[orders]\ntime_zone = "{zone}"\n')
        assert ask(tmp_path, "import", str(path), "--config", str(config)) == 0
        assert "1 times have no zone" in capsys.readouterr().out
        events = asked(tmp_path, capsys, "show", "9434936105536968782556")["trace"]["events"]
        assert f"2023-12-21T{at}:00.000Z" in [event["at"] for event in events]
    config.write_text('[orders]\ntime_zone = "Middle/Earth"\n')
    assert ask(tmp_path, "import", str(path), "--config", str(config)) == 2
    assert "Middle/Earth" in capsys.readouterr().err


@pytest.mark.usefixtures("packed")
def test_what_may_be_claimed_comes_with_the_command_that_claims_it(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, "proposals") == 0
    assert "no parcel has stood still for 10 days" in capsys.readouterr().err
    path = seen(tmp_path, (now - 12 * DAY, "InTransit", "=1+1\x07"))
    path.write_text(path.read_text() + f"\nWAITING01,{(now - 11 * DAY).isoformat()},Pending,soon")
    assert ask(tmp_path, "import", str(path)) == 0
    capsys.readouterr()
    assert ask(tmp_path, "proposals") == 0
    loss, command, waiting = capsys.readouterr().out.splitlines()
    assert loss.startswith(f"{NUMBER}: loss: has not moved for 12 days, since ")
    assert loss.endswith("; last: =1+1?; worth 123.45 EUR")
    assert command.strip() == f"packwitness claim open {NUMBER} --type loss"
    assert waiting.startswith("WAITING01: not handed over, announced on ")
    told = asked(tmp_path, capsys, "proposals", "--quiet-days", "5")
    assert [each["value_cents"] for each in told["proposals"]] == [12_345]
    assert [each["tracking_number"] for each in told["not_handed_over"]] == ["WAITING01"]
    assert asked(tmp_path, capsys, "proposals", "--quiet-days", "20")["proposals"] == []


@pytest.mark.usefixtures("packed")
def test_a_proposal_says_by_when_its_carrier_wants_to_know(
    tmp_path: Path, now: dt.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[claims]\nrules = "own.toml"\n')
    (tmp_path / "own.toml").write_text(
        '[ours]\nwho = "Our carrier"\ncarriers = ["our-carrier"]\ndo = "claim"\n'
        'starts = ["handed_over"]\nwithin = "30 days"\nsource = "our contract"\n'
        'as_of = "2026-11"\ncertainty = "official"\n'
    )
    path = tmp_path / "trace.csv"
    seen_at = now - 12 * DAY
    path.write_text(
        f"number,time,status,carrier\n{NUMBER},{seen_at.isoformat()},InTransit,Our Carrier"
    )
    assert ask(tmp_path, "import", str(path), "--config", str(config)) == 0
    [told] = asked(tmp_path, capsys, "proposals", "--config", str(config))["proposals"]
    assert (told["deadline_rule"], told["deadline_certainty"]) == ("ours", "official")
    due = dt.datetime.fromisoformat(told["deadline"])
    assert 0 <= (due - (seen_at + 30 * DAY)).total_seconds() < 86_400  # to the end of that day
    assert ask(tmp_path, "proposals", "--config", str(config)) == 0
    assert f"; claim by {due.astimezone():%Y-%m-%d} (Our carrier, official)" in (
        capsys.readouterr().out
    )
