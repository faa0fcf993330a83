"""Who may do what, and how they prove who they are.

Part of the archive: rights are asked for on the writer's thread by whatever needs them, so that no
front door can forget to. An archive that knows nobody lets the computer's user do everything. Knows
the table `people` and how a PIN is hashed (argon2id); no PIN and no hash ever leaves it.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass

from sqlite_utils import Database

from storage import ledger, rows
from storage.errors import NotAllowed, Refused, SignInFailed, SignInLocked
from storage.later import Actor, Right, Role
from storage.ledger import LedgerEvent
from storage.records import parse_utc, utc_text
from storage.transaction import immediate

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.PACKER: frozenset({Right.FIND, Right.CHECK}),
    Role.CLAIMS: frozenset(
        {Right.FIND, Right.LOOK, Right.EXPORT, Right.FILE, Right.CLAIM, Right.HOLD, Right.CHECK}
    ),
    Role.SUPERVISOR: frozenset(Right),
}
NAME_CHARS = 64
SHORTEST_PIN, LONGEST_PIN = 4, 64
TRIES = 5
"""Wrong PINs in a row before the name is locked."""
FIRST_LOCK_S, LONGEST_LOCK_S = 60, 3_600


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the archive knows."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to sign in that has been counted as a wrong one until it proves right."""

    person: Person
    pin_hash: str


def may(role: Role, right: Right) -> bool:
    """True when the role has the right."""
    return right in RIGHTS[role]


def require(db: Database, actor: Actor, right: Right) -> None:
    """Raises NotAllowed unless the actor may do this now, by what the database says of them."""
    if actor.verified:
        person = one(db, actor.name)
        allowed = person is not None and person.role is actor.role
    else:
        allowed = not any_known(db)
    if not allowed or not may(actor.role, right):
        raise NotAllowed(rows.storable(actor.name), actor.role.value, right.value)


# ---------------------------------------------------------------------------- who there is


def name_key(name: str) -> str:
    """A name as it is looked up: case, spaces and the way it is encoded do not matter."""
    return rows.storable(" ".join(unicodedata.normalize("NFKC", name[:1_000]).casefold().split()))


def any_known(db: Database) -> bool:
    """True once somebody was admitted."""
    return db.execute("SELECT 1 FROM people LIMIT 1").fetchone() is not None


def everybody(db: Database) -> list[Person]:
    """All whom the archive knows, by name."""
    found = db.execute("SELECT name, role FROM people ORDER BY name_key")
    return [Person(name, Role(role)) for name, role in found]


def one(db: Database, name: str) -> Person | None:
    """The person of this name, or None."""
    sql = "SELECT name, role FROM people WHERE name_key = ?"
    row = db.execute(sql, [name_key(name)]).fetchone()
    return None if row is None else Person(row[0], Role(row[1]))


# ---------------------------------------------------------------------------- admitting


def admit(
    db: Database, actor: Actor, name: str, role: Role, pin_hash: str, now: dt.datetime
) -> Person:
    """The person, who can sign in from now on.

    Raises NotAllowed, Refused (no plain name, known already, the first one is no supervisor).
    """
    shown = " ".join(unicodedata.normalize("NFKC", name[:1_000]).split())
    if not shown or len(shown) > NAME_CHARS or not shown.isprintable():
        raise Refused(f"a person's name has 1 to {NAME_CHARS} printable characters")
    with immediate(db):
        require(db, actor, Right.ADMIT)
        if one(db, shown) is not None:
            raise Refused(f"{shown} is known here already")
        if role is not Role.SUPERVISOR and not any_known(db):
            raise Refused("the first person must be a supervisor, who admits the others")
        rows.insert(
            db,
            "people",
            {"name_key": name_key(shown), "name": shown, "role": role.value, "pin_hash": pin_hash},
        )
        _tell(db, actor, "admitted", Person(shown, role), now)
    return Person(shown, role)


def dismiss(db: Database, actor: Actor, name: str, now: dt.datetime) -> Person:
    """The person who cannot sign in any more. Raises NotAllowed, Refused (nobody of this name, the
    last supervisor)."""
    with immediate(db):
        require(db, actor, Right.ADMIT)
        person = _expected(db, name)
        others = "SELECT 1 FROM people WHERE role = 'supervisor' AND name_key <> ? LIMIT 1"
        if db.execute(others, [name_key(name)]).fetchone() is None:
            raise Refused(f"{person.name} is the last supervisor: admit another one first")
        db.execute("DELETE FROM people WHERE name_key = ?", [name_key(name)])
        _tell(db, actor, "dismissed", person, now)
    return person


def set_pin(db: Database, actor: Actor, name: str, pin_hash: str, now: dt.datetime) -> Person:
    """The person, whose PIN is a new one and whom no lock holds. Everybody may change their own.

    Raises NotAllowed, Refused (nobody of this name).
    """
    own = name_key(actor.name) == name_key(name)
    with immediate(db):
        require(db, actor, Right.FIND if own else Right.ADMIT)
        person = _expected(db, name)
        db.execute(
            "UPDATE people SET pin_hash = ?, failures = 0, locked_until = NULL WHERE name_key = ?",
            [pin_hash, name_key(name)],
        )
        _tell(db, actor, "pin", person, now)
    return person


def _expected(db: Database, name: str) -> Person:
    person = one(db, name)
    if person is None:
        raise Refused(f"nobody here is called {rows.storable(name[:NAME_CHARS])!r}")
    return person


def _tell(db: Database, actor: Actor, what: str, person: Person, now: dt.datetime) -> None:
    ledger.append(
        db,
        LedgerEvent.PEOPLE_CHANGED,
        now,
        what=what,
        person=person.name,
        person_role=person.role.value,
        by=rows.storable(actor.name),
        role=actor.role.value,
    )


# ---------------------------------------------------------------------------- PINs


def hashed(pin: str) -> str:
    """The argon2id hash of a PIN. Takes some 50 ms. Raises Refused for one too short or too long.

    The cost is that of RFC 9106's second choice, for computers without gigabytes to spare.
    """
    from argon2 import PasswordHasher

    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN:
        raise Refused(f"a PIN has {SHORTEST_PIN} to {LONGEST_PIN} characters")
    return PasswordHasher().hash(_bytes(pin))


def fits(pin: str, pin_hash: str) -> bool:
    """True when the hash is that of this PIN. Takes as long as `hashed`."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(pin_hash, _bytes(pin[: LONGEST_PIN + 1]))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(pin: str) -> bytes:
    return rows.storable(unicodedata.normalize("NFKC", pin)).encode()


def attempt(db: Database, name: str, now: dt.datetime) -> Attempt:
    """What a PIN is compared with: the try counts as a wrong one, durably, before it is known to
    be right, so that many at once cannot outrun the lock.

    Raises SignInFailed for a name that nobody has, SignInLocked.
    """
    sql = "SELECT name, role, pin_hash, failures, locked_until FROM people WHERE name_key = ?"
    with immediate(db):
        row = db.execute(sql, [name_key(name)]).fetchone()
        if row is None:
            raise SignInFailed
        person = Person(row[0], Role(row[1]))
        wait_s = locked_s(row[4], now)
        if wait_s:
            raise SignInLocked(person.name, wait_s)
        failures = row[3] + 1
        until = None
        if failures >= TRIES:
            lock_s = min(FIRST_LOCK_S << min(failures - TRIES, 10), LONGEST_LOCK_S)
            until = utc_text(now + dt.timedelta(seconds=lock_s))
        db.execute(
            "UPDATE people SET failures = ?, locked_until = ? WHERE name_key = ?",
            [failures, until, name_key(name)],
        )
    return Attempt(person, row[2])


def locked_s(until: str | None, now: dt.datetime) -> int:
    """The seconds that a lock still lasts. One that seems to last longer than any lock was made
    before the clock was set back, and holds nobody."""
    if until is None:
        return 0
    left_s = (parse_utc(until) - now) / dt.timedelta(seconds=1)
    return int(left_s) + 1 if 0 < left_s <= LONGEST_LOCK_S else 0


def succeeded(db: Database, name: str) -> None:
    """Forget the wrong tries of somebody who has just proved right."""
    with immediate(db):
        db.execute(
            "UPDATE people SET failures = 0, locked_until = NULL WHERE name_key = ?",
            [name_key(name)],
        )
