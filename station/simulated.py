"""The built-in simulated bench: which parcel lies on the table, and what to scan for it.

Used where no camera is configured, and by the demo. The numbers are made up, with true UPS check
digits, so that they pass as waybills and no carrier knows them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

SIMULATED_SEED = 7
"""The scene that the built-in cameras share (`sim:?seed=7`)."""
NEXT_PARCEL_S = 1.5

_SERVICES = ("03", "12", "01", "68")
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"


def ups_numbers(seed: int) -> Iterator[str]:
    """UPS tracking numbers without end, each with its check digit, the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - sample numbers, no secret
    while True:
        account = "".join(chance.choices(_LETTERS, k=6))
        body = account + chance.choice(_SERVICES) + f"{chance.randrange(10**7):07d}"
        yield f"1Z{body}{ups_check_digit(body)}"


def ups_check_digit(body: str) -> int:
    """The check digit of the 15 characters after `1Z` (letters count as (code - 3) mod 10)."""
    total = 0
    for place, character in enumerate(body):
        value = int(character) if character.isdigit() else (ord(character) - 3) % 10
        total += value * 2 if place % 2 else value
    return -total % 10


class SimulatedParcels:
    """Lays one parcel after the other on the simulated bench."""

    def __init__(self, seed: int = SIMULATED_SEED) -> None:
        self._seed = seed
        self._numbers = ups_numbers(seed)
        self.current = next(self._numbers)

    def start(self) -> None:
        """Show the first parcel. OpenCV must be loaded by now."""
        self._show()

    def advance(self) -> None:
        """The parcel at hand is done: clear the table, and soon show the next one."""
        from capture.sim import scene

        scene(self._seed).clear()
        self.current = next(self._numbers)
        timer = threading.Timer(NEXT_PARCEL_S, self._show)
        timer.daemon = True
        timer.start()

    def _show(self) -> None:
        from capture.sim import scene

        scene(self._seed).show(self.current)
