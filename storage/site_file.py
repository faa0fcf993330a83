"""What the files have in common that a site may write beside the program's own: export profiles and
rules of deadlines. TOML, UTF-8; whatever is wrong is told with its place.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final, NoReturn

from storage.errors import SiteFileUnreadable

NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
AS_OF: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
LONGEST_NAME, LONGEST_TEXT = 40, 600


def text_of(path: Path, unreadable: type[SiteFileUnreadable]) -> str:
    """What stands in the file. Raises `unreadable`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise unreadable(path, "", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise unreadable(path, "", "it is not UTF-8 text") from error


class SiteFile:
    """Reads the values of one such file; each that is wrong raises `unreadable`."""

    unreadable: type[SiteFileUnreadable]

    def __init__(self, path: Path) -> None:
        self._path = path

    def _tables(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._fail("", f"it is not TOML: {error}")

    def _texts(self, place: str, given: object) -> tuple[str, ...]:
        if not isinstance(given, list):
            self._fail(place, "must be a list of texts")
        return tuple(self._text(place, each) for each in given)

    def _text(self, place: str, given: object) -> str:
        if not isinstance(given, str) or not given or len(given) > LONGEST_TEXT:
            self._fail(place, f"must be a text of 1 to {LONGEST_TEXT} characters")
        if not given.isprintable():
            self._fail(place, "holds a character that cannot be printed")
        return given

    def _fail(self, place: str, why: str) -> NoReturn:
        raise self.unreadable(self._path, place, why)
