"""Deadlines that a person set stay, and what is missing is named, on the command line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from station.cli import main
from storage.archive import Archive
from storage.order import Order
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.desk import NUMBER

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
BY_HAND = "2031-03-30"
Asked = Callable[..., Any]


@pytest.fixture
def archive_path(tmp_path: Path) -> Path:
    """An archive that knows one parcel from its order."""
    with Archive.open(tmp_path / "archive") as archive:
        archive.file_orders([Order("77", (NUMBER,), shipped_at=NOW - DAY)]).result()
    return tmp_path / "archive"


@pytest.fixture
def asked(archive_path: Path, capfd: pytest.CaptureFixture[str]) -> Asked:
    """Runs `packwitness claim ... --json`: what it said."""

    def run(*words: str) -> Any:
        code = main(["claim", *words, "--archive", str(archive_path), "--json"])
        out, err = capfd.readouterr()
        assert code == 0, err
        return json.loads(out)

    return run


def told_of(claim: Any) -> tuple[str, str]:
    return (claim["deadline_at"] or "")[:4], claim["deadline_rule"]


def test_one_that_was_set_after_submission_stays_until_the_next_step(
    asked: Asked, archive_path: Path
) -> None:
    ref = asked("open", NUMBER, "--type", "damage", "--portal", "amazon-ae")["reference"]
    for status in ("submitted", "needs_action"):
        assert told_of(asked("move", ref, status)) == ("", "")
    # They want an answer by then: nothing but having answered takes that away.
    assert told_of(asked("set", ref, f"deadline={BY_HAND}")) == ("2031", "")
    assert told_of(asked("set", ref, "salvage=1.00 USD")) == ("2031", "")
    with Archive.open(archive_path) as archive:
        there = TraceEvent(NOW - DAY, TraceStatus.DELIVERED, "there")
        archive.file_traces([Trace(NUMBER, (there,))]).result()
    assert asked("deadlines") == []
    assert told_of(asked("list", "--due", "9999")[0]) == ("2031", "")
    assert told_of(asked("move", ref, "in_review")) == ("", "")


def test_a_step_brings_its_own_deadline_in_place_of_one_set_by_hand(asked: Asked) -> None:
    ref = asked("open", NUMBER, "--type", "damage", "--portal", "amazon-ae")["reference"]
    assert told_of(asked("set", ref, f"deadline={BY_HAND}")) == ("2031", "")
    assert told_of(asked("move", ref, "submitted")) == ("", "")
    asked("set", ref, f"deadline={BY_HAND}")
    assert asked("move", ref, "rejected")["deadline_rule"] == "amazon-ae-appeal"
    assert told_of(asked("set", ref, f"deadline={BY_HAND}")) == ("2031", "")
    assert asked("set", ref, "deadline=")["deadline_rule"] == "amazon-ae-appeal"


def test_an_appeal_is_listed_while_it_can_be_made(asked: Asked) -> None:
    ref = asked("open", NUMBER, "--type", "damage", "--portal", "amazon-ae")["reference"]
    asked("move", ref, "submitted")
    assert asked("list", "--due", "30") == []
    asked("move", ref, "rejected")
    assert [each["reference"] for each in asked("list", "--due", "30")] == [ref]
    assert asked("list", "--due", "30", "--open") == []
    assert asked("list", "--overdue") == []
    # What nobody appealed against in time is over: nothing can be done about it.
    asked("set", ref, "deadline=2020-01-01")
    assert asked("list", "--overdue") == asked("list", "--due", "30") == []


def test_submitting_names_what_is_missing_in_one_line(
    asked: Asked, archive_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ref = asked("open", NUMBER, "--type", "delay")["reference"]
    asked("log", ref, "They were told")
    assert main(["claim", "move", ref, "submitted", "--archive", str(archive_path)]) == 0
    out, err = capfd.readouterr()
    assert ref in out
    assert err == (
        f"packwitness: {ref}: submitted without: The carrier's whole trace; "
        "The claim form, filled\n"
    )
