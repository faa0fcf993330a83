"""`packwitness trace`: where a carrier saw a parcel.

Part of `station.cli`, which adds it to its group.
"""

from __future__ import annotations

from typing import Final

import click

COMMANDS: Final[tuple[click.Command, ...]] = ()
