"""The `[scanner]` table: what counts as a waybill's barcode, from a hand scanner or a camera.

Part of `station.config`. Opens no device; loads neither OpenCV nor an engine.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from station.carriers import LONGEST_SCAN, OwnRule, known_carriers, pattern_fault
from station.scanner.device import parse_device
from station.scanner.layouts import CapsLock, configured, layout_pair, layouts
from station.scanner.settings import HandScanner, Terminator
from station.section import Name, Section, crossed, one_of
from station.waybill import WaybillRules

SYMBOLOGIES: Final = (
    "Code128", "Code39", "ITF", "Codabar", "QRCode", "DataMatrix", "Aztec", "PDF417", "EANUPC",
)  # fmt: skip
"""Those of `capture.engines`, which this room does not load (a test compares them)."""


class RuleConfig(Section):
    """A shape of tracking numbers that no carrier of `carriers.toml` has: a local courier's."""

    carrier: Name
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=200)]

    @field_validator("pattern")
    @classmethod
    def _bounded(cls, value: str) -> str:
        if fault := pattern_fault(value):
            raise PydanticCustomError("wrong", "{why}", {"why": fault})
        return value


class ScannerConfig(Section):
    """What counts as a waybill's barcode, from a hand scanner or a camera."""

    min_length: Annotated[int, Field(ge=4, le=LONGEST_SCAN)] = 8
    max_length: Annotated[int, Field(ge=4, le=LONGEST_SCAN)] = 40
    carriers: tuple[str, ...] = Field(default=(), strict=False)
    rule: tuple[RuleConfig, ...] = Field(default=(), strict=False)
    device: str = ""
    layout: str = ""
    characters: dict[str, str] = Field(default_factory=dict)
    caps_lock: Literal["off", "letters", "shift"] = "off"
    terminator: Terminator = "auto"
    burst_ms: Annotated[int, Field(ge=5, le=500)] = 35
    quiet_ms: Annotated[int, Field(ge=50, le=5_000)] = 120
    symbologies: tuple[str, ...] = Field(default=SYMBOLOGIES[:-1], strict=False, min_length=1)
    duty: Annotated[float, Field(ge=0.02, le=1)] = 0.27

    @field_validator("device")
    @classmethod
    def _is_a_device(cls, value: str) -> str:
        try:
            parse_device(value)
        except ValueError as error:
            raise PydanticCustomError("allowed", "{why}", {"why": str(error)}) from error
        return value

    @field_validator("layout")
    @classmethod
    def _is_a_pair(cls, value: str) -> str:
        if value and layout_pair(value) is None:
            known = ", ".join(layouts())
            why = f"'' or SCANNER-COMPUTER, such as 'us-de', each one of {known}"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value

    @field_validator("characters")
    @classmethod
    def _are_characters(cls, value: dict[str, str]) -> dict[str, str]:
        if any(len(sign) != 1 for entry in value.items() for sign in entry):
            why = "one character for each one that arrives, such as { y = 'z', z = 'y' }"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value

    @property
    def hand(self) -> HandScanner:
        """The hand scanner, as the rooms that read it take it."""
        known = layout_pair(self.layout)
        return HandScanner(
            device=parse_device(self.device),
            keyboard=known[0] if known else layouts()["us"],
            translation=configured(self.layout, CapsLock(self.caps_lock), self.characters),
            terminator=self.terminator,
            burst_s=self.burst_ms / 1000,
            quiet_s=self.quiet_ms / 1000,
        )

    @field_validator("symbologies")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one_of(name, SYMBOLOGIES) for name in value)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_length > self.max_length:
            raise crossed("min_length", self.min_length, f"at most max_length, {self.max_length}")
        known = (*known_carriers(), *(rule.carrier for rule in self.rule))
        for place, name in enumerate(self.carriers):
            if name not in known:
                names = ", ".join(repr(name) for name in sorted(set(known)))
                raise crossed(f"carriers[{place}]", name, f"one of {names}")
        return self

    @property
    def waybills(self) -> WaybillRules:
        """What this site takes for a tracking number."""
        own = tuple(OwnRule(rule.carrier, rule.pattern) for rule in self.rule)
        return WaybillRules(self.min_length, self.max_length, self.carriers, own)
