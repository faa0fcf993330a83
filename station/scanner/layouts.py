"""Keyboard layouts: what arrives when a scanner and the computer disagree about the keyboard.

A keyboard-wedge scanner presses keys. It chooses them by the layout that it is set to; the computer
turns them into characters by its own. Pure; the layouts are data, in `layouts.toml` beside this
file. Knows no scan, no screen and no setting.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from importlib import resources
from typing import Final

DEAD: Final = "†"
"""Marks a key that gives nothing alone, and changes the letter that follows."""
NOTHING: Final = "∅"
KEYS: Final = 48
ASCII: Final = tuple(map(chr, range(0x21, 0x7F)))


class Level(IntEnum):
    """What is held while a key is pressed."""

    PLAIN = 0
    SHIFT = 1
    ALTGR = 2


class CapsLock(StrEnum):
    """What the computer's CapsLock does now: nothing, to letters alone, or to every key.

    The last is a shift lock, as French Windows has it: with it, digits arrive as accents.
    """

    OFF = "off"
    LETTERS = "letters"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout: for each level, what each of the keys gives."""

    name: str
    title: str
    levels: tuple[tuple[str, ...], ...]

    def press(self, character: str) -> tuple[int, Level] | None:
        """The key and level that a scanner set to this layout presses for `character`."""
        for level in Level:
            if character in self.levels[level]:
                return self.levels[level].index(character), level
        return None

    def gives(self, key: int, level: Level, caps_lock: CapsLock) -> str:
        """What a computer with this layout makes of a key: a character, NOTHING, or DEAD + sign."""
        if caps_lock is CapsLock.SHIFT and level is not Level.ALTGR:
            level = Level.PLAIN if level is Level.SHIFT else Level.SHIFT
        sign = self.levels[level][key]
        if caps_lock is CapsLock.LETTERS and len(sign.swapcase()) == 1:
            return sign.swapcase()
        return sign


@functools.cache
def layouts() -> dict[str, Layout]:
    """Every known layout by its name, the likeliest first."""
    text = resources.files("station.scanner").joinpath("layouts.toml").read_text(encoding="utf-8")
    return {
        name: Layout(
            name,
            entry["name"],
            tuple(tuple(" ".join(entry[level.name.lower()]).split()) for level in Level),
        )
        for name, entry in tomllib.loads(text).items()
    }


def arrives(scanner: Layout, computer: Layout, caps_lock: CapsLock, character: str) -> str:
    """What arrives for `character`: a character, NOTHING, or DEAD + sign."""
    if character == " ":
        return character
    pressed = scanner.press(character)
    return NOTHING if pressed is None else computer.gives(*pressed, caps_lock)


def layout_pair(setting: str) -> tuple[Layout, Layout] | None:
    """The layouts of a `SCANNER-COMPUTER` setting; None if it names none."""
    scanner, _, computer = setting.partition("-")
    known = layouts()
    return (known[scanner], known[computer]) if scanner in known and computer in known else None


@dataclass(frozen=True, slots=True)
class Translation:
    """From what arrives to what the barcode says.

    `lost` are the characters that cannot be told any more: their key is dead, gives nothing, or
    gives what another one gives as well.
    """

    characters: dict[str, str]
    lost: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        """`text` as it was printed; characters that no key gives are left as they are."""
        if not self.characters:
            return text
        return "".join(self.characters.get(character, character) for character in text)


@functools.cache
def translation(scanner: Layout, computer: Layout, caps_lock: CapsLock) -> Translation:
    """What turns the characters of such a computer back into those of the scanner."""
    found: dict[str, str] = {}
    lost: list[str] = []
    for character in ASCII:
        arrived = arrives(scanner, computer, caps_lock, character)
        if len(arrived) > 1 or arrived == NOTHING:
            lost.append(character)
        elif arrived in found:
            lost += [character, found[arrived]]
        else:
            found[arrived] = character
    changed = {arrived: meant for arrived, meant in found.items() if arrived != meant}
    return Translation(changed, tuple(dict.fromkeys(lost)))


def configured(layout: str, caps_lock: CapsLock, characters: dict[str, str]) -> Translation:
    """The translation of a site's setting; `characters` of its own come before the layouts'."""
    known = layout_pair(layout or "us-us")
    if known is None:
        raise ValueError(f"no such pair of layouts: {layout}")
    found = translation(*known, caps_lock)
    return Translation({**found.characters, **characters}, found.lost)
