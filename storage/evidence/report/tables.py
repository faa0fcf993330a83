"""What stands in a report after the recordings: documents, camera checks, files, and how all of it
is verified. Pure: plain data for the page, every text from outside made harmless.
"""

from __future__ import annotations

from typing import Any, Final

from storage.evidence.contents import Contents
from storage.evidence.facts_check import sealed_by
from storage.evidence.report.glyphs import shown
from storage.evidence.report.parts import About, amendment
from storage.evidence.report.words import Said, Words, count, grouped, moment
from storage.evidence.stated import Stated
from storage.ledger import END_EVENTS, facts
from storage.records import parse_utc

NAME_SHOWN: Final = 300
STEPS: Final = 4
"""Ways to verify that the words name."""


def documents(about: About) -> list[dict[str, Any]]:
    """The documents that were filed later, with their pictures where there is room for those."""
    words, contents = about.words, about.contents
    return [
        {
            "image": about.draw(picture, True)
            if about.papers and (picture := about.pictures.documents.get(each.id)) is not None
            else None,
            "alt": words.said("document_alt", name=each.name)[0],
            "name": shown(each.name, NAME_SHOWN),
            "group": words.said(f"group_{contents.groups[each.id]}"),
            "filed": f"{shown(each.media_type)} · {moment(each.filed_at)} · {shown(each.by)}",
            "role": words.said(f"role_{each.role}"),
            "said": [amendment(about, one) for one in contents.amended(each.id)],
        }
        for each in contents.documents
    ]


def checks(contents: Contents, words: Words) -> list[dict[str, Any]]:
    """What each camera could see when it was checked last."""
    return [
        {
            "row": [
                moment(each.at),
                f"{shown(each.bench)} · {shown(each.camera)}",
                f"{each.width}×{each.height}",
                f"{each.fps:.1f}",
                "–" if each.module_mm is None else f"{each.module_mm:.2f} mm",
                "–" if each.clock_offset_ms is None else f"{each.clock_offset_ms} ms",
            ],
            "verdict": words.said("good" if each.verdict == "good" else "poor"),
            "good": each.verdict == "good",
            "advice": shown(each.advice),
        }
        for check in contents.checks
        for each in check
    ]


def files(contents: Contents, words: Words) -> dict[str, Any]:
    """Every file of evidence with its size and hash."""
    whole = sum(each.size_bytes for each in contents.payload)
    return {
        "total": words.said("files_total", count=len(contents.payload), bytes=count(whole)),
        "rows": [
            [shown(each.name), count(each.size_bytes), shown(each.sha256)]
            for each in contents.payload
        ],
    }


def sealing(contents: Contents, words: Words) -> dict[str, Any]:
    """What the ledger says of each recording, and what stands for the ledger itself."""
    ends = {event.value for event in END_EVENTS.values()}
    entries = [entry for _, entry in contents.ledger if facts(entry).get("event") in ends]
    sealed = sealed_by(entries)
    rows = [
        [
            shown(entry.session or ""),
            count(entry.seq),
            moment(parse_utc(str(facts(entry)["at"]))),
            shown(sealed.get(entry.session or "", ("", None))[0]),
        ]
        for entry in entries
    ]
    proofs: list[tuple[Said, str]] = []
    for change in contents.keys:
        told = f"{shown(change.key)} ({moment(parse_utc(change.at))})"
        named = change is contents.keys[0] or change.endorsed_by
        proofs.append((words.said("keys" if named else "keys_alone"), told))
    return {"rows": rows, "proofs": [*proofs, (words.said("head"), str(contents.head))]}


def proof(stated: Stated, words: Words) -> dict[str, Any]:
    """What the package can be compared with elsewhere."""
    return {
        "steps": [words.said(f"verify_{step}") for step in range(1, STEPS + 1)],
        "digest": stated.digest,
        "root": grouped(stated.root_sha256.upper()),
        "site": shown(stated.site),
        "stamp": words.said("stamp_none")
        if stated.stamped_at is None
        else moment(stated.stamped_at),
    }
