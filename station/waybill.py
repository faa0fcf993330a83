"""From the raw text of a scan to a waybill, a command card, or the reason for a refusal.

Pure: the same text gives the same answer, whether a wedge scanner typed it or a camera read it.
The rules come from `carriers.py`; which of them count is the site's choice. Knows no camera, no
database and no screen. The text is hostile: whatever it holds, nothing outside `0-9A-Z-` ever
becomes part of a tracking number, and nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

from station.carriers import (
    LONGEST_SCAN,
    OwnRule,
    Rule,
    distinctive,
    known_carriers,
    rules_of_site,
    table,
)
from station.checkdigits import gs1
from storage.records import CheckDigit, Waybill

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
_NUMBER: Final = re.compile(r"[0-9A-Z](?:[0-9A-Z-]*[0-9A-Z])?")


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

    With `carriers` listed, only their rules and the site's `own` name a carrier. With none, every
    rule does that needs no listing. The lengths are those of the finished number. Raises
    ValueError for lengths or carriers that do not exist.
    """

    min_length: int = 8
    max_length: int = 40
    carriers: tuple[str, ...] = ()
    own: tuple[OwnRule, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.min_length <= self.max_length <= LONGEST_SCAN:
            raise ValueError(
                f"lengths {self.min_length} to {self.max_length}: "
                f"the first must be 1 or more, the second at most {LONGEST_SCAN}"
            )
        known = {*known_carriers(), *(rule.carrier for rule in self.own)}
        if unknown := sorted(set(self.carriers) - known):
            raise ValueError(
                f"unknown carrier {', '.join(unknown)}: known are {', '.join(sorted(known))}"
            )

    def lists(self, carrier: str) -> bool:
        """True where the site has said that it ships with `carrier`."""
        return carrier in self.carriers or any(rule.carrier == carrier for rule in self.own)


def understand(raw: str, rules: WaybillRules) -> Waybill | Card | Refusal:
    """What the scan `raw` means at a site with `rules`. Never raises.

    A waybill without a carrier has a number that could be one, but none of this site's carriers'.
    Its number, scanned again, gives the same number and as a rule the same carrier and check; a
    bare number may prove less than the longer code that it was cut from (`_decide` says when).
    """
    shown = printable(raw)
    read = _read(raw)
    if isinstance(read, Reason):
        return Refusal(read, shown)
    if isinstance(read, Card):
        return read
    found = _decide(read, rules)
    if isinstance(found, Reason):
        return Refusal(found, shown)
    if len(found.number) < rules.min_length:
        return Refusal(Reason.TOO_SHORT, shown)
    if len(found.number) > rules.max_length:
        return Refusal(Reason.TOO_LONG, shown)
    return Waybill(found.number, raw, found.rule.carrier if found.rule else None, found.check)


def as_scanned(text: str, symbology: str) -> str:
    """What a camera read as a scanner sends it that names product codes as such: a carrier's number
    in digits cannot be told from one otherwise."""
    return f"]E0{text}" if symbology == "EANUPC" else text


def certain(waybill: Waybill, rules: WaybillRules) -> bool:
    """True where nothing but a carrier's waybill is likely to hold the scan of `waybill`: its
    carrier is listed by the site, or its shape names the carrier by itself, and its check digit,
    if there is one, is right. One in ten product codes has the check digit of some carrier, so
    what nobody aimed at should be certain before it opens a session or accuses a label.
    """
    read = _read(waybill.raw)
    found = _decide(read, rules) if isinstance(read, str) else None
    return (
        isinstance(found, _Found)
        and found.rule is not None
        and found.check is not CheckDigit.FAILED
        and (not found.rule.weak or rules.lists(found.rule.carrier))
    )


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


def _read(raw: str) -> str | Card | Reason:
    """The text of a scan without what scanners add to it (ASCII, upper case), or what else it is.

    Scanners add an AIM identifier and send GS or swallow it; an input method makes keys full width.
    """
    if len(raw) > 3 * LONGEST_SCAN:
        return Reason.TOO_LONG
    text = raw.translate(_FULL_WIDTH).strip()
    aim = _AIM.match(text)
    if aim:
        text = text[aim.end() :].strip()
    if text[:3].upper() == "PW:":
        return _card(text) or Reason.UNKNOWN_CARD
    if len(_dense(text)) > LONGEST_SCAN:
        return Reason.TOO_LONG
    if not text:
        return Reason.TOO_SHORT
    if not text.isascii():  # before upper(): it makes an I of a Turkish dotless i
        return Reason.BAD_CHARACTERS
    if aim and aim["symbology"] in "Ee" and text.isdecimal():
        return Reason.PRODUCT_CODE
    return text.upper()


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


@dataclass(frozen=True, slots=True)
class _Found:
    """A number, the rule that knows it, and what its check digit says."""

    number: str
    rule: Rule | None = None
    check: CheckDigit | None = None


def _decide(text: str, rules: WaybillRules) -> _Found | Reason:
    """The tracking number in `text` (ASCII, upper case), or why there is none.

    In this order, so that a better proof always beats a worse one:
    1. a rule of the site matches, and the check digit is right or there is none;
    2. it is a product code, or has another carrier's distinctive shape: this takes the carrier
       back from a number found by a weak rule that has no check digit to show for it;
    3. a distinctive shape or a listed carrier's, with a wrong check digit: kept, and marked;
    4. a rule of other carriers: their number, cut the same way everywhere, but without a carrier;
    5. plain letters and digits.
    """
    dense = _dense(text)
    active = rules_of_site(rules.carriers, rules.own)
    found = _first_right(dense, active)
    if _is_product_code(dense):
        if found is None or found.rule is None:
            return Reason.PRODUCT_CODE
        if found.rule.weak and not (found.check and rules.lists(found.rule.carrier)):
            return _Found(found.number)
    elif found and found.rule and _shape_alone(found.rule) and _first_right(dense, distinctive()):
        return _Found(found.number)
    if found := found or _first_wrong(dense, active, rules):
        return found
    if found := _first_right(dense, table()):
        return _Found(found.number)
    # Spaces group the digits of a printed number; between words they mean a sentence.
    plain = dense if _SPACED_DIGITS.fullmatch(text) else text
    if not _PLAIN.fullmatch(plain):
        return Reason.BAD_CHARACTERS
    if len(plain) < rules.min_length:
        return Reason.TOO_SHORT
    if sum(char.isdecimal() for char in plain) < _FEWEST_DIGITS:
        return Reason.UNKNOWN_CARRIER
    return _Found(plain)


def _dense(text: str) -> str:
    """`text` without spaces and separators."""
    return text.replace(" ", "").replace(GS, "")


def _first_right(text: str, among: Sequence[Rule]) -> _Found | None:
    """By the first rule that matches and whose check digit, if it has one, is right."""
    for rule in among:
        parts = rule.pattern.fullmatch(text)
        if parts is None or not _NUMBER.fullmatch(number := _part(parts, "number")):
            continue
        if rule.check is None:
            return _Found(number, rule)
        if rule.check(_part(parts, "checked")):
            # a check of more than the number stays behind with the rest of the code
            covered = "checked" not in rule.pattern.groupindex
            return _Found(number, rule, CheckDigit.OK if covered else None)
    return None


def _first_wrong(text: str, among: Sequence[Rule], rules: WaybillRules) -> _Found | None:
    """By the first rule that matches but for a wrong check digit, where that says anything.

    What a longer code with a wrong check digit holds is cut out of it only if that part gives the
    same answer alone; otherwise nothing vouches for its being that carrier's code, and it is kept
    whole.
    """
    for rule in among:
        if rule.check is None or (rule.weak and not rules.lists(rule.carrier)):
            continue
        if parts := rule.pattern.fullmatch(text):
            number = _part(parts, "number")
            if "checked" not in rule.pattern.groupindex:
                alone = _decide(number, rules) if number != text else None
                failed = _Found(number, rule, CheckDigit.FAILED)
                if alone is None or _answer(alone) == _answer(failed):
                    return failed
            return _Found(re.sub(r"[^0-9A-Z]", "", text), rule, CheckDigit.FAILED)
    return None


def _shape_alone(rule: Rule) -> bool:
    """True where a carrier's rule proves nothing but a common shape. What a site says is final."""
    return rule.weak and rule.check is None and not rule.own


def _answer(found: _Found | Reason) -> tuple[str, str | None, CheckDigit | None] | None:
    """What a scan of it would tell, or None for a refusal."""
    if isinstance(found, Reason):
        return None
    return found.number, found.rule.carrier if found.rule else None, found.check


def _part(parts: re.Match[str], group: str) -> str:
    """The group of that name, else the number, else all that matched."""
    for name in (group, "number"):
        if name in parts.re.groupindex:
            return parts[name] or ""
    return parts[0]


def _is_product_code(text: str) -> bool:
    """True for EAN-8, UPC-A, EAN-13 and GTIN-14 with a valid check digit."""
    return text.isdecimal() and len(text) in (8, 12, 13, 14) and gs1(text)
