"""Other people's claim forms: a PDF with fields, filled by a mapping of its fields to ours.

The mapping is a TOML file that says, for each field of the PDF by its name, which fact of the claim
goes there (see `form_facts.FIELDS`). The PDF comes from outside: it is read and never run, and what
is written says the same but for its fields. Knows no archive.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import tomllib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from storage.claims.form_facts import FIELDS, FormFacts
from storage.errors import FormUnfit

if TYPE_CHECKING:
    from pypdf import PdfReader, PdfWriter

LIMIT_BYTES: Final = 32 << 20
MAP_LIMIT_BYTES: Final = 1 << 20
LONGEST: Final = 4_000
_COMBO: Final = 1 << 17
"""The flag of a list that drops down (ISO 32000-1, table 230)."""
_TYPED: Final = 1 << 18
"""The flag of one that lets any text be typed."""
_DEEPEST: Final = 50
"""More fields above a field than any form has: a circle ends here."""
_NAMED: Final = re.compile(r"\{([a-z_]+)\}")
_FAULTS: Final = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError,
    NotImplementedError, OverflowError, zlib.error, struct.error,
)  # fmt: skip
"""What a broken PDF may make a reader of it fail with, besides its own errors."""


def fill(template: Path, mapping: Path, facts: FormFacts) -> bytes:
    """The PDF with its fields filled; they stay fields, so that a person can correct them.

    Raises FormUnfit, with the file and the field that is in the way; nothing is written then.
    """
    from pypdf import PdfReader, PdfWriter
    from pypdf.errors import PyPdfError

    # It would print what stands in a field; which characters a font lacks, the viewer knows.
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    texts = _texts(mapping, facts)
    content = _read(template, LIMIT_BYTES)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise FormUnfit(template, "it is encrypted: save it without a password")
        if "/XFA" in _dictionary(_dictionary(reader.root_object).get("/AcroForm")):
            # Viewers that know XFA show that, and nothing of what would be filled in.
            raise FormUnfit(template, "it is an XFA form: ask for one with plain fields")
        known = reader.get_fields() or {}
        if not known:
            raise FormUnfit(template, "it has no fields to fill: take a form with fields")
        for name in texts:
            if name not in known:
                some = ", ".join(repr(each[:40]) for each in list(known)[:8])
                raise FormUnfit(mapping, f"the form has no field {name[:80]!r}, but {some}")
        values = {name: _value(mapping, name, known[name], text) for name, text in texts.items()}
        return _written(reader, PdfWriter(clone_from=reader), values)
    except (PyPdfError, *_FAULTS) as error:
        why = " ".join(str(error).split())[:200]
        raise FormUnfit(template, f"it is no PDF form that can be filled ({why})") from error


def _written(reader: PdfReader, writer: PdfWriter, values: Mapping[str, str]) -> bytes:
    writer.set_need_appearances_writer(True)
    for page in writer.pages:
        if "/Annots" in page:
            writer.update_page_form_field_values(page, dict(values), auto_regenerate=True)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _value(mapping: Path, name: str, field: Mapping[str, Any], text: str) -> str:
    """What is put into a field: the text, or the state of a box to tick."""
    if field.get("/FT") == "/Ch" and text:
        return _choice(mapping, name, field, text)
    if field.get("/FT") != "/Btn":
        most = _inherited(field, "/MaxLen")
        if isinstance(most, int) and 0 < most < len(text):
            # A viewer would cut it: half a tracking number is another one.
            _fail(mapping, name, f"takes {most} characters, and this claim has {len(text)} for it")
        return text
    states = [str(state) for state in field.get("/_States_", ()) if str(state) != "/Off"]
    if text == "" or not states:
        return "/Off"
    if f"/{text}" in states:
        return f"/{text}"
    if text == "x":
        return states[0]
    known = ", ".join(state.lstrip("/") for state in states)
    raise FormUnfit(mapping, f"the box {name[:80]!r} cannot be {text[:40]!r}, only: {known}")


def _choice(mapping: Path, name: str, field: Mapping[str, Any], text: str) -> str:
    """One of the texts that a list offers, by what it shows or what it stands for; any text where
    the list lets one be typed."""
    options = [_pair(each) for each in _array(_inherited(field, "/Opt"))]
    found = next((value for value, shown in options if text in (value, shown)), None)
    given = _inherited(field, "/Ff")
    flags = given if isinstance(given, int) else 0
    if not flags & _COMBO and any(value != shown for value, shown in options):
        # pypdf cannot draw one that stands open and whose options have values of their own.
        _fail(mapping, name, "is an open list, which cannot be filled here: leave it out")
    if found is not None or (flags & _COMBO and flags & _TYPED):
        return text if found is None else found
    some = ", ".join(repr(shown[:40]) for _, shown in options[:8])
    _fail(mapping, name, f"cannot be {text[:40]!r}, only: {some}")


def _pair(option: Any) -> tuple[str, str]:
    """What an option of a list stands for, and what it shows."""
    parts = [str(_object(each)) for each in _array(option)] or [str(_object(option))]
    return parts[0], parts[-1]


def _inherited(field: Mapping[str, Any], key: str) -> Any:
    """What a field says, or one above it that it belongs to; None where none does."""
    reference = getattr(field, "indirect_reference", None)
    above = _dictionary(field if reference is None else reference)
    for _ in range(_DEEPEST):
        if key in above:
            return _object(above[key])
        above = _dictionary(above.get("/Parent"))
    return None


def _object(given: Any) -> Any:
    return given.get_object() if hasattr(given, "get_object") else given


def _dictionary(given: Any) -> Mapping[str, Any]:
    found = _object(given)
    return found if isinstance(found, dict) else {}


def _array(given: Any) -> list[Any]:
    found = _object(given)
    return found if isinstance(found, list) else []


def _texts(path: Path, facts: FormFacts) -> dict[str, str]:
    """A text for each field of the form that the mapping names."""
    try:
        told = tomllib.loads(_read(path, MAP_LIMIT_BYTES).decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormUnfit(path, f"it is not TOML: {error}") from error
    table = told.get("fields")
    if not isinstance(table, dict) or not table or len(told) > 1:
        _fail(path, "", 'must have one table [fields], with lines like "Tracking No" = "{carrier}"')
    return {name: _text(path, name, given, facts) for name, given in table.items()}


def _text(path: Path, name: str, given: object, facts: FormFacts) -> str:
    """`"carrier"` is that fact, `"{claimant}, {address}"` a text with facts in it, and
    `{ when = "type", is = "loss", set = "Yes" }` ticks a box or sets a text in one case only."""
    if isinstance(given, dict):
        if not {"when", "is"} <= given.keys() <= {"when", "is", "set"} or not all(
            isinstance(each, str) for each in given.values()
        ):
            _fail(path, name, "must be a text, or { when = FACT, is = TEXT, set = TEXT }")
        if given["when"] not in FIELDS:
            _fail(path, name, f"{given['when'][:40]!r} is no fact: known are {', '.join(FIELDS)}")
        return str(given.get("set", "x")) if facts.fields[given["when"]] == given["is"] else ""
    if not isinstance(given, str):
        _fail(path, name, "must be a text, or { when = FACT, is = TEXT, set = TEXT }")
    if given in FIELDS:
        return _plain(facts.fields[given])
    for named in _NAMED.findall(given):
        if named not in FIELDS:
            _fail(path, name, f"{named[:40]!r} is no fact: known are {', '.join(FIELDS)}")
    return _plain(_NAMED.sub(lambda match: facts.fields[match[1]], given))


def _plain(text: str) -> str:
    """A text that a viewer shows and does not obey, of a length that a field may have."""
    kept = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
    return kept[:LONGEST].strip()


def _read(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise FormUnfit(path, "it is far too big for a form")
        return path.read_bytes()
    except OSError as error:
        raise FormUnfit(path, error.strerror or str(error)) from error


def _fail(path: Path, field: str, why: str) -> NoReturn:
    raise FormUnfit(path, f"{field[:80]!r} {why}" if field else why)
