"""What a package's manifest.json tells, against the evidence, the ledger's entries and the keys.

It may be forged in every value. Opens no file; whether the keys are those of the archive that it
names is for somebody who knows that archive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import keys, ledger
from storage.check import MISUNDERSTOOD, parsed_check, parsed_manifest, pictures_of
from storage.evidence import bag, proof_check
from storage.evidence.bag import FACTS, Payload
from storage.evidence.completeness import completeness_to_json
from storage.files import (
    AMENDMENT_MANIFEST,
    CHECK_MANIFEST,
    DOCUMENT_MANIFEST,
    MANIFEST,
    Written,
)
from storage.later import (
    Amendment,
    Change,
    EvidenceGroup,
    amendment_from_json,
    amendment_to_json,
    document_from_json,
    document_to_json,
)
from storage.ledger import LedgerEvent
from storage.problem import Problem
from storage.records import Session, session_from_json, session_to_json
from storage.rows import media_of

SEALING = (
    *ledger.END_EVENTS.values(),
    LedgerEvent.CAMERAS_CHECKED,
    LedgerEvent.DOCUMENT_FILED,
    LedgerEvent.AMENDED,
    LedgerEvent.ADOPTED,
)
"""The events that name the SHA-256 of a manifest, and the key that signed it."""
MOVING = (Change.REBOUND, Change.REFILED)

Told = dict[str, Any]
Files = Sequence[tuple[str, str]]
"""Path in the archive and SHA-256 of each file that a manifest names."""


@dataclass(frozen=True, slots=True)
class Facts:
    """manifest.json, as far as it is looked at. `told` has what it tells of each thing in the
    package, by the name of that thing's manifest; `read` is all of it."""

    read: Told
    format: str
    payload: list[Payload]
    told: dict[str, Told]
    excerpt: list[tuple[str, ledger.Entry]]
    keys: dict[str, bytes]
    key: str
    effective: dict[str, str]
    deleted: list[str]

    @property
    def signed(self) -> bool:
        """False for a format that knew no signatures, and nothing said later."""
        return self.format in (bag.SIGNED_BY_KEY, bag.FORMAT)


def format_of(tags: Mapping[str, bytes]) -> str:
    """The format that manifest.json names; the newest one where it names none that is known."""
    try:
        format_ = json.loads(tags.get(FACTS, b""))["format"]
    except MISUNDERSTOOD:
        return bag.FORMAT
    return format_ if format_ in bag.FORMATS else bag.FORMAT


def sealed_by(chain: Iterable[ledger.Entry]) -> dict[str, tuple[str, str | None]]:
    """The SHA-256 of the manifest of each session, check, document and amendment that these entries
    tell of, and the id of the key that signed it (None before there were keys), by its id."""
    sealed: dict[str, tuple[str, str | None]] = {}
    for entry in chain:
        told = ledger.facts(entry)
        if told.get("event") in SEALING and "manifest_sha256" in told:
            key = told.get("key")
            owner = str(told.get("amendment") or told.get("session"))
            sealed[owner] = (str(told["manifest_sha256"]), None if key is None else str(key))
    return sealed


def problems(
    listed: Mapping[str, str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What in manifest.json disagrees with the evidence, and the signatures that do not hold."""
    try:
        read = json.loads(tags.get(FACTS, b""))
        if read["format"] not in bag.FORMATS:
            yield Problem(FACTS, "is of a format that this version does not know")
            return
        facts = _understood(read)
    except MISUNDERSTOOD:
        yield Problem(FACTS, "cannot be understood")
        return
    yield from _file_problems(facts, listed, found)
    for previous, entry in facts.excerpt:
        if ledger.chained(previous, entry.body) != entry.hash:
            seq = ledger.facts(entry).get("seq")
            yield Problem(FACTS, f"ledger entry {seq}: was changed")
    yield from _key_problems(facts, listed, tags)
    sealed = sealed_by(entry for _, entry in facts.excerpt)
    held = {(item.session, item.source): item.sha256 for item in facts.payload}
    for name, told in facts.told.items():
        owner = name.split("/")[1]
        digest, key = sealed.get(owner, (None, None))
        if digest != listed.get(name):
            yield Problem(name, "is not the manifest that the ledger tells of")
        if facts.signed:
            yield from _signature_problems(facts, name, key, tags)
        items = _parsed(told, tags.get(name, b""), name)
        if isinstance(items, Problem):
            yield items
            continue
        if owner in facts.deleted:
            continue
        for path, sha256 in items:
            if held.get((owner, path)) != sha256:
                yield Problem(name, f"names {path!r}, which is not in the package as sealed")
    if facts.signed:
        yield from _later_problems(facts)
    if facts.format == bag.FORMAT:
        yield from _proof_problems(facts, tags)


def _understood(read: Told) -> Facts:
    """Raises what `MISUNDERSTOOD` lists."""
    told: dict[str, Told] = {}
    for kind, id_name, manifest in (
        ("sessions", "session", MANIFEST),
        ("camera_checks", "check", CHECK_MANIFEST),
        ("documents", "document", DOCUMENT_MANIFEST),
        ("amendments", "amendment", AMENDMENT_MANIFEST),
    ):
        for each in read.get(kind, ()):
            told[f"data/{each[id_name]}/{manifest}"] = dict(each)
    return Facts(
        read=read,
        format=str(read["format"]),
        payload=[
            Payload(
                str(item["path"]),
                str(item["session"]),
                str(item["source"]),
                int(item["size_bytes"]),
                str(item["sha256"]),
            )
            for item in read["files"]
        ],
        told=told,
        excerpt=[
            (str(item["previous"]), ledger.Entry(0, None, str(item["body"]), str(item["hash"])))
            for item in read["ledger"]
        ],
        keys={str(each["key"]): bytes.fromhex(each["public"]) for each in read.get("keys", ())},
        key=str(read.get("key", "")),
        effective=dict(read.get("effective", {})),
        deleted=[str(each) for each in read.get("deleted", ())],
    )


def _file_problems(
    facts: Facts, listed: Mapping[str, str], found: Mapping[str, Written]
) -> Iterator[Problem]:
    wanted = {name: digest for name, digest in listed.items() if name[:5] == "data/"}
    if {item.name: item.sha256 for item in facts.payload} != wanted:
        yield Problem(FACTS, f"and {bag.PAYLOAD_MANIFEST} list different files")
    owners = {name.split("/")[1] for name in facts.told}
    for item in facts.payload:
        if item.session not in owners or not item.name.startswith(f"data/{item.session}/"):
            yield Problem(item.name, f"belongs to nothing that {FACTS} tells of")
        if item.name in found and found[item.name].size_bytes != item.size_bytes:
            has = found[item.name].size_bytes
            yield Problem(item.name, f"has {has} bytes, sealed were {item.size_bytes}")


def _key_problems(
    facts: Facts, listed: Mapping[str, str], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What does not hold of the keys, and of the package's own signature."""
    here = {name for name in listed if bag.KEY_FILE.fullmatch(name)}
    if not facts.signed:
        return
    told = {change.key: change for change in ledger.keys_told(e for _, e in facts.excerpt)}
    for key, public in facts.keys.items():
        name = bag.key_file(key)
        if key not in told or told[key].public != public:
            yield Problem(name, "is not a key that the ledger tells of")
        elif tags.get(name) != keys.pem(public):
            yield Problem(name, f"is not the key that {FACTS} tells of")
    for name in sorted(here - {bag.key_file(key) for key in facts.keys}):
        yield Problem(name, f"is a key that {FACTS} does not tell of")
    if facts.format != bag.SIGNED_BY_KEY:
        return
    signature = tags.get(bag.OLD_SIGNATURE)
    if signature is None:
        yield Problem(bag.OLD_SIGNATURE, "is missing: the package is not signed")
    elif not keys.holds(facts.keys.get(facts.key, b""), tags.get(bag.TAG_MANIFEST, b""), signature):
        yield Problem(bag.OLD_SIGNATURE, "does not hold: the package was changed")


def _proof_problems(facts: Facts, tags: Mapping[str, bytes]) -> Iterator[Problem]:
    """What does not hold of the proofs, and of what follows from the rest."""
    try:
        yield from proof_check.problems(facts.read, facts.excerpt, facts.keys, tags)
        sessions = [session_from_json(each) for each in facts.read["sessions"]]
        groups = [
            EvidenceGroup(facts.read["groups"][each["document"]])
            for each in facts.read["documents"]
        ]
        as_of = max(str(ledger.facts(entry)["at"]) for _, entry in facts.excerpt)
        if facts.read["as_of"] != as_of:
            yield Problem(FACTS, f"is not as of {as_of}, when the newest of its entries was told")
        known = ledger.keys_told(entry for _, entry in facts.excerpt)
        if facts.read["keys"] != [ledger.key_to_json(change) for change in known]:
            yield Problem(FACTS, "tells something else of the archive's keys than its ledger")
        complete = completeness_to_json(sessions, facts.deleted, groups)
        if not _same(facts.read["completeness"], complete):
            yield Problem(FACTS, "tells of another completeness than its sessions")
    except MISUNDERSTOOD:
        yield Problem(FACTS, "cannot be understood")


def _signature_problems(
    facts: Facts, name: str, key: str | None, tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """`key` is that of the ledger's entry; what was sealed before there were keys has none."""
    signature_at = bag.signature_name(name)
    signature = tags.get(signature_at)
    if signature is None:
        if key is not None:
            yield Problem(signature_at, f"is missing: the ledger says that key {key} signed it")
    elif not keys.holds(facts.keys.get(key or "", b""), tags.get(name, b""), signature):
        yield Problem(signature_at, "does not hold: it is not the signature of what lies beside it")


def _parsed(told: Told, content: bytes, name: str) -> Files | Problem:
    """The files that a manifest names; a Problem for one that is none, or tells another thing than
    `told`."""
    manifest = name.split("/")[2]
    if manifest == MANIFEST:
        session = parsed_manifest(content, name)
        if isinstance(session, Problem):
            return session
        if not _same(told, session[0]) and not _tells(told, session[1]):
            return _differs(name)
        return [(item.path, item.sha256) for item in media_of(session[1])]
    if manifest == CHECK_MANIFEST:
        check = parsed_check(content, name)
        if isinstance(check, Problem):
            return check
        if not _same(check[0], told):
            return _differs(name)
        return [(item.path, item.sha256) for item in pictures_of(check[1])]
    try:
        data = json.loads(content)
        if manifest == AMENDMENT_MANIFEST:
            again, items = amendment_to_json(amendment_from_json(data)), list[tuple[str, str]]()
        else:
            document = document_from_json(data)
            again, items = document_to_json(document), [(document.path, document.sha256)]
    except MISUNDERSTOOD:
        return Problem(name, "is no manifest of what it should be")
    return items if _same(again, data) and _same(data, told) else _differs(name)


def _same(told: object, whole: object) -> bool:
    """True for the same JSON, in which `true` is not 1 and 1 is not 1.0."""
    return json.dumps(told, sort_keys=True) == json.dumps(whole, sort_keys=True)


def _differs(name: str) -> Problem:
    return Problem(FACTS, f"tells something else than {name}")


def _later_problems(facts: Facts) -> Iterator[Problem]:
    """What the package tells of corrections, against the amendments in it."""
    try:
        said = sorted(_amendments(facts), key=lambda each: each.id)
        filed = {
            str(each.get("session") or each["document"]): str(each["tracking_number"])
            for name, each in facts.told.items()
            if name.endswith((f"/{MANIFEST}", f"/{DOCUMENT_MANIFEST}"))
        }
    except MISUNDERSTOOD:
        yield Problem(FACTS, "cannot be understood")
        return
    moved = {each.subject: each.number for each in said if each.change in MOVING}
    effective = {**filed, **moved}
    if facts.effective != effective:
        yield Problem(FACTS, "tells of other tracking numbers than its amendments")
    deleted = sorted({each.subject for each in said if each.change is Change.DELETED})
    if facts.deleted != deleted:
        yield Problem(FACTS, "tells of other deleted sessions than its amendments")
    for each in said:
        if each.subject not in filed:
            yield Problem(
                f"data/{each.id}/{AMENDMENT_MANIFEST}", "amends nothing that is in the package"
            )


def _amendments(facts: Facts) -> Iterator[Amendment]:
    for name, told in facts.told.items():
        if name.endswith(f"/{AMENDMENT_MANIFEST}"):
            yield amendment_from_json(told)


def _tells(told: Told, session: Session) -> bool:
    """True when `told` is the JSON of `session`, as this version or an older one writes it.

    What an older version exported of a manifest older still has keys that the manifest lacks, and
    lacks some that this version has.
    """
    try:
        same = session_from_json(told) == session
        whole = session_to_json(session)
    except MISUNDERSTOOD:
        return False
    if "raw_scan_hex" not in told:
        whole["raw_scan"] = session.waybill.raw
    return same and _within(told, whole)


def _within(told: object, whole: object) -> bool:
    """True when `told` says nothing that `whole` does not say."""
    if isinstance(told, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in told.items())
    if isinstance(told, list) and isinstance(whole, list):
        return len(told) == len(whole) and all(map(_within, told, whole))
    return _same(told, whole)
