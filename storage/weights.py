"""Units of weight in grams.

A pound is 0.45359237 kg and an ounce a sixteenth of it (international agreement of 1959): both are
exact, and no weight ever passes through a float.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

POUND_G: Final = Decimal("453.59237")
GRAMS: Final = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": POUND_G,
    "lbs": POUND_G,
    "oz": POUND_G / 16,
}
"""By the unit as it is written, in lower case."""
