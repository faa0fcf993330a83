"""What a terminal sends, cut into keys and clicks so that no barcode can hide a scan.

Stands between the driver's input thread and the app, in the place of Textual's parser, which waits
for the end of a paste for ever, takes up to 32 characters (the next scan's Enter among them) for
one unfinished sequence, and dies of a code point that does not exist. Here a sequence has the form
of ECMA-48 or is none: what breaks the form is a key again, at once. Knows no scan and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import Final

from textual import constants, events
from textual._parser import ParseEOF, ParseTimeout, Peek1, Read1, TokenCallback
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

ESC: Final = "\x1b"
OPAQUE: Final = "sequence"
"""Name of the key that stands for a sequence nobody asked for: no command, but data in a scan."""
NO_LETTER: Final = "\ufffd"
"""What a decoder makes of bytes that are no UTF-8: no key gives it."""
LONGEST_SEQUENCE: Final = 64
KEYED_PIECES: Final = 3
KEYED_S: Final = 0.002
"""A terminal writes a sequence whole; a scanner types its characters one by one, milliseconds
apart. One that came in so many pieces, over so long, was typed."""
_BEGUN: Final = re.compile(
    r"\x1b(?:\[(?:\[|M[^\x00-\x1f\x7f]{0,2}|[0-?]*[ -/]*)?|O)?"  # CSI (console, mouse), SS3
)
_WHOLE: Final = re.compile(
    r"\x1b(?:\[\[[A-E]|\[M[^\x00-\x1f\x7f]{3}|\[(?!M$|\[$)[0-?]*[ -/]*[@-~]|O[@-~]"
    r"|[^\x00-\x1f\x7f\[O])"
)
_MOUSE: Final = re.compile(r"\x1b\[<\d{1,5};-?\d{1,5};-?\d{1,5}[Mm]")
_SYNCHRONIZED: Final = re.compile(r"\x1b\[\?2026;[1-9]\$y")
_NO_KEY: Final = re.compile(
    r"\x1b\[(?:[IO]|20[01]~|\d+;\d+R|48;.*t|M.*)"  # focus, paste, cursor, size, old mouse
)


def _dated(tell: TokenCallback[Message], at_s: float) -> TokenCallback[Message]:
    """`tell` for messages that arrived at `at_s`, though they were understood later: by their times
    a scanner is told from a person."""

    def dated(message: Message) -> None:
        message.time = at_s
        tell(message)

    return dated


class ScanParser(XTermParser):
    """A parser that never waits longer than ESCDELAY, and takes no more than one sequence."""

    def __init__(self, debug: bool = False) -> None:
        self._pieces = 0
        self._read_s = 0.0
        super().__init__(debug)

    @property
    def due_s(self) -> float | None:
        """Seconds until `tick` has something to decide; None while nothing is unfinished."""
        return None if self._timeout_time is None else max(0.0, self._timeout_time - get_time())

    def feed(self, data: str) -> Iterable[Message]:
        """The messages that became certain by `data`, the text of one read from the terminal."""
        self._pieces += 1
        self._read_s = get_time()
        return super().feed(data)

    def broken_off(self) -> Iterable[Message]:
        """The messages of a letter whose last bytes never came: it arrived with the others."""
        return super().feed(NO_LETTER)

    def parse(self, token_callback: TokenCallback[Message]) -> Generator[Read1 | Peek1, str, None]:
        """Textual's hook: asks for characters, tells messages."""
        while not self.is_eof:
            try:
                unread = yield self.read1()
            except ParseEOF:
                return
            while unread:
                if unread != ESC:
                    self._tell_key(unread, _dated(token_callback, self._read_s))
                    break
                first, sequence, unread = self._pieces, ESC, ""
                arrived_s = [self._read_s]
                while not _WHOLE.fullmatch(sequence):
                    try:
                        unread = yield self.read1(constants.ESCAPE_DELAY)
                    except (ParseTimeout, ParseEOF):
                        break
                    longer = sequence + unread
                    if len(longer) > LONGEST_SEQUENCE or not (
                        _BEGUN.fullmatch(longer) or _WHOLE.fullmatch(longer)
                    ):
                        break
                    sequence, unread = longer, ""
                    arrived_s.append(self._read_s)
                keyed = self._pieces - first >= KEYED_PIECES - 1
                keyed &= arrived_s[-1] - arrived_s[0] >= KEYED_S
                if keyed or not _WHOLE.fullmatch(sequence):
                    for character, at_s in zip(sequence, arrived_s, strict=True):
                        self._tell_key(character, _dated(token_callback, at_s))
                else:
                    self._tell_sequence(sequence, _dated(token_callback, arrived_s[0]))

    def _tell_key(self, character: str, tell: TokenCallback[Message]) -> None:
        if character in (ESC, NO_LETTER):
            tell(events.Key("escape", ESC) if character == ESC else events.Key(OPAQUE, None))
            return
        for event in self._sequence_to_key_events(character):
            if event.key != Keys.Ignore:
                tell(event)

    def _tell_sequence(self, sequence: str, tell: TokenCallback[Message]) -> None:
        if _MOUSE.fullmatch(sequence) and (mouse := self.parse_mouse_code(sequence)):
            tell(mouse)
            return
        if _SYNCHRONIZED.fullmatch(sequence):
            tell(TerminalSupportsSynchronizedOutput())
        keys = [] if _NO_KEY.fullmatch(sequence) else self._keys(sequence)
        for event in keys or [events.Key(OPAQUE, None)]:
            tell(event)

    def _keys(self, sequence: str) -> list[events.Key]:
        """The keys that `sequence` names; none where it names none that exists."""
        try:
            keys = list(self._sequence_to_key_events(sequence))
            if not keys and len(sequence) == 2:
                keys = [
                    event
                    for event in self._sequence_to_key_events(sequence[1], alt=True)
                    if event.key.startswith("alt+")  # signs lose it, and the ESC would be hidden
                ]
        except (ValueError, OverflowError):  # a code point beyond Unicode
            return []
        # No key gives two characters: a code that spells Enter behind a letter is none.
        return [event for event in keys if event.key != Keys.Ignore] if len(keys) == 1 else []
