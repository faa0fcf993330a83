"""What in a package does not hold: its lists against its files, then what it tells against them.

Given names, sizes, hashes and the content of the small files; opens no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from storage.evidence import bag, facts_check
from storage.files import Written
from storage.problem import Problem


def problems(
    names: set[str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    """What does not hold in a bag that has these names, measured so, with these small files."""
    if tags.get(bag.BAGIT) != bag.DECLARATION.encode():
        yield Problem(bag.BAGIT, "is missing or was changed")
    format_, listed = facts_check.format_of(tags), dict[str, str]()
    for manifest, of_tags in ((bag.PAYLOAD_MANIFEST, False), (bag.TAG_MANIFEST, True)):
        if manifest not in tags:
            yield Problem(manifest, "is missing")
            continue
        yield from _read_lines(manifest, tags[manifest], listed, format_ if of_tags else "")
    for name in sorted(bag.tags_of(format_) - listed.keys()):
        yield Problem(name, "is not in the list of the package's own files")
    for name in sorted(names | listed.keys()):
        if name not in names:
            yield Problem(name, "is missing")
        elif name in bag.unlisted_of(format_):
            continue
        elif name not in listed:
            yield Problem(name, "does not belong to the package: no list names it")
        elif name in found and found[name].sha256 != listed[name]:
            yield Problem(
                name, f"was changed: SHA-256 {found[name].sha256}, listed is {listed[name]}"
            )
    yield from _info_problems(listed, found, tags)
    yield from facts_check.problems(listed, found, tags)


def _read_lines(
    manifest: str, content: bytes, listed: dict[str, str], own: str
) -> Iterator[Problem]:
    """Take the lines of a list into `listed`; `own` is the format for the list of the package's own
    files, '' for that of the evidence."""
    for line in content.decode("utf-8", "replace").removesuffix("\n").split("\n"):
        match = bag.LINE.fullmatch(line)
        if match is None:
            yield Problem(manifest, f"has a line that is none: {line[:80]!r}")
        elif match[2] in listed:
            yield Problem(match[2], "is listed twice")
        elif not (bag.is_tag(match[2], own) if own else match[2].startswith("data/")):
            yield Problem(match[2], f"does not belong into {manifest}")
        else:
            listed[match[2]] = match[1]


def _info_problems(
    listed: Mapping[str, str], found: Mapping[str, Written], tags: Mapping[str, bytes]
) -> Iterator[Problem]:
    evidence = (name for name in listed if name[:5] == "data/" and name in found)
    wanted = bag.oxum(found[name].size_bytes for name in evidence)
    lines = tags.get(bag.BAG_INFO, b"").decode("utf-8", "replace").splitlines()
    if f"Payload-Oxum: {wanted}" not in lines:
        yield Problem(bag.BAG_INFO, f"does not say Payload-Oxum: {wanted}, which is what is there")
