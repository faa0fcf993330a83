"""Claims through the terminal app: opened on a parcel's page, taken to paid, found in the list."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from rich.console import Console, RenderableType
from textual.widgets import Input, OptionList, Static

from station.ui.archive.claim import ClaimScreen
from station.ui.archive.claim_ask import AskScreen, Choice
from station.ui.archive.claims import ClaimList, ClaimsScreen
from station.ui.archive.export import ExportScreen
from station.ui.archive.parcel import ParcelScreen
from station.ui.labels import Line
from storage.archive import Archive
from storage.claims.claim import Claim, ClaimStatus, ClaimType
from storage.later import Actor, Change, EvidenceGroup, Role
from storage.order import Order
from tests.station.ui.archive.shelf import ANN, NUMBERS, Shown, shown
from tests.storage.desk import Desk

HOSTILE = "\x1b[2J[red]\u202e=HYPERLINK(1)\x00../../x"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as archive:
        yield archive


def packed(archive: Archive, *numbers: str) -> None:
    """Sealed sessions without files, each with an order."""
    desk = Desk(archive)
    for number in numbers:
        desk.seal(desk.open(number)[0])
    sold = [Order(f"A-{n}", (n,), currency="EUR", value_cents=4_990) for n in numbers]
    archive.file_orders(sold).result()


def claimed(archive: Archive, number: str, type_: ClaimType, days: int | None = None) -> Claim:
    claim = archive.open_claim(ANN, number, type_).result()
    if days is not None:
        due = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        claim = archive.change_claim(ANN, claim.id, deadline_at=due, deadline_rule="x").result()
    return claim


def page(there: Shown) -> str:
    """The text of a claim's page."""
    console = Console(width=100, record=True, color_system=None)
    with console.capture() as capture:
        for name in ("#claim-left", "#claim-right"):
            content: object = there.app.screen.query_one(name, Static).content
            assert isinstance(content, str | RenderableType)
            console.print(content)
    return there.said("#claim-state") + "\n" + capture.get()


def rows(there: Shown) -> list[str]:
    """The lines of the list of claims."""
    listed = there.app.screen.query_one(ClaimList)
    return [str(each.prompt) for each in listed.options]


async def listed(there: Shown, count: int) -> None:
    await there.pilot.press("f3")
    await there.until(lambda: isinstance(there.app.screen, ClaimsScreen))
    await there.until(lambda: len(rows(there)) == count)


async def asked(there: Shown, key: str) -> None:
    """Press a key and wait for the sheet that it asks with."""
    await there.pilot.press(key)
    await there.until(lambda: isinstance(there.app.screen, AskScreen))
    await there.pilot.pause()


async def to_parcel(there: Shown) -> None:
    await there.pilot.press("enter")
    await there.until(lambda: isinstance(there.app.screen, ParcelScreen))
    screen = there.app.screen
    assert isinstance(screen, ParcelScreen)
    await there.until(lambda: screen.record is not None)


async def stands(there: Shown, said: str) -> None:
    """Wait until the page of a claim says so."""
    await there.until(lambda: isinstance(there.app.screen, ClaimScreen))
    await there.until(lambda: said in page(there))


@pytest.mark.parametrize("type_", list(ClaimType))
async def test_a_claim_of_each_type_is_taken_from_open_to_paid(
    archive: Archive, type_: ClaimType
) -> None:
    packed(archive, NUMBERS[0])
    async with shown(archive, size=(120, 34)) as there:
        await to_parcel(there)
        await asked(there, "k")
        assert f"{NUMBERS[0]} · Sessions that it holds" in there.said("#ask-about")
        await there.pilot.press(*["right"] * list(ClaimType).index(type_), "down", "down", "down")
        await there.type("12.50")
        await there.pilot.press("enter")
        await stands(there, "12.50 EUR")
        assert "✎ draft" in page(there)
        assert f"A-{NUMBERS[0]}" in page(there)
        await asked(there, "s")
        await there.pilot.press("enter")
        await stands(there, "▷ submitted")
        await asked(there, "s")
        for _ in range(2):
            await there.pilot.press("right")
        await there.pilot.press("down")
        await there.type("9.1")
        await there.pilot.press("down")
        await there.type("used")
        await there.pilot.press("enter")
        await stands(there, "✔ approved")
        assert "9.10 EUR" in page(there)
        assert "used" in page(there)
        await asked(there, "s")
        await there.pilot.press("enter")
        await stands(there, "★ paid")
        assert "Next status" not in there.said_keys()
    (claim,) = archive.claims()
    assert (claim.type, claim.status) == (type_, ClaimStatus.PAID)
    amounts = (claim.requested_cents, claim.approved_cents, claim.paid_cents, claim.currency)
    assert amounts == (1_250, 910, 910, "EUR")
    (held,) = archive.amendments_of(archive.find(NUMBERS[0])[0].id)
    assert (held.change, held.text) == (Change.HELD, f"claim {claim.reference}")


async def test_open_claims_stand_first_with_their_days_counting_down(archive: Archive) -> None:
    packed(archive, *NUMBERS[:5])
    days = (40, 3, -2, None)
    for number, left in zip(NUMBERS, days, strict=False):
        claimed(archive, number, ClaimType.DAMAGE, left)
    over = claimed(archive, NUMBERS[4], ClaimType.LOSS)
    archive.move_claim(ANN, over.id, ClaimStatus.CANCELLED).result()
    async with shown(archive, size=(130, 34)) as there:
        await there.until(lambda: "OVERDUE: 1" in there.said("#urgent"))
        assert "▲ Claims due within 7 days: 1" in there.said("#urgent")
        await listed(there, 4)
        late, soon, far, never = rows(there)
        assert "✖ OVERDUE 2d" in late
        assert NUMBERS[2] in late
        assert "49.90 EUR" in late
        assert "▲ 3d left" in soon
        assert "○ 40d left" in far
        assert "– no deadline" in never
        await there.pilot.press("a")
        await there.until(lambda: len(rows(there)) == 5)
        assert "cancelled" in rows(there)[-1]
        await there.pilot.press("t")
        await there.until(lambda: [NUMBERS[4] in row for row in rows(there)] == [True])
        await there.pilot.press("t", "slash")
        await there.type(NUMBERS[1][-6:])
        await there.until(lambda: [NUMBERS[1] in row for row in rows(there)] == [True])
        await there.pilot.press("enter", "p")
        await there.until(lambda: isinstance(there.app.screen, ParcelScreen))
        assert there.said("#parcel-number") == NUMBERS[1]


async def test_a_long_number_keeps_its_end(archive: Archive) -> None:
    number = "9400111899223197428490"
    packed(archive, number)
    claimed(archive, number, ClaimType.LOSS)
    for width, said in ((80, f" …{number[-17:]} "), (130, f" {number} ")):
        async with shown(archive, size=(width, 24)) as there:
            await listed(there, 1)
            assert said in rows(there)[0]


@pytest.mark.parametrize(
    ("time_zone", "day"), [("Pacific/Kiritimati", "2026-01-02"), ("Pacific/Niue", "2025-12-31")]
)
async def test_days_are_those_of_the_site_and_not_of_the_screen(
    archive: Archive, time_zone: str, day: str
) -> None:
    packed(archive, NUMBERS[0])
    happened = dt.datetime(2026, 1, 1, 10, 30, tzinfo=dt.UTC)
    claim = archive.open_claim(ANN, NUMBERS[0], ClaimType.LOSS, happened_at=happened).result()
    archive.change_claim(ANN, claim.id, deadline_at=happened, deadline_rule="x").result()
    async with shown(archive, size=(130, 34), time_zone=time_zone) as there:
        await listed(there, 1)
        assert f"· {day}" in rows(there)[0]
        await there.pilot.press("enter")
        await stands(there, day)
        assert re.search(f"Happened +{day} ", page(there))
        await asked(there, "e")
        field = there.app.screen.query_one("#happened_at", Input)
        assert field.value.startswith(day)
        field.value = "2025-11-05"
        await there.pilot.press("enter")
        await stands(there, "2025-11-05 00:00")
    after = archive.claim(claim.reference)
    assert after is not None
    assert after.happened_at == dt.datetime(2025, 11, 5, tzinfo=ZoneInfo(time_zone))


async def test_keys_work_where_no_claim_is_open(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    over = claimed(archive, NUMBERS[0], ClaimType.LOSS)
    archive.move_claim(ANN, over.id, ClaimStatus.CANCELLED).result()
    async with shown(archive, size=(100, 30)) as there:
        await there.pilot.press("f3")
        await there.until(lambda: isinstance(there.app.screen, ClaimsScreen))
        await there.until(lambda: there.app.screen.has_class("-empty"))
        await there.pilot.press("a")
        await there.until(lambda: len(rows(there)) == 1)


async def test_the_list_goes_out_as_a_workbook_and_a_form_is_filed(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    claim = claimed(archive, NUMBERS[0], ClaimType.LOSS)
    archive.change_claim(ANN, claim.id, description="=HYPERLINK(1)").result()
    exports = archive.root / "exports"
    async with shown(archive, size=(120, 34)) as there:
        await listed(there, 1)
        await there.pilot.press("x")
        await there.until(lambda: list(exports.glob("claims-*.xlsx")))
        await there.until(lambda: all(worker.is_finished for worker in there.app.workers))
        (written,) = exports.glob("claims-*.xlsx")
        cells = [cell for row in load_workbook(written)["claims"].iter_rows() for cell in row]
        assert NUMBERS[0] in [cell.value for cell in cells]
        assert [cell.data_type for cell in cells if cell.value == "=HYPERLINK(1)"] == ["s"]
        await there.pilot.press("enter")
        await stands(there, "draft")
        await asked(there, "f")
        await there.pilot.press("enter")
        await stands(there, "Claim form filled")
    assert (exports / f"{claim.reference}-form.pdf").read_bytes().startswith(b"%PDF")
    ((document, _, group),) = archive.documents_of(NUMBERS[0])
    assert (document.name, group) == (f"{claim.reference}.pdf", EvidenceGroup.CLAIM_FORM)


async def test_its_evidence_goes_out_for_its_portal_and_is_kept_in_its_history(
    archive: Archive,
) -> None:
    desk = Desk(archive)
    session, folder = desk.open(NUMBERS[0])
    desk.shot(session, folder, "item", 1)
    desk.seal(session)
    claim = claimed(archive, NUMBERS[0], ClaimType.LOSS)
    archive.change_claim(ANN, claim.id, portal="stills-3").result()
    async with shown(archive, size=(120, 34)) as there:
        await listed(there, 1)
        await there.pilot.press("enter")
        await stands(there, "draft")
        await there.pilot.press("f4")
        await there.until(lambda: isinstance(there.app.screen, ExportScreen))
        profiles = there.app.screen.query_one(OptionList)
        await there.until(lambda: profiles.highlighted is not None)
        assert there.app.screen.query_one("#recipient", Input).value == "stills-3"
        assert there.app.screen.query_one("#reason", Input).value == f"claim {claim.reference}"
        await there.pilot.press("enter")
        await there.until(lambda: there.app.screen.has_class("-over"))
        await there.pilot.press("escape")
        await stands(there, "Evidence exported")
    (made,) = (archive.root / "exports").iterdir()
    told = archive.claim_events(claim.id)[-1]
    assert (told.what, told.text) == ("exported", made.name)
    digest = hashlib.sha256((made / "export.json").read_bytes()).hexdigest()
    assert told.facts == {"profile": "stills-3", "digest": digest}


@pytest.mark.parametrize("size", [(80, 24), (120, 34)])
async def test_a_page_says_what_is_missing_and_by_when(
    archive: Archive, size: tuple[int, int]
) -> None:
    packed(archive, NUMBERS[0])
    claim = claimed(archive, NUMBERS[0], ClaimType.LOSS)
    archive.change_claim(ANN, claim.id, portal="ups").result()
    async with shown(archive, size=size) as there:
        await listed(there, 1)
        await there.pilot.press("enter")
        await stands(there, "ups-us-claim: 9 months")
        text = page(there)
        assert "second-hand" in text
        assert "✖ MISSING  Proof of value" in text
        assert "→ file the order's page" in text
        assert "Missing: " in text


async def test_what_is_written_and_corrected_is_kept(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    claim = claimed(archive, NUMBERS[0], ClaimType.DELAY)
    async with shown(archive) as there:
        await listed(there, 1)
        await there.pilot.press("enter")
        await stands(there, "draft")
        await asked(there, "l")
        await there.pilot.press("enter")
        assert there.said("#ask-said") == "Say what is to be kept"
        await there.type("where is it")
        await there.pilot.press("enter")
        await stands(there, "to them · e-mail · UPS")
        assert "where is it" in page(there)
        await asked(there, "e")
        amount = there.app.screen.query_one("#requested", Input)
        assert amount.value == "49.90"
        for wrong in ("1.234", "=1+1", "1e3", "12 USD"):
            amount.value = wrong
            await there.pilot.press("enter")
            assert wrong.split()[-1] in there.said("#ask-said")
        amount.value = "0.1"
        await there.pilot.press("enter")
        await stands(there, "0.10 EUR")
        assert "Edited: " in page(there)
    after = archive.claim(claim.reference)
    assert after is not None
    assert (after.requested_cents, after.currency) == (10, "EUR")


async def test_what_the_archive_refuses_is_said_and_what_was_typed_stays(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    claimed(archive, NUMBERS[0], ClaimType.LOSS)
    async with shown(archive) as there:
        await to_parcel(there)
        await asked(there, "k")
        there.app.screen.query_one("#description", Input).value = "gone"
        await there.pilot.press("enter")
        await there.until(lambda: "open loss claim already" in there.said("#ask-said"))
        assert there.app.screen.query_one("#description", Input).value == "gone"
        assert there.app.screen.query_one("#type", Choice).value == "loss"
    assert len(archive.claims()) == 1


async def test_hostile_text_is_harmless_in_chinese(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    claim = claimed(archive, NUMBERS[0], ClaimType.DAMAGE, 2)
    facts = dict.fromkeys(("description", "carrier", "portal", "claim_number"), HOSTILE)
    archive.change_claim(ANN, claim.id, **facts).result()
    archive.log_claim(ANN, claim.id, "correspondence", HOSTILE, with_=HOSTILE, way="x").result()
    async with shown(archive, language="zh", size=(130, 34)) as there:
        await there.until(lambda: "7 天内到期的理赔：1 宗" in there.said("#urgent"))
        await listed(there, 1)
        assert "破损" in rows(there)[0]
        assert "剩 2 天" in rows(there)[0]
        await there.pilot.press("enter")
        await stands(there, "草稿")
        text = page(there) + rows_of(there)
        assert "\\x1b[2J[red]" in text
        for bad in ("\x1b", "\u202e", "\x00"):
            assert bad not in text


def rows_of(there: Shown) -> str:
    return "".join(str(line.content) for line in there.app.screen.query(Line))


async def test_a_packer_sees_no_claims(archive: Archive) -> None:
    packed(archive, NUMBERS[0])
    claimed(archive, NUMBERS[0], ClaimType.LOSS, -1)
    async with shown(archive, Actor("Pat", Role.PACKER, verified=False), size=(120, 34)) as there:
        assert "Claims" not in there.said_keys()
        await there.pilot.press("f3")
        await there.pilot.pause(0.1)
        assert there.app.screen is there.search
        assert not there.said("#urgent")
        await to_parcel(there)
        assert "claim" not in there.said_keys().lower()
        await there.pilot.press("k", "f3")
        assert isinstance(there.app.screen, ParcelScreen)
