"""The tables of the configuration about what is sold and claimed: orders, policy, scale, claims,
coverage.

Part of `station.config`. Opens nothing.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from station.local_time import LOCAL
from station.scanner.device import parse_device
from station.section import Section

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})? [A-Z]{3}$")]


class OrdersConfig(Section):
    """Order exports. `path` is the watched folder, '' is `orders/` in the inbox; `time_zone` is
    that of moments without one and of a claim's days ('' is the computer's), `dates` how days are
    written where that cannot be told, `currency` that of amounts without one."""

    path: Text = ""
    time_zone: str = ""
    dates: Literal["auto", "dmy", "mdy"] = "auto"
    currency: Currency = ""

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            _zone(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            why = 'a time zone such as "Europe/Berlin" or "Asia/Shanghai"'
            raise PydanticCustomError("allowed", "{why}", {"why": why}) from error
        return value

    @property
    def zone(self) -> dt.tzinfo:
        """The clocks that orders, traces and claims go by."""
        return _zone(self.time_zone)

    @property
    def day_order(self) -> Literal["", "dmy", "mdy"]:
        """How days are written, '' where a file itself must tell."""
        return "" if self.dates == "auto" else self.dates


def _zone(name: str) -> dt.tzinfo:
    return ZoneInfo(name) if name else LOCAL


class PolicyConfig(Section):
    """What an order asks of its packing. `high_value` are amounts such as "500.00 USD", one for
    each currency: at or above one of them video and all photos are compulsory."""

    high_value: tuple[Amount, ...] = Field(default=(), strict=False)
    uninsured: Literal["announce", "ignore"] = "announce"
    cancelled: Literal["stop", "announce"] = "stop"
    items: Literal["off", "check", "require"] = "off"

    @field_validator("high_value")
    @classmethod
    def _one_for_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({each[-3:] for each in value}) < len(value):
            why = "one amount for each currency"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value

    @property
    def high_cents(self) -> dict[str, int]:
        """The least cents of a high value, by currency."""
        return {each[-3:]: int(Decimal(each[:-4]) * 100) for each in self.high_value}


class ScaleConfig(Section):
    """A serial scale at the bench. `port` as `[scanner] device` has it, '' for none; a parcel's
    weight may differ from its order's by the larger of the two tolerances."""

    port: Annotated[str, StringConstraints(pattern=r"^(serial:\S{1,200})?$")] = ""
    protocol: Literal["auto", "sics", "toledo", "cas", "and", "simple"] = "auto"
    tolerance_percent: Annotated[float, Field(ge=0, le=1_000)] = 10.0
    tolerance_g: Annotated[int, Field(ge=0, le=1_000_000)] = 50

    @field_validator("port")
    @classmethod
    def _is_a_port(cls, value: str) -> str:
        try:
            parse_device(value)
        except ValueError as error:
            raise PydanticCustomError("allowed", "{why}", {"why": str(error)}) from error
        return value


class ClaimsConfig(Section):
    """Claims. `rules` is a file of the site's own deadlines, relative to the configuration; who
    claims, and how to reach them, stands in the form; `quiet_days` without movement make a loss of
    a parcel, `late_days` after the day it was promised for a delay; `premium_percent` is what
    insurance costs of an order's value."""

    rules: Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,1000}$")] = ""
    claimant: Text = ""
    address: Text = ""
    contact_email: Text = ""
    remind_days: Annotated[int, Field(ge=0, le=365)] = 7
    quiet_days: Annotated[int, Field(ge=1, le=365)] = 10
    late_days: Annotated[int, Field(ge=0, le=365)] = 3
    premium_percent: Annotated[float, Field(ge=0, le=100)] = 1.0


class CoverageConfig(Section):
    """Parcels that left without evidence: looked for among those of the last `days`, and told so
    long after they were shipped (`grace_h` hours: the import may come before the sealing)."""

    days: Annotated[int, Field(ge=1, le=365)] = 3
    grace_h: Annotated[float, Field(ge=0, le=720)] = 2.0
