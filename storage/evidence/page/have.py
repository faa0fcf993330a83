"""The part of a package's page that tells what is there and what is not: photos, video, documents.

A document that is not there is no fault of the package: which ones a claim needs is for its reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from storage.evidence.page.glance import title
from storage.evidence.page.parts import BAD, GOOD, PLAIN, sign, slot
from storage.evidence.page.words import said, say
from storage.later import EvidenceGroup
from storage.records import Session

if TYPE_CHECKING:
    from storage.evidence.contents import Contents


def have(contents: Contents) -> str:
    """For each session its required photos and video, then the evidence groups of the documents."""
    parts = [
        _list(title(session, contents), _of_session(session, session.id in contents.deleted))
        for session in contents.sessions
    ]
    parts.append(_list(say("section.documents"), _groups(contents)))
    return (
        f'<section id="completeness"><h2>{say("section.completeness")}</h2>'
        f'<div class="have">{"".join(parts)}</div></section>'
    )


def _list(head: str, lines: Iterator[str]) -> str:
    return f"<div><h3>{head}</h3><ul>{''.join(lines)}</ul></div>"


def _line(verdict: str, what: str, how: str) -> str:
    return f"<li>{sign(verdict)} {what} <em>{how}</em></li>"


def _of_session(session: Session, deleted: bool) -> Iterator[str]:
    needed = [
        (say("have.photo", slot=slot(name)), name not in session.missing)
        for name in session.required_slots
    ]
    for what, taken in [*needed, (say("have.video"), bool(session.clips))]:
        there = taken and not deleted
        key = "have.there" if there else "glance.deleted" if taken else "have.missing"
        yield _line(GOOD if there else BAD, what, say(key))


def _groups(contents: Contents) -> Iterator[str]:
    filed = [contents.groups[document.id] for document in contents.documents]
    for group in EvidenceGroup:
        count = filed.count(group)
        what = say("have.documents", group=said(f"group.{group}"))
        yield _line(GOOD, what, str(count)) if count else _line(PLAIN, what, say("have.none"))
