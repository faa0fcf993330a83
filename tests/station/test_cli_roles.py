"""What each role may do with each command of an archive that knows people."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Final

import click
import pytest

from station.cli import cli, main
from storage.archive import Archive
from storage.claims.claim import ClaimType
from storage.later import Role
from storage.site_keys import site_signer
from tests.storage.desk import NUMBER, Desk

PINS: Final = {"Pat": "1111", "Kim": "2222", "Sue": "3333"}
ROLES: Final = {"Pat": Role.PACKER, "Kim": Role.CLAIMS, "Sue": Role.SUPERVISOR}
ALL: Final = frozenset(Role)
OFFICE: Final = frozenset({Role.CLAIMS, Role.SUPERVISOR})
SUPERVISORS: Final = frozenset({Role.SUPERVISOR})

ASKING: Final[dict[str, tuple[frozenset[Role], tuple[str, ...]]]] = {
    "claim deadlines": (OFFICE, ()),
    "claim export": (OFFICE, (NUMBER,)),
    "claim form": (OFFICE, (NUMBER, "-o", "form.pdf", "--file")),
    "claim list": (ALL, ()),
    "claim log": (OFFICE, (NUMBER, "they called", "--in")),
    "claim move": (OFFICE, (NUMBER, "cancelled")),
    "claim note": (OFFICE, (NUMBER, "patience")),
    "claim open": (OFFICE, (NUMBER, "--type", "delay")),
    "claim set": (OFFICE, (NUMBER, "portal=ups")),
    "claim sheet": (OFFICE, ("-o", "claims.csv")),
    "claim show": (ALL, (NUMBER,)),
    "coverage": (ALL, ()),
    "disclosures": (ALL, (NUMBER, "--json")),
    "export": (OFFICE, (NUMBER,)),
    "file": (OFFICE, ("letter.txt", "--number", NUMBER, "--group", "correspondence")),
    "find": (ALL, (NUMBER,)),
    "history": (ALL, (NUMBER,)),
    "hold": (OFFICE, (NUMBER, "--reason", "claim")),
    "import": (OFFICE, ("orders.csv",)),
    "inbox": (OFFICE, ()),
    "keys accept": (SUPERVISORS, ("chain.pem",)),
    "keys make": (SUPERVISORS, ("--name", "Seller", "--replace")),
    "keys renew": (SUPERVISORS, ()),
    "keys request": (SUPERVISORS, ("--name", "Seller")),
    "keys take-root-offline": (SUPERVISORS, ("root.pem",)),
    "mark-test": (SUPERVISORS, (NUMBER, "--reason", "training")),
    "note": (OFFICE, (NUMBER, "the box was wet")),
    "people add": (SUPERVISORS, ("Lee", "--role", "packer")),
    "people list": (ALL, ()),
    "people pin": (SUPERVISORS, ("Tom",)),
    "people remove": (SUPERVISORS, ("Tom",)),
    "rebind": (SUPERVISORS, (NUMBER, "1ZAAAAAA0123456784", "--reason", "late")),
    "rebuild": (SUPERVISORS, ("--yes",)),
    "release": (OFFICE, (NUMBER, "--reason", "paid")),
    "retain": (SUPERVISORS, ()),
    "retain --run": (SUPERVISORS, ()),
    "review": (OFFICE, ()),
    "shift": (ALL, ()),
    "trace import": (OFFICE, ("trace.csv",)),
    "trace proposals": (ALL, ()),
    "trace show": (ALL, (NUMBER,)),
}
"""Commands that ask who it is, who may use them, and how they are called."""

HINTING: Final = {"coverage", "trace proposals", "trace show"}
"""Commands that say what could be done next."""

FREE: Final = {
    "archive": "signs in on its own screen",
    "bench": "recording is no right: packing never stops",
    "cards": "opens no archive",
    "check": "every role may, and it tells nothing that is in the archive",
    "checkpoint": "signs what is there already",
    "claim rules": "opens no archive",
    "demo": "records, into a folder of its own",
    "doctor": "looks at the machine",
    "head": "a number and a hash",
    "keys root": "published anyway",
    "keys show": "fingerprints, and where keys are",
    "profiles": "opens no archive",
    "read": "opens no archive",
    "record": "opens no archive",
    "scale": "opens no archive",
    "scanner": "opens no archive",
    "verify": "every role may, and so may whoever got a package",
}
"""Commands for everybody, and why."""


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a held parcel that knows a packer, claims people and supervisors."""
    root = tmp_path_factory.mktemp("roles") / "archive"
    site_signer(root)
    with Archive.open(root) as archive:
        session = Desk(archive).pack()
        user = archive.nobody()
        assert user is not None
        archive.hold(user, session.id, "claim").result()
        archive.open_claim(user, NUMBER, ClaimType.LOSS).result()
        archive.admit(user, "Sue", Role.SUPERVISOR, PINS["Sue"]).result()
        sue = archive.sign_in("Sue", PINS["Sue"])
        for name, role in (*ROLES.items(), ("Tom", Role.PACKER)):
            if name != "Sue":
                archive.admit(sue, name, role, PINS.get(name, "4444")).result()
    return root


@pytest.fixture
def root(master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy for one test, which stands in a folder with the files that commands ask for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PACKWITNESS_PIN", raising=False)
    monkeypatch.setenv("PACKWITNESS_NEW_PIN", "9999")
    Path("letter.txt").write_text("a letter")
    Path("trace.csv").write_text(
        f"number,time,status,description\n{NUMBER},2026-11-23T08:00:00Z,InTransit,left\n"
    )
    Path("orders.csv").write_text(f"order_id,tracking_number\nA-1,{NUMBER}\n")
    held = [master / "keys" / "site" / name for name in ("signer.pem", "root.pem")]
    Path("chain.pem").write_bytes(b"".join(each.read_bytes() for each in held))
    shutil.copytree(master, tmp_path / "archive")
    return tmp_path / "archive"


def run(root: Path, command: str, arguments: tuple[str, ...], name: str | None) -> int:
    """The exit code of a command line."""
    who = () if name is None else ("--as", name)
    return main([*command.split(), *arguments, *who, "--archive", str(root)])


def whole(root: Path) -> dict[str, object]:
    """What anybody could have changed: sessions, amendments, documents, people."""
    with Archive.open(root, read_only=True) as archive:
        session = archive.find(NUMBER)[0].id
        return {
            "said": archive.amendments_of(session),
            "documents": archive.documents_of(NUMBER),
            "people": archive.people(),
            "orders": archive.orders_of(NUMBER),
            "keys": {path: path.read_bytes() for path in sorted(root.glob("keys/*/*"))},
            "files": sorted(path for path in (root / "media").rglob("*")),
            "exports": sorted(path for path in (root / "exports").rglob("*")),
        }


def test_every_command_says_who_may_use_it() -> None:
    names = set()
    for name, command in cli.commands.items():
        under = command.commands if isinstance(command, click.Group) else {}
        names |= {f"{name} {each}" for each in under} or {name}
    assert names == {each.removesuffix(" --run") for each in ASKING} | set(FREE)


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("name", ROLES)
def test_a_role_does_what_it_may_and_nothing_else(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
) -> None:
    may, arguments = ASKING[command]
    monkeypatch.setenv("PACKWITNESS_PIN", PINS[name])
    before = whole(root)
    code = run(root, command, arguments, name)
    told = capsys.readouterr()
    if ROLES[name] in may:
        assert code == 0, told.err
        assert told.err == "" or command in HINTING
    else:
        assert code == 1
        assert f"{name} ({ROLES[name].value}) may not do this" in told.err
        assert told.out == ""
        assert whole(root) == before


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("how", ["no name", "no pin", "a wrong pin", "a stranger"])
def test_nobody_gets_by_without_a_name_and_its_pin(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    how: str,
) -> None:
    if how != "no pin":
        monkeypatch.setenv("PACKWITNESS_PIN", "0000" if how == "a wrong pin" else PINS["Sue"])
    before = whole(root)
    name = {"no name": None, "a stranger": os.environ.get("USER", "root")}.get(how, "Sue")
    assert run(root, command, ASKING[command][1], name) != 0
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1
    assert whole(root) == before


def test_a_packer_files_nothing_from_the_inbox(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = root / "inbox" / NUMBER / "mails" / "letter.txt"
    letter.parent.mkdir(parents=True)
    letter.write_text("a letter")
    for name, code in (("Pat", 1), ("Kim", 0)):
        monkeypatch.setenv("PACKWITNESS_PIN", PINS[name])
        assert letter.exists()
        assert run(root, "inbox --once", (), name) == code, capsys.readouterr()
    assert not letter.exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_everybody_sets_their_own_pin(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PACKWITNESS_PIN", PINS["Pat"])
    assert run(root, "people pin", ("Pat",), "Pat") == 0
    assert run(root, "people list", (), "Pat") == 1
    monkeypatch.setenv("PACKWITNESS_PIN", "9999")
    assert run(root, "people list", (), "Pat") == 0
    assert "supervisor  Sue" in capsys.readouterr().out


def test_wrong_pins_are_counted_by_commands_that_only_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PACKWITNESS_PIN", "0000")
    for _ in range(5):
        assert run(root, "history", (NUMBER,), "Pat") == 1
    monkeypatch.setenv("PACKWITNESS_PIN", PINS["Pat"])
    assert run(root, "history", (NUMBER,), "Pat") == 1
    assert "too many wrong PINs for Pat" in capsys.readouterr().err


def test_an_archive_without_people_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACKWITNESS_NEW_PIN", "3333")
    root = tmp_path / "archive"
    with Archive.open(root) as archive:
        session = Desk(archive).pack().id
    assert run(root, "hold", (NUMBER, "--reason", "claim"), None) == 0
    assert run(root, "hold", (NUMBER, "--reason", "claim"), "Sue") == 2
    assert "knows nobody yet" in capsys.readouterr().err
    assert run(root, "people add", ("Pat", "--role", "packer"), None) == 1
    assert run(root, "people add", ("Sue", "--role", "supervisor"), None) == 0
    assert run(root, "hold", (NUMBER, "--reason", "claim"), None) == 2
    capsys.readouterr()
    monkeypatch.setenv("PACKWITNESS_PIN", "3333")
    assert run(root, "history", (NUMBER, "--json"), "Sue") == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["subject"], said["change"], said["role"]) == (session, "held", "supervisor")
