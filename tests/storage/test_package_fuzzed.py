"""Whatever the JSON of a package says, even signed anew: `verify` answers and never raises."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.errors import NoHead
from storage.evidence.heads import head_of
from storage.evidence.package import export
from storage.evidence.signed_by import signed_by
from storage.evidence.verify import verify
from storage.later import EvidenceGroup
from storage.site_keys import site_signer
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk
from tests.storage.packages import facts_of, remanifest, unpacked_at

STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**400, "", "x" * 5000, "\x00",
    "../../x", [], {}, [[]], {"a": 1}, "2026-13-45T99:99:99Z", "0" * 64, -(10**30),
)  # fmt: skip
STATED = ("left_out_open", "left_out_damaged_checks", "left_out_damaged_documents", "orders")
"""What nothing in a package can contradict: the site says it, and signs it."""


@pytest.fixture
def folder(desk: Desk, tmp_path: Path) -> Path:
    desk.check()
    session = desk.pack()
    desk.archive.note(ANN, session.id, "the customer called").result()
    trace = tmp_path / "trace.txt"
    trace.write_bytes(b"delivered\n")
    desk.archive.file_document(ANN, trace, NUMBER, EvidenceGroup.TRACKING_TRACE).result()
    return unpacked_at(export(desk.archive, [session], tmp_path / "out").path, tmp_path)


def places(told: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a JSON text stands."""
    if at:
        yield at
    inside = told.items() if isinstance(told, dict) else enumerate(told)
    for key, value in inside:
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))
        else:
            yield (*at, key)


def put(told: Any, at: tuple[Any, ...], value: Any) -> None:
    for key in at[:-1]:
        told = told[key]
    told[at[-1]] = value


def test_no_value_is_too_strange(folder: Path, root: Path) -> None:
    signer, dice = site_signer(root), random.Random(3)
    paths = [*folder.glob("data/*/*.json"), *folder.glob("ledger/*.json")]
    unseen = []
    for turn in range(300):
        path = folder / "manifest.json" if turn % 2 else dice.choice(paths)
        whole = path.read_bytes()
        told = json.loads(whole)
        at = dice.choice(list(places(told)))
        put(told, at, dice.choice(STRANGE))
        path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        changed = path.read_bytes() != whole
        remanifest(folder, signer)
        if verify(folder) == [] and changed:
            unseen.append(at)
        signed_by(folder)
        with contextlib.suppress(NoHead):
            head_of(str(folder))
        path.write_bytes(whole)
    sources = [at for at in unseen if at[0] == "files" and at[-1] == "source"]
    assert [at for at in unseen if at not in sources and at[0] not in STATED] == []
    remanifest(folder, signer)
    assert verify(folder) == []


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("as_of",), "2026-01-01T00:00:00.000Z"),
        (("keys", 0, "known_since"), "2020-01-01T00:00:00.000Z"),
        (("keys", 0, "endorsed_by"), "0" * 16),
        (("sessions", 0, "pass_no"), True),
        (("completeness", "documents", "tracking_trace"), True),
        (("files", 0, "size_bytes"), float("inf")),
    ],
)
def test_what_follows_from_the_rest_is_compared_with_it(
    folder: Path, root: Path, at: tuple[Any, ...], value: Any
) -> None:
    facts = facts_of(folder)
    put(facts, at, value)
    (folder / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    remanifest(folder, site_signer(root))
    assert "manifest.json" in {problem.path for problem in verify(folder)}
