"""Who may do what: sign-in, its limits, and that no stale or made-up actor gets through."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.archive import Archive
from storage.errors import ArchiveError, NotAllowed, Refused, SignInFailed, SignInLocked
from storage.later import Actor, Right, Role
from tests.storage.later_clock import SetClock

PIN = "2468"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def archive(root: Path, clock: SetClock) -> Iterator[Archive]:
    """An archive that knows Sue, a supervisor."""
    with Archive.open(root, clock=clock) as opened:
        first = opened.nobody()
        assert first is not None
        opened.admit(first, "Sue", Role.SUPERVISOR, PIN).result()
        yield opened


def stored(root: Path, sql: str) -> list[tuple[object, ...]]:
    """What another program reads in the database."""
    db = sqlite3.connect(root / "archive.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def test_an_archive_without_people_takes_the_computers_user_as_supervisor(root: Path) -> None:
    with Archive.open(root) as archive:
        user = archive.nobody()
        assert user is not None
        assert (user.role, user.verified) == (Role.SUPERVISOR, False)
        for right in Right:
            archive.allow(user, right)
        with pytest.raises(SignInFailed):
            archive.sign_in(user.name, PIN)


def test_the_first_person_is_a_supervisor_and_then_nobody_is_taken_at_their_word(
    root: Path,
) -> None:
    with Archive.open(root) as archive:
        user = archive.nobody()
        assert user is not None
        with pytest.raises(Refused, match="first person must be a supervisor"):
            archive.admit(user, "Pat", Role.PACKER, PIN).result()
        archive.admit(user, "Sue", Role.SUPERVISOR, PIN).result()
        assert archive.nobody() is None
        for right in Right:
            with pytest.raises(NotAllowed):
                archive.allow(user, right)
        with pytest.raises(NotAllowed):
            archive.admit(user, "Mallory", Role.SUPERVISOR, PIN).result()


@pytest.mark.parametrize("name", ["Sue", " sue ", "SUE", "\uff33ue"])
def test_a_name_is_known_however_it_is_typed(archive: Archive, name: str) -> None:
    assert archive.sign_in(name, PIN) == Actor("Sue", Role.SUPERVISOR, verified=True)
    sue = archive.sign_in("Sue", PIN)
    with pytest.raises(Refused, match="known here already"):
        archive.admit(sue, name, Role.PACKER, PIN).result()


@pytest.mark.parametrize("pin", ["", "2469", "2468 ", "24680", "\ud800", "2" * 5000])
def test_a_wrong_pin_says_no_more_than_an_unknown_name(archive: Archive, pin: str) -> None:
    with pytest.raises(SignInFailed) as wrong:
        archive.sign_in("Sue", pin)
    with pytest.raises(SignInFailed) as unknown:
        archive.sign_in("Nobody", pin)
    assert str(wrong.value) == str(unknown.value)


def test_five_wrong_pins_lock_a_name_longer_each_time(archive: Archive, clock: SetClock) -> None:
    for _ in range(5):
        with pytest.raises(SignInFailed):
            archive.sign_in("Sue", "0000")
    for expected_s in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        with pytest.raises(SignInLocked) as locked:
            archive.sign_in("Sue", PIN)
        assert locked.value.seconds == pytest.approx(expected_s, abs=1)
        clock.pass_(seconds=expected_s - 1)
        with pytest.raises(SignInLocked):
            archive.sign_in("Sue", PIN)
        clock.pass_(seconds=1)
        with pytest.raises(SignInFailed):
            archive.sign_in("Sue", "0000")
    clock.pass_(seconds=3600)
    assert archive.sign_in("Sue", PIN).verified
    for _ in range(4):  # the right one has wiped the slate
        with pytest.raises(SignInFailed):
            archive.sign_in("Sue", "0000")
    assert archive.sign_in("Sue", PIN).verified


def test_a_lock_holds_in_another_program_and_after_a_restart(
    archive: Archive, root: Path, clock: SetClock
) -> None:
    with Archive.open(root, clock=clock) as other:
        for each in (archive, other, archive, other, archive):
            with pytest.raises(SignInFailed):
                each.sign_in("Sue", "0000")
        with pytest.raises(SignInLocked):
            other.sign_in("Sue", PIN)
    with (
        Archive.open(root, read_only=True, clock=clock) as reading,
        pytest.raises(SignInLocked),
    ):
        reading.sign_in("Sue", PIN)


def test_many_guesses_at_once_do_not_outrun_the_lock(archive: Archive) -> None:
    def guess(pin: str) -> type[Exception] | None:
        try:
            archive.sign_in("Sue", pin)
        except ArchiveError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, [f"{number:04}" for number in range(16)]))
    assert answers.count(SignInFailed) == 5
    assert answers.count(SignInLocked) == 11


def test_a_clock_that_was_set_back_locks_nobody_out_for_years(
    archive: Archive, clock: SetClock
) -> None:
    for _ in range(5):
        with pytest.raises(SignInFailed):
            archive.sign_in("Sue", "0000")
    clock.pass_(days=-400)
    assert archive.sign_in("Sue", PIN).verified


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.PACKER, {Right.FIND, Right.CHECK}),
        (
            Role.CLAIMS,
            {
                Right.FIND,
                Right.LOOK,
                Right.EXPORT,
                Right.FILE,
                Right.CLAIM,
                Right.HOLD,
                Right.CHECK,
            },
        ),
        (Role.SUPERVISOR, set(Right)),
    ],
)
def test_a_role_may_do_this_and_nothing_else(
    archive: Archive, role: Role, rights: set[Right]
) -> None:
    sue = archive.sign_in("Sue", PIN)
    archive.admit(sue, "Kim", role, "13579").result()
    kim = archive.sign_in("Kim", "13579")
    for right in Right:
        if right in rights:
            archive.allow(kim, right)
        else:
            with pytest.raises(NotAllowed, match="Kim"):
                archive.allow(kim, right)


def test_whoever_was_dismissed_or_readmitted_has_no_old_rights(archive: Archive) -> None:
    sue = archive.sign_in("Sue", PIN)
    archive.admit(sue, "Kim", Role.SUPERVISOR, "13579").result()
    kim = archive.sign_in("Kim", "13579")
    archive.dismiss(sue, "kim").result()
    with pytest.raises(NotAllowed):
        archive.dismiss(kim, "Sue").result()
    archive.admit(sue, "Kim", Role.PACKER, "13579").result()
    with pytest.raises(NotAllowed):
        archive.admit(kim, "Lee", Role.PACKER, "13579").result()
    with pytest.raises(SignInFailed):
        archive.sign_in("Kim", PIN)


def test_the_last_supervisor_stays(archive: Archive) -> None:
    sue = archive.sign_in("Sue", PIN)
    archive.admit(sue, "Pat", Role.PACKER, PIN).result()
    with pytest.raises(Refused, match="last supervisor"):
        archive.dismiss(sue, "Sue").result()
    archive.dismiss(sue, "Pat").result()
    archive.admit(sue, "Tom", Role.SUPERVISOR, PIN).result()
    archive.dismiss(sue, "Sue").result()
    assert [person.name for person in archive.people()] == ["Tom"]


def test_everybody_sets_their_own_pin_and_a_supervisor_any(archive: Archive) -> None:
    sue = archive.sign_in("Sue", PIN)
    archive.admit(sue, "Pat", Role.PACKER, "1111").result()
    archive.admit(sue, "Kim", Role.CLAIMS, "1111").result()
    pat = archive.sign_in("Pat", "1111")
    archive.set_pin(pat, "Pat", "2222").result()
    with pytest.raises(NotAllowed):
        archive.set_pin(pat, "Kim", "2222").result()
    with pytest.raises(SignInFailed):
        archive.sign_in("Pat", "1111")
    for _ in range(4):
        with pytest.raises(SignInFailed):
            archive.sign_in("Pat", "1111")
    archive.set_pin(sue, "Pat", "3333").result()  # which ends the lock
    assert archive.sign_in("Pat", "3333").role is Role.PACKER


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31mb", "x" * 65, "two\u202ename"])
def test_a_name_that_cannot_be_shown_is_refused(archive: Archive, name: str) -> None:
    with pytest.raises(Refused, match="printable"):
        archive.admit(archive.sign_in("Sue", PIN), name, Role.PACKER, PIN).result()


@pytest.mark.parametrize("pin", ["", "123", "1" * 65])
def test_a_pin_too_short_or_too_long_is_refused(archive: Archive, pin: str) -> None:
    with pytest.raises(Refused, match="4 to 64"):
        archive.admit(archive.sign_in("Sue", PIN), "Pat", Role.PACKER, pin)


def test_the_ledger_tells_of_people_and_never_of_pins(archive: Archive, root: Path) -> None:
    sue = archive.sign_in("Sue", PIN)
    archive.admit(sue, "Pat", Role.PACKER, "97531").result()
    archive.set_pin(sue, "Pat", "86420").result()
    archive.dismiss(sue, "Pat").result()
    bodies = [str(body) for (body,) in stored(root, "SELECT body FROM ledger ORDER BY seq")]
    told = [json.loads(body) for body in bodies if "people_changed" in body]
    assert [(each["what"], each["person"], each["by"]) for each in told[1:]] == [
        ("admitted", "Pat", "Sue"),
        ("pin", "Pat", "Sue"),
        ("dismissed", "Pat", "Sue"),
    ]
    everything = "".join(bodies) + str(stored(root, "SELECT * FROM people"))
    assert "97531" not in everything and "86420" not in everything and PIN not in everything
    assert "argon2" not in "".join(bodies)
    (pin_hash,) = stored(root, "SELECT pin_hash FROM people")[0]
    assert str(pin_hash).startswith("$argon2id$")


def test_who_may_only_read_the_archive_can_sign_in_and_admit_nobody(
    archive: Archive, root: Path
) -> None:
    with Archive.open(root, read_only=True) as reading:
        sue = reading.sign_in("Sue", PIN)
        with pytest.raises(SignInFailed):
            reading.sign_in("Sue", "0000")
        with pytest.raises(ArchiveError):
            reading.admit(sue, "Pat", Role.PACKER, PIN).result()
