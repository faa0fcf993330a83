"""`packwitness claim`: from open to paid, looked at, given out; what is wrong changes nothing."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest

from station.cli import main
from storage.archive import Archive
from storage.claims.claim import ClaimType
from storage.later import EvidenceGroup, Role
from storage.order import Item, Order
from storage.trace import Trace, TraceEvent, TraceStatus
from tests.storage.claims.forms import carrier_form
from tests.storage.desk import NUMBER, Desk

HOSTILE = "=cmd|'x'!A1\x1b[2J\x07\x9b2J"
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with one packed parcel and its order."""
    path = tmp_path_factory.mktemp("packed") / "archive"
    with Archive.open(path) as archive:
        Desk(archive, NOW - 2 * DAY).pack()
        item = Item("LAMP", HOSTILE, 2, price_cents=615)
        order = Order(
            "77", (NUMBER,), (item,), currency="USD", value_cents=1_230, insured_cents=1_000,
            customer=HOSTILE, shipped_at=NOW - DAY,
        )  # fmt: skip
        archive.file_orders([order]).result()
    return path


@pytest.fixture
def archive_path(packed: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    return shutil.copytree(packed, tmp_path / "archive")


@pytest.fixture
def said(archive_path: Path, capfd: pytest.CaptureFixture[str]) -> Said:
    """Runs `packwitness claim ...`: its exit code, and what it printed."""

    def run(*words: str) -> tuple[int, str, str]:
        command, *rest = words
        code = main(["claim", command, *rest, "--archive", str(archive_path)])
        out, err = capfd.readouterr()
        assert not any(sign in out + err for sign in "\x1b\x07\x9b\x00")
        return code, out, err

    return run


def asked(said: Said, *words: str) -> Any:
    """The JSON that a command printed."""
    code, out, err = said(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize("type_", list(ClaimType))
def test_each_type_goes_from_open_to_paid(said: Said, type_: ClaimType) -> None:
    opened = asked(
        said, "open", NUMBER.lower(), "--type", type_.value, "--portal", "ups",
        "--amount", "12.30 USD", "--happened", "yesterday", "--description", HOSTILE,
    )  # fmt: skip
    ref = opened["reference"]
    assert (opened["status"], opened["requested_cents"], opened["insured_cents"]) == (
        "draft", 1_230, 1_000,
    )  # fmt: skip
    assert opened["deadline_rule"].startswith("ups-")
    assert opened["days_left"] > 0
    assert not opened["overdue"]
    assert said("set", ref, "claim_number=UPS 9", "salvage=1.50", f"carrier={HOSTILE}")[0] == 0
    assert NUMBER in said("list")[1]
    assert said("log", "ups 9", "They want photos", "--in", "--with", HOSTILE)[0] == 0
    assert asked(said, "note", ref, "patience")["seq"] == 5
    code, out, err = said("move", ref, "submitted", "--detail", "by their page")
    assert (code, "submitted without: " in err) == (0, True)
    assert "due" not in out
    for status in ("in_review", "needs_action", "in_review"):
        assert asked(said, "move", ref, status)["status"] == status
    assert asked(said, "move", ref, "approved_partial", "--approved", "9.99")["approved_cents"] == (
        999
    )
    paid = asked(said, "move", ref, "paid", "--paid", "9.99 USD", "--release")
    assert (paid["status"], paid["paid_cents"], paid["deadline_at"]) == ("paid", 999, None)
    shown = asked(said, "show", ref)
    assert [each["what"] for each in shown["history"]].count("status") == 6
    assert shown["claim_number"] == "UPS 9"
    assert shown["deadlines"]
    assert all(each["source"] and each["as_of"] for each in shown["deadlines"])
    code, out, _ = said("show", ref)
    assert code == 0
    assert "paid: 9.99 USD" in out
    assert "They want photos" in out


def test_the_list_has_the_most_pressing_first(said: Said) -> None:
    for type_, day in (("loss", 20), ("damage", -2), ("delay", 5), ("theft", 1)):
        ref = asked(said, "open", NUMBER, "--type", type_)["reference"]
        due = dt.datetime.now().astimezone() + day * DAY
        assert said("set", ref, f"deadline={due:%Y-%m-%d}")[0] == 0
    assert said("move", "C-" + ref[2:], "cancelled")[0] == 0
    listed = asked(said, "list")
    assert [each["type"] for each in listed] == ["damage", "delay", "loss", "theft"]
    assert [each["days_left"] for each in listed[:3]] == [-2, 5, 20]
    assert [each["overdue"] for each in listed] == [True, False, False, False]
    code, out, _ = said("list", "--open")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 4)
    assert lines[1].endswith("OVERDUE 2 d")
    assert lines[2].endswith("  5 d")
    assert [each["type"] for each in asked(said, "list", "--overdue")] == ["damage"]
    assert [each["type"] for each in asked(said, "list", "--due", "5")] == ["damage", "delay"]
    assert len(asked(said, "list", "--due", "4")) == 1
    assert [each["type"] for each in asked(said, "list", "--type", "loss")] == ["loss"]
    assert [each["type"] for each in asked(said, "list", "--status", "cancelled")] == ["theft"]
    code, out, err = said("list", "--number", "NOPE")
    assert (code, out) == (0, "")
    assert "no claim" in err


def test_a_deadline_that_was_set_by_hand_counts_before_the_rules(said: Said) -> None:
    opened = asked(said, "open", NUMBER, "--type", "loss", "--portal", "ups")
    ref, rule = opened["reference"], opened["deadline_rule"]
    assert rule
    by_hand = asked(said, "set", ref, "deadline=2031-03-30")
    assert (by_hand["deadline_rule"], by_hand["deadline_at"][:10]) == ("", "2031-03-30")
    assert asked(said, "set", ref, "portal=ups-us")["deadline_at"] == by_hand["deadline_at"]
    assert "deadline set by hand: 2031-03-30" in said("show", ref)[1]
    assert asked(said, "set", ref, "deadline=")["deadline_rule"] == rule
    assert asked(said, "set", ref, "portal=tiktok-fulfilled")["deadline_at"] is None


def test_what_was_told_since_moves_deadlines(said: Said, archive_path: Path) -> None:
    opened = asked(said, "open", NUMBER, "--type", "delay", "--portal", "air-cargo")
    assert opened["deadline_at"] is None
    assert said("deadlines") == (0, "", "")
    with Archive.open(archive_path) as archive:
        there = TraceEvent(NOW - DAY, TraceStatus.DELIVERED, "there")
        archive.file_traces([Trace(NUMBER, (there,))]).result()
    code, out, _ = said("deadlines")
    assert (code, out.splitlines()[1].endswith("20 d")) == (0, True)
    assert asked(said, "list")[0]["deadline_rule"] == "air-cargo-delay"
    assert asked(said, "deadlines") == []


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("open", "NOPE12345", "--type", "loss"), 1, "nothing is known"),
        (("open", NUMBER, "--type", "fire"), 2, "fire"),
        (("open", NUMBER, "--type", "loss"), 1, "has an open loss claim already: C-"),
        (("open", NUMBER, "--type", "delay", "--amount", "1.234"), 2, "no amount"),
        (("open", NUMBER, "--type", "delay", "--amount", "-5 USD"), 2, "no amount"),
        (("open", NUMBER, "--type", "delay", "--happened", "2099-01-01"), 2, "not come yet"),
        (("open", NUMBER, "--type", "delay", "--happened", "soon"), 2, "--happened"),
        (("set", "REF", "status=paid"), 2, "write field=value"),
        (("set", "REF", "portal"), 2, "write field=value"),
        (("set", "REF", "requested=5 EUR"), 2, "this claim is in USD"),
        (("set", "REF", "currency=pounds"), 1, "no currency"),
        (("set", "C-1999-0001", "portal=x"), 1, "there is no claim"),
        (("move", "REF", "paid"), 1, "cannot become paid, only"),
        (("move", "REF", "submitted", "--at", "2099-01-01"), 2, "not come yet"),
        (("move", "REF", "won"), 2, "won"),
        (("log", "REF", "  "), 1, "say what"),
        (("log", "REF", "x", "--document", "01J"), 2, "no such document"),
        (("form", "REF", "-o", "x.pdf", "--template", "x.pdf"), 2, "go together"),
        (("sheet", "-o", "x.txt"), 2, ".xlsx or .csv"),
        (("sheet", "-o", "x.csv", "--number", "NOPE"), 1, "nothing was written"),
        (("show", "\x1b[2J"), 1, "there is no claim"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_changes_nothing(
    said: Said, words: tuple[str, ...], code: int, why: str
) -> None:
    ref = asked(said, "open", NUMBER, "--type", "loss")["reference"]
    before = asked(said, "show", ref)
    told, _, err = said(*(ref if word == "REF" else word for word in words))
    assert told == code
    assert why in err
    assert len(err.splitlines()) == 1
    assert asked(said, "show", ref) == before
    assert len(asked(said, "list")) == 1
    assert not Path("x.csv").exists()


def test_forms_are_written_and_filed(said: Said, archive_path: Path, tmp_path: Path) -> None:
    ref = asked(said, "open", NUMBER, "--type", "loss")["reference"]
    out = tmp_path / "form.pdf"
    code, printed, _ = said("form", ref, "-o", str(out), "--language", "zh", "--file")
    assert (code, printed.splitlines()[0]) == (0, str(out))
    with pypdfium2.PdfDocument(out) as document:
        assert "索赔" in document[0].get_textpage().get_text_range()
    with Archive.open(archive_path) as archive:
        ((document, _, group),) = archive.documents_of(NUMBER)
        assert (document.name, group) == (f"{ref}.pdf", EvidenceGroup.CLAIM_FORM)
        assert (archive_path / document.path).read_bytes() == out.read_bytes()
    shown = asked(said, "show", ref)
    assert shown["history"][-1]["facts"] == {"document": document.id}
    assert {need["key"]: need["there"] for need in shown["checklist"]}["form"]
    (tmp_path / "theirs.pdf").write_bytes(carrier_form())
    (tmp_path / "map.toml").write_text('[fields]\nNotes = "{requested_amount}"')
    theirs = ("--template", str(tmp_path / "theirs.pdf"), "--map", str(tmp_path / "map.toml"))
    filled = asked(said, "form", ref, "-o", str(tmp_path / "filled.pdf"), *theirs)
    assert filled == {"path": str(tmp_path / "filled.pdf"), "document": None}
    assert b"12.30 USD" in (tmp_path / "filled.pdf").read_bytes()
    (tmp_path / "map.toml").write_text('[fields]\nNope = "type"')
    code, _, err = said("form", ref, "-o", str(tmp_path / "no.pdf"), *theirs)
    assert (code, len(err.splitlines())) == (1, 1)
    assert not (tmp_path / "no.pdf").exists()


def test_the_evidence_is_exported_by_the_claims_profile(said: Said, tmp_path: Path) -> None:
    ref = asked(said, "open", NUMBER, "--type", "loss", "--portal", "stills-3")["reference"]
    code, out, _ = said("export", ref, "-o", str(tmp_path / "out"))
    folder = Path(out.strip())
    assert code == 0
    assert json.loads((folder / "export.json").read_text(encoding="utf-8"))["profile"]
    assert folder.name.endswith("stills-3")
    last = asked(said, "show", ref)["history"][-1]
    assert (last["what"], last["facts"]["profile"]) == ("exported", "stills-3")
    kit = asked(said, "export", ref, "--profile", "stills-6", "--out", str(tmp_path / "out"))
    assert kit["profile"] == "stills-6"
    code, _, err = said("export", ref, "--profile", "nowhere")
    assert (code, "there is no profile 'nowhere'" in err) == (1, True)


def test_sheets_hold_numbers_as_texts(said: Said, tmp_path: Path) -> None:
    words = ("--type", "loss", "--description", HOSTILE, "--portal", HOSTILE)
    assert said("open", NUMBER, *words)[0] == 0
    assert said("sheet", "-o", str(tmp_path / "a.xlsx"))[0] == 0
    assert asked(said, "sheet", "-o", str(tmp_path / "a.csv"))["claims"] == 1
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["claims"]
    head, line = ([cell.value for cell in row] for row in sheet.iter_rows())
    row = dict(zip(head, line, strict=True))
    assert (row["tracking_number"], row["requested"], row["requested_cents"]) == (
        NUMBER, "12.30", 1_230,
    )  # fmt: skip
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        (told,) = csv.DictReader(file)
    assert told["description"] == "'=cmd|'x'!A1 [2J  2J"


def test_rules_are_listed_and_the_sites_own_count(
    said: Said, archive_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "rules.toml"
    own.write_text('[ups-us-claim]\nwithin = "2 days"\nsource = "our contract"\n')
    config = tmp_path / "config.toml"
    config.write_text('[claims]\nrules = "rules.toml"\ncontact_email = "us@example.com"\n')
    here = ("--config", str(config))
    rules = {each["rule"]: each for each in asked(said, "rules", *here)}
    assert (rules["ups-us-claim"]["within"], rules["ups-us-claim"]["own"]) == ("2 days", True)
    assert rules["air-cargo-delay"]["certainty"] == "treaty"
    code, out, _ = said("rules", *here)
    assert code == 0
    assert "our contract" in out
    opened = asked(said, "open", NUMBER, "--type", "loss", *here)
    assert (opened["deadline_rule"], opened["contact_email"]) == ("ups-us-claim", "us@example.com")
    own.write_text("[ups-us-claim]\nwithin = 'soon'")
    code, _, err = said("open", NUMBER, "--type", "theft", *here)
    assert (code, "rules.toml: ups-us-claim.within" in err) == (1, True)
    assert len(asked(said, "list")) == 1


def test_packers_open_no_claim(
    said: Said, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.open(archive_path) as archive:
        user = archive.nobody()
        assert user is not None
        archive.admit(user, "Sue", Role.SUPERVISOR, "2468").result()
        archive.admit(archive.sign_in("Sue", "2468"), "Kim", Role.PACKER, "13579").result()
    monkeypatch.setenv("PACKWITNESS_PIN", "13579")
    code, _, err = said("open", NUMBER, "--type", "loss", "--as", "Kim")
    assert (code, "Kim" in err) == (1, True)
    assert asked(said, "list", "--as", "Kim") == []
