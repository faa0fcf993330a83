"""The claim form that goes where nobody has one of their own: a PDF, in English or in Chinese.

Puts the facts of a claim on pages (`form.typ`) with a line to sign on. The same facts give the same
bytes. Texts from outside are spelled out where they could act on a reader. Knows no archive.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from storage.claims.form_facts import FormFacts
from storage.errors import told
from storage.evidence.report.glyphs import FAMILIES, font_folder, shown

Language = Literal["en", "zh"]
TOP: Final = ("reference", "claim_number", "portal")
PARTS: Final = (
    ("claimant_part", ("claimant", "address", "contact_email")),
    (
        "parcel_part",
        (
            "tracking_number", "order_id", "carrier", "service", "origin", "destination",
            "recipient_name", "weight", "ordered", "shipped", "delivered",
        ),
    ),
    ("happened_part", ("type", "happened", "description")),
    ("amounts_part", ("requested", "value", "insured", "salvage")),
)  # fmt: skip
AMOUNTS: Final = ("requested", "value", "insured", "salvage")
MOST_LINES: Final = 2_000
"""More items or files than anybody reads: the page says how many are left out."""


def form(facts: FormFacts, language: Language = "en") -> bytes:
    """The PDF. Blocks. Raises ArchiveFull, StorageFailed."""
    import typst

    template = Path(__file__).with_name("form.typ").read_bytes()
    try:
        with tempfile.TemporaryDirectory(prefix="form-") as folder:
            made = typst.compile(
                template,
                root=Path(folder),
                font_paths=_fonts(),
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs={"form": json.dumps(_page(facts, language))},
            )
    except OSError as error:
        raise told(error, Path(tempfile.gettempdir()), "making the claim form") from error
    return bytes(made)


def _page(facts: FormFacts, language: Language) -> dict[str, Any]:
    words = {key: each[language] for key, each in _words().items()}
    today = dt.date.fromisoformat(facts.fields["today"])
    fields = {name: _told(facts, name, words) for name in facts.fields}

    def pairs(names: Iterable[str]) -> list[list[str]]:
        return [[words[name], fields[name]] for name in names if fields[name]]

    return {
        "fonts": FAMILIES,
        "language": language,
        "date": [today.year, today.month, today.day],
        "words": words,
        "reference": shown(facts.claim.reference),
        "type": fields["type"],
        "top": [*pairs(TOP), [words["made"], today.isoformat()]],
        "parts": [[words[part], pairs(names)] for part, names in PARTS],
        "items": [
            [
                shown(item.sku),
                shown(item.name),
                str(item.quantity),
                shown(item.price),
                shown(item.total),
            ]
            for item in facts.items[:MOST_LINES]
        ],
        "items_more": _more(len(facts.items), language),
        "exhibits_more": _more(len(facts.exhibits), language),
        "exhibits": [
            {
                "group": words[f"group_{each.group.value}"],
                "name": shown(each.name),
                "at": f"{each.at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}",
                "size": str(each.size_bytes),
                "sha256": shown(each.sha256),
            }
            for each in facts.exhibits[:MOST_LINES]
        ],
    }


def _more(count: int, language: Language) -> str:
    """What stands below a list that is too long, '' below one that is not."""
    left = count - MOST_LINES
    if left <= 0:
        return ""
    return f"……另有 {left} 行" if language == "zh" else f"... and {left} more"


def _told(facts: FormFacts, name: str, words: Mapping[str, str]) -> str:
    """A field as the form shows it."""
    text = facts.fields[name]
    if name == "type":
        return words[f"type_{text}"]
    if name in AMOUNTS and text:
        return shown(f"{text} {facts.fields['currency']}".strip())
    return shown(text)


@functools.cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[font_folder()])


@functools.cache
def _words() -> Mapping[str, Mapping[str, str]]:
    text = resources.files(__package__).joinpath("form.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
