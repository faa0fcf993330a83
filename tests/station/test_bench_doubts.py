"""Numbers that are not sure, at a bench without a screen: real rules, real archive, real files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from capture.sim import scene
from station.bench import Bench
from station.rules.state import Phase
from station.waybill import Reason, Refusal, WaybillRules, as_scanned, understand
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import CheckDigit, LabelCheck, Session, Status, Waybill
from tests.station.packing import NUMBERS, SEED, Watched, config, found, running

UNLISTED = "QX20260731A7"
WRONG = "1Z999AA10123456785"


def whats(session: Session) -> list[str]:
    return [note.what for note in session.notes]


async def test_an_unlisted_number_is_filed_only_after_a_yes(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        at.bench.scan(UNLISTED)
        at.bench.scan("PW:NO")
        await asyncio.sleep(0.3)
        assert at.bench.state.phase is Phase.IDLE
        assert found(tmp_path, UNLISTED) == []
        at.bench.scan(UNLISTED)
        at.bench.scan("PW:YES")
        await at.phase(Phase.RECORDING)
        await asyncio.sleep(0.5)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, UNLISTED)
    assert session.waybill.carrier is None
    (note,) = [note for note in session.notes if note.what == "unlisted"]
    assert note.text.endswith("recorded because Ana answered YES")
    assert verify(tmp_path) == []


async def test_a_wrong_check_digit_stands_in_the_record(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        at.bench.scan(WRONG, via="overhead")
        assert at.bench.state.phase is Phase.IDLE
        at.bench.scan(WRONG)
        await at.phase(Phase.RECORDING)
        assert "recording_doubtful" in [say.key for say in at.said]
        await asyncio.sleep(0.3)
        at.bench.scan("PW:FINISH")
        await at.sealed()
    (session,) = found(tmp_path, WRONG)
    assert session.waybill.check is CheckDigit.FAILED
    assert whats(session) == ["check_digit"]


async def test_the_wrong_label_and_who_acknowledged_it_stand_in_the_record(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as at:
        scene(SEED).show(NUMBERS[3])
        await asyncio.sleep(2.5)
        at.bench.scan(NUMBERS[2])
        await at.phase(Phase.RECORDING)
        await at.shoot("label")
        at.bench.scan("PW:FINISH")
        assert at.said[-1].key == "acknowledge_first"
        at.bench.scan("PW:OK")
        at.bench.scan("PW:CANCEL")
        at.bench.scan("PW:YES")
        await at.sealed()
    (session,) = found(tmp_path, NUMBERS[2])
    assert session.status is Status.CANCELLED
    assert session.shots[0].label_check is LabelCheck.MISMATCH
    (note,) = [note for note in session.notes if note.what == "label_acknowledged"]
    assert note.text == (
        f"the wrong label was acknowledged by Ana: it shows {NUMBERS[3]}, scanned was {NUMBERS[2]}"
    )


async def test_scans_before_the_start_answer_no_question_that_nobody_saw(tmp_path: Path) -> None:
    settings = config(tmp_path).model_copy(update={"shot": ()})
    archive = Archive.open(tmp_path)
    at = Watched(Bench(settings, archive))
    try:
        at.bench.scan(UNLISTED)
        await asyncio.sleep(0)
        at.bench.scan(UNLISTED)
        await at.until(lambda: at.bench.started, "start-up")
        asking = at.bench.state.asking
        assert asking is not None
        assert asking.params == (("number", UNLISTED),)
        assert at.bench.state.phase is Phase.IDLE
        at.bench.scan(NUMBERS[0])
        await at.phase(Phase.RECORDING)
        assert at.active.waybill.number == NUMBERS[0]
    finally:
        await at.bench.close()
        archive.close()
    assert found(tmp_path, UNLISTED) == []


async def test_an_early_scan_is_asked_about_with_all_its_time(tmp_path: Path) -> None:
    settings = config(tmp_path, question_timeout_s=5).model_copy(update={"shot": ()})
    archive = Archive.open(tmp_path)
    at = Watched(Bench(settings, archive))
    try:
        at.bench.scan(UNLISTED)
        text, via, moment = at.bench._scans._early[0]
        long_ago = type(moment)(moment.utc, moment.mono_ms - 60_000)
        at.bench._scans._early = [(text, via, long_ago), (text, via, moment)]
        await at.until(lambda: at.bench.started, "start-up")
        await asyncio.sleep(0.6)
        assert at.bench.state.asking is not None
        assert at.bench.state.phase is Phase.IDLE
    finally:
        await at.bench.close()
        archive.close()


async def test_a_camera_opens_nothing_for_what_may_be_anybodys_digits(tmp_path: Path) -> None:
    """One in ten codes of twelve digits has FedEx's check digit: a hand may vouch, a camera not."""
    weak = "986578788855"  # tracking_number_data: FedEx Express
    settings = config(tmp_path).model_copy(update={"shot": ()})
    async with running(settings) as at:
        await at.until(lambda: at.bench.started, "the start")
        at.bench.scan(weak, via="overhead")
        assert at.said[-1].key == "seen_uncertain"
        assert at.bench.state.phase is Phase.IDLE
        at.bench.scan(weak)
        await at.phase(Phase.RECORDING)
        assert at.active.waybill.carrier == "fedex"


async def test_a_camera_may_open_a_session_for_a_carrier_that_the_site_lists(
    tmp_path: Path,
) -> None:
    settings = config(tmp_path)
    listed = settings.scanner.model_copy(update={"carriers": ("fedex",)})
    async with running(settings.model_copy(update={"shot": (), "scanner": listed})) as at:
        await at.until(lambda: at.bench.started, "the start")
        at.bench.scan("986578788855", via="overhead")
        await at.phase(Phase.RECORDING)


def test_a_product_code_stays_one_though_fedex_would_take_its_digits() -> None:
    rules = WaybillRules(carriers=("fedex",))
    digits = next(
        text
        for text in (f"{number:012d}" for number in range(36_000_000_000, 36_000_001_000))
        if isinstance(understand(text, rules), Waybill)
    )
    found = understand(as_scanned(digits, "EANUPC"), rules)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.PRODUCT_CODE
