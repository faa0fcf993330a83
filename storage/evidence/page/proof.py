"""The part of a package's page that others compare it with: signature, ledger, keys, hashes.

What it says is a claim until somebody verifies the folder and compares the fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.evidence import bag
from storage.evidence.page.parts import (
    bad,
    code,
    grid,
    grouped,
    link,
    outside,
    size,
    table,
    time,
    visible,
)
from storage.evidence.page.words import labelled, say
from storage.evidence.stated import Stated
from storage.ledger import Entry, KeyChange, facts
from storage.records import parse_utc

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

HOW = f'<a href="{bag.HOW_TO}">{bag.HOW_TO}</a>'
SUBJECTS = ("amendment", "session", "check", "document", "key")
"""What an entry of the ledger is about, by the names of its facts; the first that it has."""


def verify_part(stated: Stated) -> str:
    """Where the folder is verified in the browser, and the fingerprint that must be compared."""
    return (
        f'<section id="verify"><h2>{say("section.verify")}</h2><p>{say("verify.about")}</p>'
        f'<noscript><p class="alarm">{say("verify.needs_script")}</p></noscript>'
        f'<div class="drop scripted"><label class="button"><input type="file" id="folder" '
        f"webkitdirectory multiple><span>{say('verify.choose')}</span></label> "
        f"<span>{say('verify.drop')}</span><p><small>{say('verify.choose_hint')}</small></p></div>"
        f'<div class="running" hidden><progress max="100" value="0" {labelled("verify.progress")}>'
        f'</progress> <button type="button" id="cancel">{say("verify.cancel")}</button>'
        f'<p class="doing"></p></div><div class="result" role="status" aria-live="polite"></div>'
        f"<h3>{say('verify.compare')}</h3><p>{grouped(stated.root_sha256)}</p>"
        f"<p>{say('verify.compare_why', site=outside(stated.site))}</p>"
        f'<p class="scripted"><label>{say("verify.paste")}<br><input type="text" id="published" '
        f'autocomplete="off" spellcheck="false"></label> <output id="compared" for="published">'
        f"</output></p><p><small>{say('verify.itself', how=HOW)}</small></p></section>"
    )


def proof(contents: Contents, stated: Stated) -> str:
    """What this package can be compared with elsewhere, and its excerpt of the ledger."""
    stamped = say("proof.unstamped") if stated.stamped_at is None else time(stated.stamped_at)
    rows = [
        ("proof.digest", code(stated.digest)),
        ("proof.site", outside(stated.site)),
        ("proof.root", grouped(stated.root_sha256)),
        ("proof.stamped", stamped),
        ("proof.as_of", time(stated.as_of)),
        ("proof.head", code(str(contents.head))),
        *(("proof.key", _key(change, change is contents.keys[0])) for change in contents.keys),
    ]
    return (
        f'<section id="proof"><h2>{say("section.proof")}</h2><p>{say("proof.about", how=HOW)}</p>'
        f"{table(rows)}{_ledger(contents)}{_files(contents)}</section>"
    )


def _key(change: KeyChange, first: bool) -> str:
    words = f"{say('proof.endorsed')} {code(change.endorsed_by)}" if change.endorsed_by else ""
    if not change.endorsed_by and not first:
        words = bad(say("proof.unendorsed"))
    return f"{code(change.key)} {visible(change.at)} {words}"


def _ledger(contents: Contents) -> str:
    rows = [_entry(entry) for _, entry in contents.ledger]
    heads = [f"proof.{head}" for head in ("entry", "at", "event", "subject", "hash")]
    return (
        f"<details><summary>{say('section.ledger')} · "
        f"{say('proof.entries', count=str(len(rows)))}</summary><p>{say('proof.ledger')}</p>"
        f"{grid(heads, rows)}</details>"
    )


def _entry(entry: Entry) -> list[str]:
    told = facts(entry)
    subject = next((str(told[name]) for name in SUBJECTS if told.get(name)), "–")
    return [
        str(entry.seq),
        _moment(str(told.get("at", ""))),
        outside(str(told.get("event", "–"))),
        code(subject),
        code(entry.hash),
    ]


def _moment(text: str) -> str:
    try:
        return time(parse_utc(text))
    except ValueError:
        return outside(text)


def _files(contents: Contents) -> str:
    rows = [
        [link(item.name, visible(item.name)), f"{item.size_bytes:,}", code(item.sha256)]
        for item in contents.payload
    ]
    whole = size(sum(item.size_bytes for item in contents.payload))
    count = say("proof.file_count", count=str(len(rows)), size=whole)
    heads = ("proof.file", "proof.bytes")
    return (
        f"<details><summary>{say('section.files')} · {count}</summary>"
        f"{grid((*heads, 'proof.hash'), rows)}</details>"
    )
