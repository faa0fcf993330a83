"""The page of a package that a person opens first: what happened, shown and explained.

One self-contained HTML file, in English and Chinese, that plays what lies beside it and can verify
the folder that it lies in. It reaches no network, and nothing in it runs but its own script, which
its policy names by hash. Every text in it is hostile until escaped: scans, names and notes come
from outside. All of it can be read without the script. The same package gives the same page. Opens
no file but the viewer's own parts and knows no archive.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING

from storage.evidence import bag
from storage.evidence.page import glance as page_glance
from storage.evidence.page import later as page_later
from storage.evidence.page.have import have
from storage.evidence.page.parts import (
    DOUBT,
    carrier,
    harmless,
    listed,
    outside,
    sign,
    time,
    visible,
)
from storage.evidence.page.proof import proof, verify_part
from storage.evidence.page.session import session_part
from storage.evidence.page.words import VIEWER, labelled, pair, say, script_words
from storage.evidence.stated import Stated

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

SCRIPTS = (
    "sha256.js",
    "der.js",
    "certificates.js",
    "signature.js",
    "lists.js",
    "folder.js",
    "check.js",
    "said.js",
    "film.js",
    "zoom.js",
    "verify.js",
    "page.js",
)
"""What the page's one script is made of, in this order."""
UNSAFE_IN_SCRIPT = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


@functools.cache
def style() -> str:
    """The page's style sheet."""
    return _part("page.css")


@functools.cache
def script() -> str:
    """The page's script: one function that nothing outside can reach into."""
    return '"use strict";\n(() => {\n' + "\n".join(map(_part, SCRIPTS)) + "})();\n"


def page(contents: Contents, stated: Stated) -> str:
    """The HTML of a package that holds this. It tells no time but those of the evidence."""
    names = {(item.session, item.source): item.name for item in contents.payload}
    numbers = sorted({contents.numbers[session.id] for session in contents.sessions})
    title = visible(", ".join(numbers))
    sessions = "".join(session_part(session, contents, names) for session in contents.sessions)
    documents, checks = page_later.documents(contents, names), page_later.checks(contents, names)
    body = (
        f"{_top(contents, stated, title, bool(documents))}<main>{_summary(contents, stated)}"
        f"{sessions}{have(contents)}{documents}{checks}{verify_part(stated)}"
        f"{proof(contents, stated)}</main>{_zoom()}"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} · {' '.join(pair('top.kind'))}</title><style>{style()}</style></head>"
        f'<body>{body}<script type="application/json" id="told">{_told(stated)}</script>'
        f'<script id="viewer">{script()}</script></body></html>\n'
    )


def _part(name: str) -> str:
    return resources.files(VIEWER).joinpath(name).read_text(encoding="utf-8")


def _policy() -> str:
    """Only pictures and videos beside the page are loaded; nothing runs but its own script."""
    return (
        f"default-src 'none'; script-src '{_hash(script())}'; style-src '{_hash(style())}'; "
        "img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _told(stated: Stated) -> str:
    """What the script knows of the package that the page was made for. It is data, and no browser
    runs it; still nothing in it can end it."""
    told = {
        "digest": stated.digest,
        "root": stated.root_sha256,
        "site": harmless(stated.site),
        "words": script_words(),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).translate(UNSAFE_IN_SCRIPT)


# ---------------------------------------------------------------------------- parts


def _top(contents: Contents, stated: Stated, title: str, documents: bool) -> str:
    """What it is of, the choice of language, and the way to each part."""
    carriers = {session.waybill.carrier: None for session in contents.sessions}
    orders = sorted({order for each in contents.orders.values() for order in each})
    facts = [f"{say('top.carrier')}: <b>{', '.join(map(carrier, carriers))}</b>"]
    if orders:
        facts.append(f"{say('top.orders')}: <b>{listed(orders)}</b>")
    parts = [("summary", "summary")]
    parts += [("documents", "documents")] if documents else []
    parts += [("completeness", "completeness"), ("verify", "verify"), ("proof", "proof")]
    links = "".join(f'<a href="#{id_}">{say(f"section.{key}")}</a>' for id_, key in parts)
    sessions = "".join(
        f'<a href="#{session.id}">{page_glance.title(session, contents)}</a>'
        for session in contents.sessions
    )
    links = links.replace("</a>", f"</a>{sessions}", 1)
    return (
        f'<header><div class="bar"><p class="kind">{say("top.kind")} · {outside(stated.site)}</p>'
        f'<div class="choices scripted"><span role="group" {labelled("top.languages")}>'
        '<button type="button" data-lang="en" lang="en">English</button>'
        '<button type="button" data-lang="zh" lang="zh">中文</button></span>'
        f'<span role="group" {labelled("top.clock")}>'
        f'<button type="button" data-clock="utc">{say("top.utc")}</button>'
        f'<button type="button" data-clock="local">{say("top.local")}</button></span></div></div>'
        f'<p class="over">{say("top.number")}</p>{_heading(title)}<p>{" · ".join(facts)}</p>'
        f"<nav {labelled('top.contents')}>{links}"
        f'<a href="{bag.REPORT}">{say("top.report")}</a></nav>'
        f'<noscript><p class="note">{say("top.no_script")}</p></noscript>'
        f'<div id="packed" class="note" role="alert" hidden><b>{say("top.unpack_title")}</b> '
        f"{say('top.unpack')}</div></header>"
    )


def _heading(title: str) -> str:
    return f'<h1 class="many">{title}</h1>' if ", " in title else f"<h1>{title}</h1>"


def _summary(contents: Contents, stated: Stated) -> str:
    """What happened to the parcel and what is unusual about it, in a minute."""
    stamped = ""
    if stated.stamped_at is not None:
        stamped = f"<p>{say('proof.stamped')}: {time(stated.stamped_at)}</p>"
    return (
        f'<section id="summary"><h2>{say("section.summary")}</h2>{page_glance.glance(contents)}'
        f'<div class="pair"><div><h3>{say("section.know")}</h3>'
        f"{page_glance.notices(contents)}</div>"
        f'<div class="tile doubt" id="checked"><h4>{say("glance.signed")}</h4>'
        f"<strong>{sign(DOUBT)} {say('glance.unchecked')}</strong>"
        f"<p>{say('glance.by_site', site=outside(stated.site))}</p>{stamped}"
        f'<p><a class="button" href="#verify">{say("glance.check_now")}</a></p></div></div>'
        "</section>"
    )


def _zoom() -> str:
    """Where a photo is shown large; opened by the script."""
    buttons = "".join(
        f'<button type="button" data-zoom="{act}" {labelled(f"zoom.{act}")}>{mark}</button>'
        for act, mark in (
            ("previous", "←"),
            ("next", "→"),
            ("farther", "−"),
            ("fit", "□"),
            ("closer", "+"),
            ("close", "✕"),
        )
    )
    return (
        f'<dialog id="zoom" {labelled("zoom.title")}><div class="tools"><p></p>{buttons}</div>'
        f'<div class="stage" tabindex="0"><img alt=""></div><p class="keys">{say("zoom.keys")} · '
        f'<a href="#">{say("zoom.file")}</a></p></dialog>'
    )
