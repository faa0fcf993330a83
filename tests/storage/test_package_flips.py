"""Thousands of packages that somebody has touched, and not one that passes.

`PACKWITNESS_FLIPS` says how many bytes are changed, one in each copy (20,000 by `make crash`), and
a third as many copies are forged as a whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from storage.evidence import bag, stored_zip
from storage.evidence.package import export
from storage.evidence.signed_by import root_problems, signed_by
from storage.evidence.verify import verify
from storage.later import EvidenceGroup
from storage.site_keys import SiteSigner, site_signer
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk
from tests.storage.packages import remanifest, unpacked_at

FLIPS = int(os.environ.get("PACKWITNESS_FLIPS", "3000"))
FORGED = FLIPS // 3


@pytest.fixture
def whole(desk: Desk, tmp_path: Path) -> Path:
    """A package with one of everything, in memory if the machine can: it is written often."""
    desk.check()
    session = desk.pack()
    desk.archive.note(ANN, session.id, "the customer called").result()
    trace = tmp_path / "trace.txt"
    trace.write_bytes(b"delivered\n")
    desk.archive.file_document(ANN, trace, NUMBER, EvidenceGroup.TRACKING_TRACE).result()
    package = export(desk.archive, [session], tmp_path / "out").path
    assert verify(package) == []
    return package


def test_no_byte_changes_unseen(whole: Path) -> None:
    content = whole.read_bytes()
    with zipfile.ZipFile(whole) as opened:
        spans = [(each.header_offset, each.filename) for each in opened.infolist()]
        directory = opened.start_dir
    dice, missed = random.Random(6), []
    with whole.open("r+b", buffering=0) as file:
        for turn in range(FLIPS):
            # Every second one anywhere; the others spread evenly over the files and the directory,
            # so that a video does not take all of them.
            at = dice.randrange(len(content))
            if turn % 2:
                begins, _ = dice.choice([*spans, (directory, "directory")])
                after = [start for start, _ in spans if start > begins]
                ends = min([*after, directory] if begins < directory else [len(content)])
                at = dice.randrange(begins, ends)
            changed = (content[at] + dice.randrange(1, 256)) % 256
            file.seek(at)
            file.write(bytes([changed]))
            if verify(whole) == []:
                missed.append((at, max(name for start, name in spans if start <= at)))
            file.seek(at)
            file.write(content[at : at + 1])
    assert missed == []
    assert verify(whole) == []


# ---------------------------------------------------------------------------- as a whole

Inside = dict[str, bytes]
"""The content of each file of a package, by its name."""


def add(inside: Inside, dice: random.Random) -> None:
    near = dice.choice(sorted(inside)).rpartition("/")[0]
    name = dice.choice(["extra.jpg", "session-2.json", "ledger/000000000099.json", "data/x/y.mp4"])
    inside[f"{near}/{name}" if near else name] = dice.choice(sorted(inside.values()))


def drop(inside: Inside, dice: random.Random) -> None:
    del inside[dice.choice(sorted(inside))]


def rename(inside: Inside, dice: random.Random) -> None:
    name = dice.choice(sorted(inside))
    stem, dot, ending = name.rpartition(".")
    inside[dice.choice([f"{stem}-2{dot}{ending}", f"data/{name}", name.swapcase()])] = inside.pop(
        name
    )


def swap(inside: Inside, dice: random.Random) -> None:
    one, other = dice.sample(sorted(inside), 2)
    inside[one], inside[other] = inside[other], inside[one]


def truncate(inside: Inside, dice: random.Random) -> None:
    name = dice.choice(sorted(inside))
    inside[name] = inside[name][: dice.randrange(max(1, len(inside[name])))]


def lengthen(inside: Inside, dice: random.Random) -> None:
    name = dice.choice(sorted(inside))
    inside[name] += dice.choice([b"\0", b"\n", b" ", inside[name]])


def edit(inside: Inside, dice: random.Random) -> None:
    name = dice.choice(sorted(name for name in inside if name.endswith((".json", ".txt", ".html"))))
    words = [b"sealed", b"overhead", b"UPS", b"Ann", b"true", b"null", b"0", b"OK", b"the"]
    inside[name] = inside[name].replace(dice.choice(words), b"1", 1)


FORGING: tuple[Callable[[Inside, random.Random], None], ...] = (
    add, drop, rename, swap, truncate, lengthen, edit,
)  # fmt: skip


def written(path: Path, inside: Inside) -> Path:
    """These files as a package, framed as exactly as a real one."""
    with path.open("wb") as file:
        writer = stored_zip.Writer(file, stored_zip.dos_time((2026, 11, 22, 12, 0, 0)))
        for name, content in inside.items():
            writer.add(f"evidence/{name}", len(content), [content])
        writer.close()
    return path


def unpack(package: Path) -> Inside:
    with zipfile.ZipFile(package) as opened:
        return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


def listed_anew(inside: Inside, facts_too: bool) -> None:
    """Make the lists agree with the files, and with `facts_too` manifest.json with both."""
    payload = sorted(name for name in inside if name.startswith("data/"))
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in inside.items()}
    inside[bag.PAYLOAD_MANIFEST] = "".join(
        bag.digest_line(sums[name], name) for name in payload
    ).encode()
    oxum = bag.oxum(len(inside[name]) for name in payload)
    lines = inside.get(bag.BAG_INFO, b"").decode("utf-8", "replace").splitlines()
    inside[bag.BAG_INFO] = "".join(
        f"Payload-Oxum: {oxum}\n" if line.startswith("Payload-Oxum") else f"{line}\n"
        for line in lines
    ).encode()
    if facts_too:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            facts = json.loads(inside[bag.FACTS])
            known = {item["path"]: item for item in facts["files"]}
            facts["files"] = [
                {**known.get(name, {"session": "x", "source": name}), "path": name,
                 "size_bytes": len(inside[name]), "sha256": sums[name]}
                for name in payload
            ]  # fmt: skip
            inside[bag.FACTS] = (json.dumps(facts, indent=1) + "\n").encode()
    own = {name: inside[name] for name in inside if bag.is_tag(name, bag.FORMAT)}
    inside[bag.TAG_MANIFEST] = bag.tag_manifest(own).encode()


def signed_anew(inside: Inside, forger: SiteSigner) -> None:
    """Sign all of it under a root of one's own, and make it say so."""
    *chain, root = [each.public_bytes(Encoding.PEM) for each in forger.certificates]
    inside[bag.ROOT_CERTIFICATE], inside[bag.SIGNER_CERTIFICATES] = root, b"".join(chain)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        facts = json.loads(inside[bag.FACTS])
        facts["site"] = {"name": forger.name, "root_sha256": forger.fingerprint}
        inside[bag.FACTS] = (json.dumps(facts, indent=1) + "\n").encode()
    inside[bag.FACTS_SIGNATURE] = forger.sign(inside.get(bag.FACTS, b""))
    own = {name: inside[name] for name in inside if bag.is_tag(name, bag.FORMAT)}
    inside[bag.TAG_MANIFEST] = bag.tag_manifest(own).encode()
    inside[bag.PACKAGE_SIGNATURE] = forger.sign(inside[bag.TAG_MANIFEST])


def test_no_forgery_passes(whole: Path, tmp_path: Path, root: Path) -> None:
    """Lists made anew, manifest.json as well, and in the end everything signed by somebody else:
    that one only the root certificate's fingerprint gives away."""
    true, forger = unpack(whole), site_signer(tmp_path / "forger")
    published = site_signer(root).fingerprint
    path, dice, missed, strange = tmp_path / "forged.zip", random.Random(7), [], 0
    assert verify(written(path, true)) == []
    for turn in range(FORGED):
        inside, forging = dict(true), FORGING[turn % len(FORGING)]
        forging(inside, dice)
        if inside == true:
            continue
        depth = dice.randrange(4)
        if depth:
            listed_anew(inside, facts_too=depth > 1)
        if depth > 2:
            signed_anew(inside, forger)
        written(path, inside)
        if verify(path) == []:
            strange += 1
            if depth < 3 or not root_problems(signed_by(path), published):
                missed.append((turn, forging.__name__, depth))
    assert missed == []
    assert strange < FORGED // 4
    assert root_problems(signed_by(whole), published) == []


def test_public_tools_find_what_their_formats_can(whole: Path, tmp_path: Path) -> None:
    """Where a list or a signature covers a file, the public tools see that it was changed."""
    folder = unpacked_at(whole, tmp_path / "unpacked")
    validate = [sys.executable, "-m", "bagit", "--validate", "--quiet", str(folder)]
    assert subprocess.run(validate, check=False, capture_output=True).returncode == 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name in bag.unlisted_of(bag.FORMAT):
            continue
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert subprocess.run(validate, check=False, capture_output=True).returncode == 1, name
        path.write_bytes(content)
    remanifest(folder)
    assert subprocess.run(validate, check=False, capture_output=True).returncode == 0
