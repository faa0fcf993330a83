"""The parts of a package's page that tell what came from outside a session: corrections, documents,
and the cameras' check before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from storage.evidence.page.parts import (
    bad,
    code,
    grid,
    link,
    outside,
    size,
    time,
    url,
    visible,
)
from storage.evidence.page.words import Part, say
from storage.later import Amendment, Change, Document
from storage.records import CameraCheck

if TYPE_CHECKING:
    from storage.evidence.contents import Contents
    from storage.evidence.page.session import Names

SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""What every browser draws, and nothing in it can run."""


def corrections(amendments: Iterable[Amendment]) -> str:
    """What was said later, oldest first, with who said it and when; nothing for none."""
    lines = "".join(f"<li>{_amendment(each)}</li>" for each in amendments)
    return f"<h3>{say('section.corrections')}</h3><ul>{lines}</ul>" if lines else ""


def _amendment(amendment: Amendment) -> str:
    number = f" <b>{outside(amendment.number)}</b>" if amendment.number else ""
    group = f" ({say(f'group.{amendment.group}')})" if amendment.group else ""
    undone = f" {code(amendment.undoes)}" if amendment.undoes else ""
    text = f": {outside(amendment.text)}" if amendment.text else ""
    who = f"{outside(amendment.by)}, {say(f'role.{amendment.role}')}"
    change = say(f"change.{amendment.change}")
    return f"{time(amendment.at)} · {change}{number}{group}{undone}{text} ({who})"


def gone(amendments: Iterable[Amendment]) -> str:
    """What stands where files would be that policy has deleted; '' where none were."""
    for each in amendments:
        if each.change is Change.DELETED:
            text: Part = f"{time(each.at)} {outside(each.text)}"
            return f"<p>{bad(say('know.deleted', text=text))}</p>"
    return ""


# ---------------------------------------------------------------------------- documents


def documents(contents: Contents, names: Names) -> str:
    """The documents that were filed later, each with what was said of it; nothing for none."""
    if not contents.documents and not contents.damaged_documents:
        return ""
    rows = [_document(each, contents, names[each.id, each.path]) for each in contents.documents]
    heads = (
        "document.document",
        "document.group",
        "document.filed",
        "document.by",
        "document.said",
    )
    return (
        f'<section id="documents"><h2>{say("section.documents")}</h2>'
        f"{grid(heads, rows) if rows else ''}{_lost(contents.damaged_documents)}</section>"
    )


def _document(document: Document, contents: Contents, name: str) -> list[str]:
    label = outside(document.name)
    linked = link(name, label)
    if linked == label:
        linked += f" <em>({say('document.unlinked')}: {code(name)})</em>"
    if document.media_type in SHOWN:
        source = url(name)
        linked = (
            f'<a class="zoom small" href="{source}"><img loading="lazy" src="{source}" '
            f'alt="{visible(document.name)}"></a> {linked}'
        )
    return [
        f"{linked}<br><small>{outside(document.media_type)} · {size(document.size_bytes)}</small>",
        say(f"group.{contents.groups[document.id]}"),
        time(document.filed_at),
        f"{outside(document.by)}, {say(f'role.{document.role}')}",
        "<br>".join(_amendment(each) for each in contents.amended(document.id)) or "–",
    ]


def _lost(ids: Iterable[str]) -> str:
    return "".join(f"<p>{bad(say('document.lost'))} {code(each)}</p>" for each in ids)


# ---------------------------------------------------------------------------- camera checks


def checks(contents: Contents, names: Names) -> str:
    """What each camera could see when it was checked last; nothing when none was."""
    cameras = [camera for check in contents.checks for camera in check]
    if not cameras and not contents.damaged_checks:
        return ""
    rows = [_check(camera, names.get((camera.id, camera.path))) for camera in cameras]
    heads = ("time", "bench", "camera", "picture", "fps", "module", "verdict")
    shown = grid([f"check.{head}" for head in heads], rows) if rows else ""
    return (
        f'<section id="checks"><h2>{say("section.checks")}</h2>{shown}'
        f"{_lost(contents.damaged_checks)}</section>"
    )


def _check(check: CameraCheck, name: str | None) -> list[str]:
    picture = f"{check.width}×{check.height}"
    if name is not None:
        picture = (
            f'<a class="zoom" href="{url(name)}" title="{visible(check.camera)}">{picture}</a>'
        )
    good = check.verdict == "good"
    verdict = say("check.good" if good else "check.poor")
    return [
        time(check.at),
        outside(check.bench),
        outside(check.camera),
        picture,
        f"{check.fps:.1f}",
        "–" if check.module_mm is None else f"{check.module_mm:.2f} mm",
        f"{verdict if good else bad(verdict)} {outside(check.advice)}",
    ]
