"""From the raw text of a scan to a waybill, a command card, or the reason for a refusal.

Pure: the same text gives the same answer, whether a wedge scanner typed it or a camera read it.
Imports only `storage.records`; what carriers write is data, in `carriers.toml` beside this file.
Knows no camera, no database and no screen. The text is hostile: whatever it holds, nothing
outside `0-9A-Z-` ever becomes part of a tracking number, and nothing raises.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final, Literal, get_args

from storage.records import Waybill

LONGEST_SCAN: Final = 64
"""Characters, without spaces and separators, of the longest scan that could be a waybill: carriers
print up to 38 (`420`, ZIP+4 and a package code of 26). What is longer is not looked at."""
SHOWN_CHARS: Final = 40
_FEWEST_DIGITS: Final = 4
"""Text without a carrier's shape must hold this many digits: words on a packing slip do not."""

GS: Final = "\x1d"
"""Separates the fields of GS1 data. Scanners send it or swallow it."""

_FULL_WIDTH: Final = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}
"""What an input method for Chinese or Japanese makes of a scanner's keys. It is what NFKC does to
these characters, and only to these: NFKC would also turn `²` or `①` into digits."""

_AIM: Final = re.compile(r"\](?P<symbology>[A-Za-z])[0-9A-Za-z]")
"""ISO/IEC 15424: the symbology identifier that a scanner may send first."""

Action = Literal[
    "finish", "photo", "retake", "cancel", "return", "check", "ok", "yes", "no", "slot", "packer"
]
_CARD: Final = re.compile(r"PW:(?P<action>[A-Z]+)(?::(?P<value>.*))?", re.IGNORECASE)
_CARD_VALUES: Final[dict[str, re.Pattern[str]]] = {
    "slot": re.compile(r"[a-z0-9][a-z0-9_-]{0,31}"),
    "packer": re.compile(r"\w[\w .'-]{0,31}"),
}
_SPACED_DIGITS: Final = re.compile(r"[0-9]+(?: +[0-9]+)+")
_PLAIN: Final = re.compile(r"[0-9A-Z]+")


class Reason(StrEnum):
    """Why a scan is refused: keys of the message catalogue."""

    TOO_LONG = "scan_too_long"
    TOO_SHORT = "scan_too_short"
    BAD_CHARACTERS = "scan_bad_characters"
    PRODUCT_CODE = "scan_product_code"
    UNKNOWN_CARRIER = "scan_unknown_carrier"
    UNKNOWN_CARD = "scan_unknown_card"


@dataclass(frozen=True, slots=True)
class Card:
    """A command card. `value` is the slot (lower case) or the packer's name, else ''."""

    action: Action
    value: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A scan that is neither. `shown` is the scan made printable, at most 40 characters."""

    reason: Reason
    shown: str


@dataclass(frozen=True, slots=True)
class WaybillRules:
    """What a site takes for a tracking number.

    With `carriers` listed, only their rules match. With none, every rule matches, and text of
    plain letters and digits that no rule knows is taken too, without a carrier. The lengths are
    those of the finished number. Raises ValueError for lengths or carriers that do not exist.
    """

    min_length: int = 8
    max_length: int = 40
    carriers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.min_length <= self.max_length <= LONGEST_SCAN:
            raise ValueError(
                f"lengths {self.min_length} to {self.max_length}: "
                f"the first must be 1 or more, the second at most {LONGEST_SCAN}"
            )
        if unknown := sorted(set(self.carriers) - set(known_carriers())):
            raise ValueError(
                f"unknown carrier {', '.join(unknown)}: known are {', '.join(known_carriers())}"
            )


def understand(raw: str, rules: WaybillRules) -> Waybill | Card | Refusal:
    """What the scan `raw` means at a site with `rules`. Never raises.

    The number of a waybill, scanned again, gives the same number and carrier.
    """
    shown = printable(raw)
    if len(raw) > 3 * LONGEST_SCAN:
        return Refusal(Reason.TOO_LONG, shown)
    text = raw.translate(_FULL_WIDTH).strip()
    aim = _AIM.match(text)
    if aim:
        text = text[aim.end() :].strip()
    if text[:3].upper() == "PW:":
        return _card(text) or Refusal(Reason.UNKNOWN_CARD, shown)
    if len(_dense(text)) > LONGEST_SCAN:
        return Refusal(Reason.TOO_LONG, shown)
    if not text:
        return Refusal(Reason.TOO_SHORT, shown)
    if not text.isascii():  # before upper(): it makes an I of a Turkish dotless i
        return Refusal(Reason.BAD_CHARACTERS, shown)
    text = text.upper()
    if aim and aim["symbology"] in "Ee" and text.isdecimal():
        return Refusal(Reason.PRODUCT_CODE, shown)
    found = _number(text, rules)
    if isinstance(found, Reason):
        return Refusal(found, shown)
    number, carrier = found
    if len(number) < rules.min_length:
        return Refusal(Reason.TOO_SHORT, shown)
    if len(number) > rules.max_length:
        return Refusal(Reason.TOO_LONG, shown)
    return Waybill(number, raw, carrier)


def known_carriers() -> tuple[str, ...]:
    """The carriers that a site may list, sorted."""
    return tuple(sorted({rule.carrier for rule in _table()}))


def printable(text: str) -> str:
    """`text` safe to print: what is not printable escaped, at most 40 characters.

    Escape sequences, line ends and marks that turn the writing direction lose their power.
    """
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text[:SHOWN_CHARS]
    )
    if len(safe) <= SHOWN_CHARS and len(text) <= SHOWN_CHARS:
        return safe
    return safe[: SHOWN_CHARS - 1] + "…"


# ---------------------------------------------------------------------------- cards


def _card(text: str) -> Card | None:
    """The command card that `text` names, or None."""
    parts = _CARD.fullmatch(text)
    if parts is None:
        return None
    name, value = parts["action"].lower(), parts["value"]
    action = next((known for known in get_args(Action) if known == name), None)
    if action is None:
        return None
    allowed = _CARD_VALUES.get(name)
    if allowed is None:
        return Card(action) if value is None else None
    value = " ".join((value or "").split())
    if name == "slot":
        value = value.lower()
    return Card(action, value) if allowed.fullmatch(value) else None


# ---------------------------------------------------------------------------- numbers


def _number(text: str, rules: WaybillRules) -> tuple[str, str | None] | Reason:
    """Tracking number and carrier of `text` (ASCII, upper case), or why there are none."""
    dense = _dense(text)
    active = [
        rule
        for rule in _table()
        if (rule.carrier in rules.carriers if rules.carriers else not rule.listed_only)
    ]
    if found := _match(dense, active):
        return found
    if _is_product_code(dense):
        return Reason.PRODUCT_CODE
    # Spaces group the digits of a printed number; between words they mean a sentence.
    plain = dense if _SPACED_DIGITS.fullmatch(text) else text
    if not _PLAIN.fullmatch(plain):
        other = _match(dense, _table())
        return Reason.UNKNOWN_CARRIER if other else Reason.BAD_CHARACTERS
    if len(plain) < rules.min_length:
        return Reason.TOO_SHORT
    if rules.carriers or sum(char.isdecimal() for char in plain) < _FEWEST_DIGITS:
        return Reason.UNKNOWN_CARRIER
    return plain, None


def _dense(text: str) -> str:
    """`text` without spaces and separators."""
    return text.replace(" ", "").replace(GS, "")


def _match(text: str, rules: list[_Rule] | tuple[_Rule, ...]) -> tuple[str, str] | None:
    """Number and carrier by the first rule that matches; a number that is embedded is looked at
    again, so that scanning it alone gives the same answer."""
    for rule in rules:
        parts = rule.pattern.fullmatch(text)
        if parts is None:
            continue
        number = parts["number"] if "number" in rule.pattern.groupindex else text
        if rule.check is None or rule.check(number):
            again = _match(number, rules) if number != text else None
            return again or (number, rule.carrier)
    return None


def _is_product_code(text: str) -> bool:
    """True for EAN-8, UPC-A, EAN-13 and GTIN-14 with a valid check digit."""
    return text.isdecimal() and len(text) in (8, 12, 13, 14) and _gs1(text)


# ---------------------------------------------------------------------------- check digits


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits times the weights, which repeat from the right."""
    return sum(
        int(digit) * weights[place % len(weights)] for place, digit in enumerate(reversed(digits))
    )


def _gs1(number: str) -> bool:
    """GS1 modulus 10: weights 3, 1 from the right. USPS and FedEx Ground use it too."""
    return -_weighted(number[:-1], (3, 1)) % 10 == int(number[-1])


def _fedex(number: str) -> bool:
    """Weights 1, 3, 7 from the right, modulus 11, then 10."""
    return _weighted(number[:-1], (1, 3, 7)) % 11 % 10 == int(number[-1])


def _s10(number: str) -> bool:
    """UPU S10: weights 8 6 4 2 3 5 9 7, modulus 11; 10 is written 0 and 11 is written 5."""
    check = 11 - _weighted(number[2:10], (7, 9, 5, 3, 2, 4, 6, 8)) % 11
    return {10: 0, 11: 5}.get(check, check) == int(number[10])


def _mod7(number: str) -> bool:
    return int(number[:-1]) % 7 == int(number[-1])


def _alternating(body: str, check: str) -> bool:
    """UPS modulus 10: weights 1, 2 from the left; A counts 2, B 3 and so on, modulus 10."""
    values = [int(char) if char.isdecimal() else (ord(char) - 63) % 10 for char in body]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10 == int(check)


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "gs1": _gs1,
    "fedex": _fedex,
    "s10": _s10,
    "mod7": _mod7,
    "ups": lambda number: _alternating(number[2:-1], number[-1]),
    "waybill": lambda number: _alternating(number[1:-1], number[-1]),
}


# ---------------------------------------------------------------------------- the table


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of `carriers.toml`."""

    carrier: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None
    listed_only: bool


@functools.cache
def _table() -> tuple[_Rule, ...]:
    """The rules of `carriers.toml`, in their order."""
    data = tomllib.loads(
        resources.files("station").joinpath("carriers.toml").read_text(encoding="utf-8")
    )
    return tuple(
        _Rule(
            carrier=row["carrier"],
            pattern=re.compile(row["pattern"]),
            check=CHECKS[row["check"]] if "check" in row else None,
            listed_only=row.get("listed_only", False),
        )
        for row in data["rule"]
    )
