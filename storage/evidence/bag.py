"""The layout of an evidence package: a BagIt bag (RFC 8493) with a manifest and a page of its own.

Builds the small files around the evidence, and tells what in a given set of them does not hold.
Knows names, sizes and hashes; opens no file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storage import ledger
from storage.check import Problem, parsed_check, parsed_manifest, pictures_of
from storage.files import CHECK_MANIFEST, MANIFEST, Written
from storage.records import Session, session_from_json, session_to_json
from storage.rows import media_of

BAGIT = "bagit.txt"
BAG_INFO = "bag-info.txt"
PAYLOAD_MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
FACTS = "manifest.json"
PAGE = "index.html"
HOW_TO = "VERIFY.txt"
TAGS = frozenset({BAGIT, BAG_INFO, PAYLOAD_MANIFEST, FACTS, PAGE, HOW_TO})
FORMAT = "packwitness-evidence-3"
FORMATS = ("packwitness-evidence-1", "packwitness-evidence-2", FORMAT)
"""Those that can be verified. The first knew no camera checks, the second no bytes of raw scans."""
TAG_LIMIT_BYTES = 64 << 20
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SEALED_MANIFEST = re.compile(
    rf"data/[0-9A-Z]{{26}}/({re.escape(MANIFEST)}|{re.escape(CHECK_MANIFEST)})"
)
ENDS = (*ledger.END_EVENTS.values(), ledger.LedgerEvent.CAMERAS_CHECKED)
LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")


def is_read(name: str) -> bool:
    """True for a file whose content is looked at; all others are only hashed."""
    return name in TAGS or name == TAG_MANIFEST or SEALED_MANIFEST.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Payload:
    """One file of evidence: its name in the package, the id of the session or camera check that it
    belongs to, where the archive has it, what it holds."""

    name: str
    session: str
    source: str
    size_bytes: int
    sha256: str


def digest_line(sha256: str, name: str) -> str:
    """One line of a BagIt manifest, as `sha256sum -c` reads it."""
    return f"{sha256}  {name}\n"


def payload_manifest(payload: Iterable[Payload]) -> str:
    """The content of manifest-sha256.txt."""
    return "".join(digest_line(item.sha256, item.name) for item in payload)


def tag_manifest(tags: Mapping[str, bytes]) -> str:
    """The content of tagmanifest-sha256.txt. Its own SHA-256 stands for the whole package."""
    return "".join(
        digest_line(hashlib.sha256(tags[name]).hexdigest(), name) for name in sorted(tags)
    )


def oxum(sizes: Iterable[int]) -> str:
    """The payload's bytes and files, as BagIt writes them."""
    each = list(sizes)
    return f"{sum(each)}.{len(each)}"


def bag_info(number: str, payload: Iterable[Payload], exported_at: dt.datetime) -> str:
    """The content of bag-info.txt. `number` must be a safe name."""
    return (
        f"Bagging-Date: {exported_at:%Y-%m-%d}\n"
        f"External-Identifier: {number}\n"
        f"Payload-Oxum: {oxum(item.size_bytes for item in payload)}\n"
        "Internal-Sender-Description: exported by PackWitness\n"
    )


# ---------------------------------------------------------------------------- verifying


def problems(
    names: set[str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What does not hold in a bag that has these names, measured so, with these small files."""
    if tags.get(BAGIT) != DECLARATION.encode():
        yield Problem(BAGIT, "is missing or was changed")
    listed: dict[str, str] = {}
    for manifest, expected in ((PAYLOAD_MANIFEST, False), (TAG_MANIFEST, True)):
        if manifest not in tags:
            yield Problem(manifest, "is missing")
            continue
        yield from _read_lines(manifest, tags[manifest], listed, tag_names=expected)
    for name in sorted(TAGS - listed.keys()):
        yield Problem(name, "is not in the list of the package's own files")
    for name in sorted(names | listed.keys()):
        if name not in names:
            yield Problem(name, "is missing")
        elif name not in listed and name != TAG_MANIFEST:
            yield Problem(name, "does not belong to the package: no list names it")
        elif name in found and name != TAG_MANIFEST and found[name].sha256 != listed[name]:
            yield Problem(
                name, f"was changed: SHA-256 {found[name].sha256}, listed is {listed[name]}"
            )
    yield from _info_problems(listed, found, tags)
    yield from _facts_problems(listed, found, tags)


def _read_lines(
    manifest: str, content: bytes, listed: dict[str, str], *, tag_names: bool
) -> Iterator[Problem]:
    for line in content.decode("utf-8", "replace").removesuffix("\n").split("\n"):
        match = LINE.fullmatch(line)
        if match is None:
            yield Problem(manifest, f"has a line that is none: {line[:80]!r}")
        elif match[2] in listed:
            yield Problem(match[2], "is listed twice")
        elif (match[2] in TAGS) != tag_names or (not tag_names and match[2][:5] != "data/"):
            yield Problem(match[2], f"does not belong into {manifest}")
        else:
            listed[match[2]] = match[1]


def _info_problems(
    listed: Mapping[str, str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    evidence = (name for name in listed if name[:5] == "data/" and name in found)
    wanted = oxum(found[name].size_bytes for name in evidence)
    lines = tags.get(BAG_INFO, b"").decode("utf-8", "replace").splitlines()
    if f"Payload-Oxum: {wanted}" not in lines:
        yield Problem(BAG_INFO, f"does not say Payload-Oxum: {wanted}, which is what is there")


def _facts_problems(
    listed: Mapping[str, str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What in manifest.json disagrees with the evidence."""
    try:
        facts = json.loads(tags.get(FACTS, b""))
        if facts["format"] not in FORMATS:
            yield Problem(FACTS, "is of a format that this version does not know")
            return
        payload = [
            Payload(
                str(item["path"]),
                str(item["session"]),
                str(item["source"]),
                int(item["size_bytes"]),
                str(item["sha256"]),
            )
            for item in facts["files"]
        ]
        sessions = {str(session["session"]): session for session in facts["sessions"]}
        checks = {str(check["check"]): check for check in facts.get("camera_checks", ())}
        excerpt = [
            (str(item["previous"]), ledger.Entry(0, None, str(item["body"]), str(item["hash"])))
            for item in facts["ledger"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield Problem(FACTS, "cannot be understood")
        return
    wanted = {name: digest for name, digest in listed.items() if name[:5] == "data/"}
    if {item.name: item.sha256 for item in payload} != wanted:
        yield Problem(FACTS, f"and {PAYLOAD_MANIFEST} list different files")
    for item in payload:
        if item.session not in {**sessions, **checks} or not item.name.startswith(
            f"data/{item.session}/"
        ):
            yield Problem(item.name, f"belongs to nothing that {FACTS} tells of")
        if item.name in found and found[item.name].size_bytes != item.size_bytes:
            has = found[item.name].size_bytes
            yield Problem(item.name, f"has {has} bytes, sealed were {item.size_bytes}")
    manifests: dict[str, object] = {}
    for previous, entry in excerpt:
        told = ledger.facts(entry)
        if ledger.chained(previous, entry.body) != entry.hash:
            yield Problem(FACTS, f"ledger entry {told.get('seq')}: was changed")
        elif told.get("event") in ENDS:
            manifests[str(told.get("session"))] = told.get("manifest_sha256")
    held = {(item.session, item.source): item.sha256 for item in payload}
    for session, told in sessions.items():
        name = f"data/{session}/{MANIFEST}"
        if manifests.get(session) != listed.get(name):
            yield Problem(name, "is not the manifest that the ledger tells of")
        read = parsed_manifest(tags.get(name, b""), name)
        if isinstance(read, Problem):
            yield read
            continue
        if told != read[0] and not _tells(told, read[1]):
            yield Problem(FACTS, f"tells of session {session} what its own manifest does not")
        for media in media_of(read[1]):
            if held.get((session, media.path)) != media.sha256:
                yield Problem(name, f"names {media.path!r}, which is not in the package as sealed")
    for check_id, told in checks.items():
        name = f"data/{check_id}/{CHECK_MANIFEST}"
        if manifests.get(check_id) != listed.get(name):
            yield Problem(name, "is not the manifest that the ledger tells of")
        checked = parsed_check(tags.get(name, b""), name)
        if isinstance(checked, Problem):
            yield checked
            continue
        if checked[0] != told:
            yield Problem(FACTS, f"tells of camera check {check_id} what its manifest does not")
        for picture in pictures_of(checked[1]):
            if held.get((check_id, picture.path)) != picture.sha256:
                yield Problem(name, f"names {picture.path!r}, which is not in the package as filed")


def _tells(told: dict[str, Any], session: Session) -> bool:
    """True when `told` is the JSON of `session`, as this version or an older one writes it.

    What an older version exported of a manifest older still has keys that the manifest lacks, and
    lacks some that this version has.
    """
    try:
        same = session_from_json(told) == session
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    whole = session_to_json(session)
    if "raw_scan_hex" not in told:
        whole["raw_scan"] = session.waybill.raw
    return same and _within(told, whole)


def _within(told: object, whole: object) -> bool:
    """True when `told` says nothing that `whole` does not say."""
    if isinstance(told, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in told.items())
    if isinstance(told, list) and isinstance(whole, list):
        return len(told) == len(whole) and all(map(_within, told, whole))
    return told == whole
