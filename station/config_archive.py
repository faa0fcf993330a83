"""The tables of the configuration that keep an archive: ledger, check, search, inbox, retention.

Part of `station.config`. Opens nothing.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from station.section import Name, Section, crossed

Group = Literal["", "tracking_trace", "media", "proof_of_value", "correspondence", "claim_form"]


class LedgerConfig(Section):
    """Checkpoints of the ledger. `tsa` is the address of an RFC 3161 time-stamping authority,
    `tsa_certificates` a PEM file with those it is verified by; '' is none."""

    checkpoint_every: Annotated[int, Field(ge=10, le=100_000)] = 1_000
    tsa: str = ""
    tsa_certificates: str = ""

    @field_validator("tsa")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            why = "an http or https address, or '' for none"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value


class CheckConfig(Section):
    """The check of the whole archive that the bench runs beside packing; 0 days is never."""

    every_days: Annotated[int, Field(ge=0, le=3_650)] = 7


class SearchConfig(Section):
    """`middle`: an index that also finds the middle of a tracking number as it is typed."""

    middle: bool = False


class InboxConfig(Section):
    """The watched drop folder. `path` '' is the archive's `inbox/`; `group` is the evidence group
    of a file that no sub-folder names one for, '' asks."""

    path: str = ""
    group: Group = ""
    settle_s: Annotated[float, Field(ge=0.5, le=3_600)] = 3.0
    rescan_s: Annotated[float, Field(ge=5, le=86_400)] = 60.0


class RetentionRule(Section):
    """How long the sessions of one class are kept. `min_value` is an amount of money as text."""

    name: Name
    days: Annotated[int, Field(ge=1, le=36_500)]
    kind: Literal["", "packing", "return"] = ""
    min_value: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,12}(\.[0-9]{1,3})?)?$")] = ""
    currency: Annotated[str, StringConstraints(pattern=r"^([A-Z]{3})?$")] = ""

    @model_validator(mode="after")
    def _in_a_currency(self) -> Self:
        if bool(self.min_value) is not bool(self.currency):
            raise crossed("currency", self.currency, "a currency's code beside a min_value")
        return self

    @property
    def least(self) -> Decimal | None:
        """The smallest order value of this class, in `currency`."""
        return Decimal(self.min_value) if self.min_value else None


class RetentionConfig(Section):
    """What is deleted by policy. `budget_gb` 0 is as much as the disk holds; nothing younger than
    `floor_days` goes, whatever the disk says. The first rule that fits a session counts, else
    `days`."""

    automatic: bool = False
    days: Annotated[int, Field(ge=1, le=36_500)] = 180
    floor_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    budget_gb: Annotated[float, Field(ge=0, le=10_000_000)] = 0.0
    rule: tuple[RetentionRule, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _floor_below_days(self) -> Self:
        shortest = min((self.days, *(rule.days for rule in self.rule)))
        if self.floor_days > shortest:
            raise crossed("floor_days", self.floor_days, f"at most the shortest time, {shortest}")
        return self


def inbox_folder(inbox: InboxConfig, archive: Path, base: Path) -> Path:
    """The folder that is watched; a relative one is relative to the configuration's folder."""
    return archive / "inbox" if not inbox.path else (base / Path(inbox.path).expanduser())
