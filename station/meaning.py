"""What a reading means at a site, as JSON and as a line for a terminal.

For commands that show readings without a bench. A code's text is hostile: here it becomes harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from capture.events import Reading
from station.config import Config, validated
from station.waybill import Card, Reason, WaybillRules, as_scanned, printable, understand
from storage.records import CheckDigit, Waybill

REASONS: Final = {
    Reason.TOO_LONG: "too long for a waybill",
    Reason.TOO_SHORT: "too short for a waybill",
    Reason.BAD_CHARACTERS: "not a waybill",
    Reason.PRODUCT_CODE: "a product code",
    Reason.UNKNOWN_CARRIER: "no number of a carrier of this site",
    Reason.UNKNOWN_CARD: "an unknown command card",
}
_CHECKS: Final = {CheckDigit.OK: ", check digit ok", CheckDigit.FAILED: ", CHECK DIGIT WRONG"}
_TEXT_WIDTH: Final = 22
"""Columns for a text, so that most meanings stand below one another: 22 digits are long."""


def with_symbologies(config: Config, names: Sequence[str]) -> Config:
    """`config` reading exactly the symbologies `names`. Raises ConfigError for an unknown one."""
    data = {"scanner": {**config.scanner.model_dump(), "symbologies": tuple(names)}}
    return config.model_copy(update={"scanner": validated(data, "--symbology").scanner})


def to_json(reading: Reading, rules: WaybillRules) -> dict[str, Any]:
    """`reading` and what it means, as every JSON parser takes it.

    `raw_hex` is the text exactly as it was read, in UTF-8; `text` is the same but for half
    characters (lone surrogates), which JSON must not hold.
    """
    found = understand(as_scanned(reading.text, reading.symbology), rules)
    waybill = found if isinstance(found, Waybill) else None
    return {
        "text": whole(reading.text),
        "symbology": reading.symbology,
        "polygon": [list(point) for point in reading.polygon],
        "engine": reading.engine,
        "tracking_number": waybill.number if waybill else None,
        "carrier": waybill.carrier if waybill else None,
        "check": waybill.check.value if waybill and waybill.check else None,
        "raw_hex": reading.text.encode("utf-8", "surrogatepass").hex(),
    }


def on_one_line(reading: Reading, rules: WaybillRules) -> str:
    """`reading` and what it means, on one line that a terminal may be given."""
    shown = printable(reading.text)
    return f"{reading.symbology:10}  {shown:{_TEXT_WIDTH}}  {_meaning(reading, rules)}"


def whole(text: str) -> str:
    """`text` with a sign in the place of each half character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _meaning(reading: Reading, rules: WaybillRules) -> str:
    found = understand(as_scanned(reading.text, reading.symbology), rules)
    if isinstance(found, Card):
        return f"command card {found.action.upper()} {printable(found.value)}".rstrip()
    if not isinstance(found, Waybill):
        return REASONS[found.reason]
    number = "" if found.number == reading.text else f"{found.number}, "
    check = _CHECKS[found.check] if found.check else ""
    return f"{number}{found.carrier or 'no known carrier'}{check}"
