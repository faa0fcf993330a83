"""What a scale says, in whole grams. Pure; knows no port, no protocol and no parcel."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from storage.weights import GRAMS

Fault = Literal["", "overload", "underload", "unit"]
Spoken = Literal["sics", "toledo", "cas", "and", "simple"]
SPOKEN: Final[tuple[Spoken, ...]] = ("sics", "toledo", "cas", "and", "simple")


@dataclass(frozen=True, slots=True)
class Weight:
    """What lies on the scale: net, where the scale has a tare; negative where less lies on it than
    when it was zeroed. `fault`: it is beyond the scale's range, or shown in a unit that is no
    weight known here (pieces, percent, carat); the grams then say nothing."""

    grams: int
    stable: bool
    fault: Fault = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One message of a scale. One that speaks "simple" never says whether it is at rest."""

    spoken: Spoken
    weight: Weight

    @property
    def says_rest(self) -> bool:
        """Whether `weight.stable` was said by the scale."""
        return self.spoken != "simple"


OVER: Final = Weight(0, stable=False, fault="overload")
UNDER: Final = Weight(0, stable=False, fault="underload")
NO_UNIT: Final = Weight(0, stable=False, fault="unit")


def weight_of(figure: Decimal, unit: str, *, stable: bool) -> Weight:
    """`figure` of `unit` in whole grams, a half rounded away from zero."""
    factor = GRAMS.get(unit.lower())
    if factor is None:
        return NO_UNIT
    return Weight(int((figure * factor).to_integral_value(ROUND_HALF_UP)), stable)
