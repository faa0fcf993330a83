"""Keys in, scans out: a keyboard-wedge scanner told apart from a person.

Pure: fed with keys and the times at which they arrived (stamped in the driver's input thread, so a
busy screen does not blur them), it answers with texts and commands. Stands before focus, bindings
and dialogs. Knows no Textual and no rule.

A scanner types a code within milliseconds and ends it with CR, LF, Tab or nothing; a setting may
say which. Whatever comes inside such a burst is data: a control character, an arrow or a function
key that the terminal made of an escape sequence is put into the text, where it makes the scan
refused, and is never obeyed.
A command key is therefore held for one burst gap before it counts.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import Final

from station.scanner.settings import QUIET_AFTER_TERMINATOR_S, Terminator

TERMINATORS: Final = frozenset({"enter", "ctrl+m", "ctrl+j", "tab"})
ENDS: Final[dict[Terminator, frozenset[str]]] = {
    "auto": TERMINATORS,
    "enter": TERMINATORS - {"tab"},
    "tab": frozenset({"tab"}),
    "none": TERMINATORS,
}
"""What ends a burst, by the setting; the others are data inside it. Outside one, where a person
types, all of them do."""
SEPARATORS: Final = {
    "ctrl+right_square_bracket": "\x1d",
    "ctrl+circumflex_accent": "\x1e",
    "ctrl+backslash": "\x1c",
    "ctrl+underscore": "\x1f",
}
"""GS1 and ISO 15434 separators, as terminals name their keys."""
ESCAPE: Final = "\x1b"
"""Stands for a key that is no character, inside a burst."""
QUIET_S: Final = 0.12
"""A burst without a terminator ends after this silence: three times the slowest scanner's gap."""
SHORTEST_KEYED: Final = 3
"""Keys that nobody types one burst gap apart."""
SHORTEST_BURST: Final = 6
"""Keys that a scanner without a terminator sends at least; fewer are a person's."""
STALE_S: Final = 0.5
"""What a person has typed, and left for so long, is no part of the scan that follows."""
LONGEST_ENTRY: Final = 4_096


@dataclass(frozen=True, slots=True)
class Scan:
    """One text, as it arrived. `keyed`: a scanner typed it, by its own idea of the keyboard."""

    text: str
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A key that is a command, not part of a scan."""

    key: str


Taken = list[Scan | CommandKey]


class Wedge:
    """Collects keys into scans. Times are seconds of one monotonic clock."""

    def __init__(
        self, burst_s: float, terminator: Terminator = "auto", quiet_s: float = QUIET_S
    ) -> None:
        self._burst_s = burst_s
        self._ends = ENDS[terminator]
        self._may_learn = terminator == "auto"
        self._unended_s = quiet_s
        self._quiet_s = QUIET_AFTER_TERMINATOR_S if terminator in ("enter", "tab") else quiet_s
        self._keys: list[str] = []
        self._gaps_s: list[float] = []
        self._run = 0
        """Where in `_keys` the newest run of fast keys begins."""
        self._last_s = float("-inf")
        self._held: str | None = None

    @property
    def entry(self) -> str:
        """What has been typed or scanned so far and not ended."""
        return "".join(self._keys)

    @property
    def waiting(self) -> bool:
        """True while `settle` has something to decide later."""
        return self._held is not None or self._is_burst or self._is_spoilt

    def is_quiet(self, now_s: float) -> bool:
        """True when no scanner is at work: what stands in `entry` is a person's."""
        return now_s - self._last_s >= self._burst_s

    def key(self, key: str, character: str | None, at_s: float) -> Taken:
        """Take one key; what has become certain by it, in order."""
        gap_s, self._last_s = at_s - self._last_s, at_s
        burst = gap_s < self._burst_s
        out: Taken = []
        if self._held is not None:
            if burst and key == self._held:
                return out  # a key that is held down repeats itself
            if burst:
                self._take(ESCAPE, float("inf"))  # it began a burst: data
            else:
                out.append(CommandKey(self._held))
            self._held = None
        inside = burst and len(self._keys) > self._run
        if key in self._ends or (key in TERMINATORS and not inside):
            if self._is_burst and self._may_learn:
                self._quiet_s = QUIET_AFTER_TERMINATOR_S
            return out + self._end()
        data = SEPARATORS.get(key, character)
        if "alt+" in key and inside:
            self._take(ESCAPE, gap_s)  # the terminal made `alt+x` of an ESC and an x
            self._take(data or "", gap_s)
        elif key in SEPARATORS or (data and data.isprintable() and "alt+" not in key):
            self._take(data or "", gap_s)
        elif inside:
            self._take(data or ESCAPE, gap_s)
        elif key == "backspace" and self._keys:
            del self._keys[-1], self._gaps_s[-1]
            self._run = len(self._keys)
        elif key == "escape" and self._keys:
            self._clear()
        else:
            self._held = key
        return out

    def interrupt(self, at_s: float) -> bool:
        """A mouse button told by the terminal. True when it is part of a burst: data as well."""
        if self.is_quiet(at_s) or len(self._keys) == self._run:
            return False
        self._take(ESCAPE, at_s - self._last_s)
        self._last_s = at_s
        return True

    def paste(self, text: str) -> Taken:
        """A bracketed paste: one scan for each line. GS is no line end."""
        out = self._end()
        out += [Scan(line) for line in re.split(r"[\r\n\t]+", text) if line]
        return out

    def settle(self, now_s: float) -> Taken:
        """What silence has decided by `now_s`, when no key is under way any more."""
        silent_s = now_s - self._last_s
        if self._held is not None:
            if silent_s < self._burst_s:
                return []
            held, self._held = self._held, None
            return [CommandKey(held)]
        if self._is_spoilt and silent_s >= self._unended_s:
            # Refused in any case: it must not wait for its end, and take the next scan with it.
            if not self._is_noise:
                return self._end()
            self._clear()
        if silent_s >= self._quiet_s and self._is_burst:
            if self._may_learn:
                self._quiet_s = self._unended_s
            return self._end()
        return []

    @property
    def _is_burst(self) -> bool:
        """The newest keys came from a scanner. One key that a person holds down does not."""
        run = self._keys[self._run :]
        return len(run) >= SHORTEST_BURST and any(key != run[0] for key in run)

    @property
    def _is_spoilt(self) -> bool:
        """What is no character stands in it: no number will come of it."""
        return any(not key.isprintable() and key not in SEPARATORS.values() for key in self._keys)

    @property
    def _is_noise(self) -> bool:
        """No character at all: two command keys that came too close."""
        return 0 < len(self._keys) < SHORTEST_BURST and set(self._keys) == {ESCAPE}

    def _take(self, data: str, gap_s: float) -> None:
        if gap_s >= self._burst_s:
            self._run = len(self._keys)
        if len(self._keys) < LONGEST_ENTRY:
            self._keys.append(data)
            self._gaps_s.append(gap_s)

    def _end(self) -> Taken:
        start = self._run if self._is_burst and self._follows_a_person else 0
        text, gaps_s = "".join(self._keys[start:]), self._gaps_s[start + 1 :]
        # The middle one: a scanner that hesitates on the way is no person.
        keyed = len(gaps_s) >= SHORTEST_KEYED - 1 and statistics.median(gaps_s) < self._burst_s
        self._clear()
        return [Scan(text, keyed)] if text else []

    @property
    def _follows_a_person(self) -> bool:
        """What stands before the newest run was typed, and left alone for a while."""
        if not self._run or self._gaps_s[self._run] < STALE_S:
            return False
        return all(gap_s >= self._burst_s for gap_s in self._gaps_s[1 : self._run])

    def _clear(self) -> None:
        self._keys.clear()
        self._gaps_s.clear()
        self._run = 0
