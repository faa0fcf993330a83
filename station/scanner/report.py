"""What a set-up found, in lines for a person and as JSON. Pure."""

from __future__ import annotations

from typing import Any, Final

from station.scanner.layouts import CapsLock, layouts
from station.scanner.setup_card import GS, GS_KEY, Setup, Stroke

FASTEST_S: Final = 0.001
_CAPS: Final = {
    CapsLock.OFF: "off",
    CapsLock.LETTERS: "on: capitals and small letters are exchanged",
    CapsLock.SHIFT: "on, as a shift lock: digits arrive as other signs",
}


def strokes_of(text: str) -> list[Stroke]:
    """The keys of a code that did not come key by key, ended as a scanner would."""
    signs = [*text.rstrip("\r\n\t"), "\r"]
    names = {GS: GS_KEY, "\r": "enter"}
    return [
        Stroke(names.get(sign, sign), sign, place * FASTEST_S) for place, sign in enumerate(signs)
    ]


def report_lines(setup: Setup) -> list[str]:
    """What a scan of the card said, one thing in each line."""
    if setup.why:
        return [f"NOT UNDERSTOOD: {setup.why}"]
    known = layouts()
    if setup.scanner:
        scanner, computer = known[setup.scanner].title, known[setup.computer].title
        same = setup.scanner == setup.computer
        agree = f"both {scanner}" if same else f"scanner {scanner}, computer {computer}"
    else:
        agree = "none that is known here; each character is mapped by itself"
    lines = [
        f"Keyboard    {agree}",
        f"CapsLock    {_CAPS[setup.caps_lock]}",
        f"Code ends   {' '.join(setup.ends) or 'with nothing'}",
        f"Separator   {'GS' if setup.separator == GS else _named(setup.separator)}",
        f"AIM prefix  {'on' if setup.aim else 'off'}",
    ]
    if setup.gaps:
        gaps = setup.gaps
        lines.append(
            f"Gaps        {gaps.median_ms:.1f} ms in the middle, 95 % below {gaps.p95_ms:.1f} ms, "
            f"longest {gaps.longest_ms:.1f} ms"
        )
    lines += [f"! {problem}" for problem in setup.problems]
    return [*lines, "", "F5 writes:", *setting_lines(setup)]


def setting_lines(setup: Setup) -> list[str]:
    """The settings as they stand in the file."""
    return [f"  {key} = {_toml(value)}" for key, value in setup.settings.items()]


def to_json(setup: Setup) -> dict[str, Any]:
    """What a scan of the card said."""
    gaps = setup.gaps
    return {
        "ok": not setup.why,
        "why": setup.why,
        "scanner": setup.scanner,
        "computer": setup.computer,
        "caps_lock": setup.caps_lock.value,
        "ends": list(setup.ends),
        "separator": setup.separator,
        "aim_prefix": setup.aim,
        "gaps_ms": gaps
        and {"median": gaps.median_ms, "p95": gaps.p95_ms, "longest": gaps.longest_ms},
        "settings": setup.settings,
        "problems": list(setup.problems),
    }


def _named(separator: str) -> str:
    return f"{separator!r} instead of GS" if separator else "swallowed"


def _toml(value: object) -> str:
    import tomlkit

    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline.as_string()
    return tomlkit.item(value).as_string()
