"""The set-up card, and what its scan tells about a scanner.

Pure: fed with the keys of one scan of the printed card and their times, it answers with what the
scanner does and what the `[scanner]` settings should be. `station.cards` prints the card, the
set-up screen shows the answer. Knows no terminal and no file.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from station.scanner.layouts import (
    NOTHING,
    CapsLock,
    Layout,
    Translation,
    arrives,
    layouts,
    translation,
)

GS: Final = "\x1d"
TEXT_BEFORE_GS: Final = "PW:SETUP:ABCDFGHIJKLMNOQRVXYZqyzm1234567890"
TEXT_AFTER_GS: Final = "-/_.%]()"
CARD_TEXT: Final = TEXT_BEFORE_GS + GS + TEXT_AFTER_GS
"""Every capital, enough small letters to see their case, the digits, a separator, and the signs of
waybills and cards that move between keyboards."""
ENDS: Final = {"enter": "CR", "ctrl+m": "CR", "ctrl+j": "LF", "tab": "TAB"}
GS_KEY: Final = "ctrl+right_square_bracket"
LONGEST_PREFIX: Final = 8
LONGEST_GS: Final = 6
FEWEST_KEYS: Final = 30
"""Fewer are some other code: the card has 52."""
BURST_MS: Final = 35
SLOWEST_MS: Final = 80
"""A fast typist's keys are as close as this: a slower scanner cannot be told from one."""
QUIET_MS: Final = 120
_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_STRANGE: Final = "\ufffe"
"""Stands for a key that is no character."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key as the terminal told it, and its time in seconds."""

    key: str
    character: str | None
    at_s: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """Times between the keys of one scan, ms."""

    median_ms: float
    p95_ms: float
    longest_ms: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What one scan of the card says. `why` is the reason where it says nothing, else ''.

    `settings` are the `[scanner]` keys to write; `problems` are lines for a person, what happened
    and what to do.
    """

    why: str = ""
    scanner: str = ""
    computer: str = ""
    caps_lock: CapsLock = CapsLock.OFF
    ends: tuple[str, ...] = ()
    gaps: Gaps | None = None
    separator: str = ""
    prefix: str = ""
    aim: bool = False
    settings: dict[str, str | int | dict[str, str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def diagnose(strokes: Sequence[Stroke]) -> Setup:
    """What `strokes`, one scan of the card, say about the scanner."""
    keys = list(strokes)
    ends: list[str] = []
    while keys and keys[-1].key in ENDS:
        ends.insert(0, ENDS[keys.pop().key])
    if len(keys) < FEWEST_KEYS:
        return Setup(why=f"{len(keys)} keys: this is not the set-up card. Scan the card")
    gaps = _gaps(keys)
    arrived = [GS if stroke.key == GS_KEY else stroke.character or _STRANGE for stroke in keys]
    for scanner, computer, caps_lock in _suspects():
        if match := _Match.of(arrived, scanner, computer, caps_lock):
            return _told(match, tuple(ends), gaps)
    if explicit := _explicit(arrived):
        return _told(explicit, tuple(ends), gaps)
    return Setup(
        why="these keys fit no keyboard that is known here. Was it the set-up card? If so, set "
        "the scanner to the computer's keyboard, with its own set-up code, and scan again",
        gaps=gaps,
    )


def _suspects() -> Iterator[tuple[Layout, Layout, CapsLock]]:
    """Every pair of layouts, the likeliest first: agreeing ones, then a scanner as it is new."""
    known = list(layouts().values())
    for caps_lock in CapsLock:
        for layout in known:
            yield layout, layout, caps_lock
        for scanner in known:
            for computer in known:
                if scanner is not computer:
                    yield scanner, computer, caps_lock


@dataclass(frozen=True, slots=True)
class _Match:
    """A pair of layouts with which what arrived is the card. Without them: `own` characters."""

    prefix: str
    separator: str
    caps_lock: CapsLock
    translation: Translation
    scanner: str = ""
    computer: str = ""
    own: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, arrived: list[str], scanner: Layout, computer: Layout, caps_lock: CapsLock
    ) -> _Match | None:
        """What stands before and in the middle of the card's text; None if it is not there."""
        before = _expected(TEXT_BEFORE_GS, scanner, computer, caps_lock)
        after = _expected(TEXT_AFTER_GS, scanner, computer, caps_lock)
        for start in range(LONGEST_PREFIX + 1):
            for middle in sorted(_reached(arrived, {start}, before)):
                for place in range(middle, min(middle + LONGEST_GS, len(arrived)) + 1):
                    if len(arrived) in _reached(arrived, {place}, after):
                        return cls(
                            "".join(arrived[:start]),
                            "".join(arrived[middle:place]),
                            caps_lock,
                            translation(scanner, computer, caps_lock),
                            scanner.name,
                            computer.name,
                        )
        return None


def _expected(text: str, scanner: Layout, computer: Layout, caps_lock: CapsLock) -> list[str | int]:
    """What should arrive for `text`: characters, and numbers for up to so many unknown ones.

    A dead key may give nothing, its sign, or take the next character with it.
    """
    found: list[str | int] = []
    dead = False
    for character in text:
        sign = arrives(scanner, computer, caps_lock, character)
        if len(sign) > 1:
            found.append(2)
        elif sign == NOTHING:
            found.append(1)
        else:
            found.append(1 if dead else sign)
        dead = len(sign) > 1
    return found


def _reached(arrived: list[str], starts: set[int], expected: list[str | int]) -> set[int]:
    """Where in `arrived` one can be after `expected`, from any of `starts`."""
    places = starts
    for wanted in expected:
        if isinstance(wanted, int):
            places = {
                place + more
                for place in places
                for more in range(wanted + 1)
                if place + more <= len(arrived)
            }
        else:
            places = {
                place + 1 for place in places if place < len(arrived) and arrived[place] == wanted
            }
        if not places:
            break
    return places


def _explicit(arrived: list[str]) -> _Match | None:
    """A keyboard that is not known, if each character of the card arrived as one of its own."""
    text = CARD_TEXT if len(arrived) == len(CARD_TEXT) else CARD_TEXT.replace(GS, "")
    if len(arrived) != len(text) or _STRANGE in arrived:
        return None
    own: dict[str, str] = {}
    for sign, meant in zip(arrived, text, strict=True):
        if own.setdefault(sign, meant) != meant:
            return None
    if sum(sign == meant for sign, meant in own.items()) < len(own) // 2:
        return None  # most keys stay where they are on every keyboard: it was some other code
    for sign, meant in tuple(own.items()):  # the card shows every capital, but few small letters
        if meant.isupper() and len(sign.lower()) == 1 and sign.isupper():
            own.setdefault(sign.lower(), meant.lower())
    changed = {sign: meant for sign, meant in own.items() if sign != meant and meant != GS}
    separator = arrived[text.index(GS)] if GS in text else ""
    return _Match("", separator, CapsLock.OFF, Translation(changed), own=changed)


def _gaps(keys: Sequence[Stroke]) -> Gaps:
    gaps = sorted((later.at_s - before.at_s) * 1000 for before, later in pairwise(keys))
    return Gaps(statistics.median(gaps), gaps[int(0.95 * (len(gaps) - 1))], gaps[-1])


def _told(match: _Match, ends: tuple[str, ...], gaps: Gaps) -> Setup:
    """The settings and the problems of a scan that was understood."""
    problems: list[str] = []
    own = dict(match.own)
    aim = bool(_AIM.fullmatch(match.translation(match.prefix)))
    if match.prefix and not aim:
        problems.append(
            f"the scanner sends {_shown(match.prefix)} before each code: switch that prefix off "
            "with the scanner's own set-up code"
        )
    if len(match.separator) == 1 and match.separator != GS and match.separator != _STRANGE:
        own[match.separator] = GS
    elif match.separator not in ("", GS):
        problems.append(
            f"the separator of GS1 codes arrives as {_shown(match.separator)}: such codes are "
            "refused. Let the scanner send GS (ASCII 29) or nothing for it"
        )
    lost = [sign for sign in match.translation.lost if sign in CARD_TEXT]
    if lost:
        problems.append(
            f"{' '.join(lost)} cannot be told from other keys: set the scanner to the keyboard of "
            "this computer, or this computer to the scanner's"
        )
    if match.caps_lock is not CapsLock.OFF:
        problems.append("CapsLock is on: switch it off and scan again, or leave it on for ever")
    if gaps.longest_ms > SLOWEST_MS:
        problems.append(
            f"{gaps.longest_ms:.0f} ms between two keys is as slow as a person: let the scanner "
            "send without a delay between characters"
        )
    terminator = "none" if not ends else "tab" if ends[0] == "TAB" else "enter"
    if terminator == "none":
        problems.append(
            "no Enter or Tab ends the code, so the bench waits for silence: let the scanner add "
            "Enter (CR) if it can"
        )
    same = match.scanner == match.computer and match.caps_lock is CapsLock.OFF
    return Setup(
        scanner=match.scanner,
        computer=match.computer,
        caps_lock=match.caps_lock,
        ends=ends,
        gaps=gaps,
        separator=match.separator,
        prefix=match.prefix,
        aim=aim,
        settings={
            "layout": "" if same or not match.scanner else f"{match.scanner}-{match.computer}",
            "characters": own,
            "caps_lock": match.caps_lock.value,
            "terminator": terminator,
            "burst_ms": _rounded(1.5 * gaps.longest_ms, BURST_MS, 2 * SLOWEST_MS),
            "quiet_ms": _rounded(4 * gaps.longest_ms, QUIET_MS, 1_000),
        },
        problems=tuple(problems),
    )


def _rounded(value_ms: float, least: int, most: int) -> int:
    """Up to the next 5 ms, within bounds."""
    return max(least, min(most, 5 * math.ceil(round(value_ms, 3) / 5)))


def _shown(text: str) -> str:
    return "".join(
        sign if sign.isprintable() and sign != _STRANGE else "another key" for sign in text
    )
