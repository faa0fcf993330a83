"""The part of `archive.py` that knows people: who somebody is, and who is let in.

What hashes a PIN runs on the caller's thread, so that no seal waits for it; what counts and decides
on the writer's. Rights and rows are `people.py`'s.
"""

from __future__ import annotations

import getpass
from concurrent.futures import Future

from storage import people
from storage.errors import SignInFailed, SignInLocked
from storage.later import Actor, Right, Role
from storage.people import Person
from storage.reads import Readers
from storage.writing import Writing


class SigningIn(Writing):
    """Part of `Archive`."""

    _readers: Readers

    def sign_in(self, name: str, pin: str) -> Actor:
        """Who this is. Takes some 50 ms.

        An archive that can only be read compares, but counts no wrong PINs: whoever can only read
        it has all that it holds anyway. Raises SignInFailed, SignInLocked, ArchiveError.
        """
        now = self._clock()
        try:
            if self.writable:
                job = self._submit(lambda db: people.attempt(db, name, now), "signing in")
                tried = job.result()
            else:
                tried = self._looked_up(name)
        except SignInFailed:
            people.hashed("no such person")  # as long as for somebody known
            raise
        if not people.fits(pin, tried.pin_hash):
            raise SignInFailed
        if self.writable:
            self._submit(lambda db: people.succeeded(db, name), "signing in").result()
        return Actor(tried.person.name, tried.person.role, verified=True)

    def _looked_up(self, name: str) -> people.Attempt:
        sql = "SELECT name, role, pin_hash, locked_until FROM people WHERE name_key = ?"
        with self._readers.lent() as db:
            row = db.execute(sql, [people.name_key(name)]).fetchone()
        if row is None:
            raise SignInFailed
        if wait_s := people.locked_s(row[3], self._clock()):
            raise SignInLocked(row[0], wait_s)
        return people.Attempt(Person(row[0], Role(row[1])), row[2])

    def nobody(self) -> Actor | None:
        """The computer's user as a supervisor, where the archive knows nobody; else None."""
        with self._readers.lent() as db:
            if people.any_known(db):
                return None
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):  # a user without a name
            user = "unknown"
        return Actor(user, Role.SUPERVISOR, verified=False)

    def allow(self, actor: Actor, right: Right) -> None:
        """Raises NotAllowed unless the actor has the right, as the archive says at this moment.

        For what only reads; whatever writes asks again by itself.
        """
        with self._readers.lent() as db:
            people.require(db, actor, right)

    def people(self) -> list[Person]:
        """All whom the archive knows, by name."""
        with self._readers.lent() as db:
            return people.everybody(db)

    def admit(self, actor: Actor, name: str, role: Role, pin: str) -> Future[Person]:
        """Let somebody in from now on; the first one must be a supervisor.

        Raises Refused for a PIN too short or too long; fails with NotAllowed, Refused.
        """
        pin_hash = people.hashed(pin)
        return self._submit(
            lambda db: people.admit(db, actor, name, role, pin_hash, self._clock()),
            "admitting a person",
        )

    def dismiss(self, actor: Actor, name: str) -> Future[Person]:
        """Let somebody in no more. Fails with NotAllowed, Refused (the last supervisor stays)."""
        return self._submit(
            lambda db: people.dismiss(db, actor, name, self._clock()), "dismissing a person"
        )

    def set_pin(self, actor: Actor, name: str, pin: str) -> Future[Person]:
        """Give somebody, or oneself, a new PIN. Raises and fails like `admit`."""
        pin_hash = people.hashed(pin)
        return self._submit(
            lambda db: people.set_pin(db, actor, name, pin_hash, self._clock()), "setting a PIN"
        )
