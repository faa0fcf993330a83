"""The rules by which tracking numbers are known: the carriers', which are data, and a site's own.

Reads `carriers.toml` beside this file once, and decides which rules count at a site and in which
order. Knows no scan: `waybill.py` does the matching. A site's own pattern is held to what any text
of a scan's length passes through in bounded time.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Final

from station.checkdigits import CHECKS

LONGEST_SCAN: Final = 64
"""Characters, without spaces and separators, of the longest scan that could be a waybill: carriers
print up to 38 (`420`, ZIP+4 and a package code of 26). What is longer is not looked at."""

_MOST_STEPS: Final = 20_000
"""Ways in which an own pattern may try to match one text; 20,000 took 7 ms at most."""

_TOKEN: Final = re.compile(
    r"""(?P<open>\((?:\?:|\?P<number>)?(?!\?))
      | (?P<close>\))
      | (?P<either>\|)
      | (?P<class>\[\^?(?:\\.|[^\\\[\]])+\])
      | (?P<repeat>[?*+]|\{[0-9]{1,2}(?:,[0-9]{0,2})?\})
      | (?P<one>\\[dwDW]|\\[^0-9A-Za-z]|[^\\\[\]{}()|?*+^$])""",
    re.VERBOSE,
)
"""What an own pattern may be made of. Left out: what looks around, refers back or names flags."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of one carrier's numbers. See the head of `carriers.toml` for the fields."""

    carrier: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    weak: bool = False
    listed_only: bool = False
    own: bool = False

    @property
    def _tier(self) -> int:
        """Surest first: a shape of its own, a check digit alone, and neither."""
        return 0 if not self.weak else 1 if self.check else 2


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A shape that a site has added: the carrier's code, and a pattern of the whole scan, whose
    group `number` is the tracking number where the bars hold more. Raises ValueError."""

    carrier: str
    pattern: str

    def __post_init__(self) -> None:
        if fault := pattern_fault(self.pattern):
            raise ValueError(f"the pattern {self.pattern!r} of {self.carrier} {fault}")


@functools.cache
def distinctive() -> tuple[Rule, ...]:
    """The rules whose shape names their carrier by itself, at any site."""
    return tuple(rule for rule in table() if not rule.weak)


@functools.cache
def table() -> tuple[Rule, ...]:
    """The rules of `carriers.toml`, surest first."""
    data = tomllib.loads(
        resources.files("station").joinpath("carriers.toml").read_text(encoding="utf-8")
    )
    rules = [
        Rule(
            carrier=row["carrier"],
            pattern=re.compile(row["pattern"], re.ASCII),
            check=CHECKS[row["check"]] if "check" in row else None,
            weak=row.get("weak", False),
            listed_only=row.get("listed_only", False),
        )
        for row in data["rule"]
    ]
    return tuple(sorted(rules, key=lambda rule: rule._tier))


def known_carriers() -> tuple[str, ...]:
    """The carriers of `carriers.toml`, which any site may list, sorted."""
    return tuple(sorted({rule.carrier for rule in table()}))


@functools.lru_cache(maxsize=64)
def rules_of_site(carriers: tuple[str, ...], own: tuple[OwnRule, ...]) -> tuple[Rule, ...]:
    """The rules that count at a site, in the order in which they are tried.

    Its own come first, then those of the carriers that it lists: surest first, and among equals in
    the order of the list. A site that lists none has every rule but those that need listing.
    """
    # weak: a pattern of plain digits must not make tracking numbers of product codes
    first = [Rule(rule.carrier, _compiled(rule.pattern), weak=True, own=True) for rule in own]
    if not carriers:
        return (*first, *(rule for rule in table() if not rule.listed_only))
    listed = [rule for rule in table() if rule.carrier in carriers]
    return (*first, *sorted(listed, key=lambda rule: (rule._tier, carriers.index(rule.carrier))))


def pattern_fault(pattern: str) -> str:
    """What keeps `pattern` from being a site's own rule, as the end of a sentence, else ''."""
    try:
        compiled = _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no pattern: {error}"
    if compiled.fullmatch(""):
        return "must not match an empty scan"
    if (steps := _steps(pattern)) is None:
        return (
            "must be plain: letters, digits, [classes], (?:...), (?P<number>...), |, "
            "with ?, *, + or {n,m} after one character and ? after a group"
        )
    if steps > _MOST_STEPS:
        return "can match in too many ways: give fixed lengths, such as [0-9]{10}"
    return ""


def _compiled(pattern: str) -> re.Pattern[str]:
    # case is ignored because scans are upper case here, whatever the scanner sends
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


def _steps(pattern: str) -> int | None:
    """At most in how many ways `pattern` tries to match a scan; None where it is not plain.

    Nothing but `?` may repeat a group, so the ways of its parts multiply and cannot explode.
    """
    steps, at, before = 1, 0, ""
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return None
        kind, text = token.lastgroup or "", token[0]
        if kind == "repeat":
            if before not in ("class", "one") and not (before == "close" and text == "?"):
                return None
            steps *= _choices(text)
        elif kind == "either":
            steps *= 2
        at, before = token.end(), kind
    return steps


def _choices(repeat: str) -> int:
    """How many lengths `repeat` allows."""
    if repeat in "?*+":
        return 2 if repeat == "?" else LONGEST_SCAN
    low, comma, high = repeat[1:-1].partition(",")
    return (int(high or LONGEST_SCAN) - int(low) + 1) if comma else 1
