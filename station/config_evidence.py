"""The table of the configuration that evidence packages are made by: who signs them.

Part of `station.config`. Opens nothing, runs nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from station.section import Section


class EvidenceConfig(Section):
    """`sign_command` is a program with its arguments that signs packages (CMS) with a key that is
    not in the archive, such as one on a smart card; () signs with the archive's own. `profiles` is
    a file of the site's own export profiles, relative to the configuration; '' for none. `profile`
    and `recipient` are what an export is for where nobody says otherwise; `c2pa` puts C2PA sidecars
    into complete packages."""

    sign_command: tuple[str, ...] = Field(default=(), strict=False)
    sign_timeout_s: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    profiles: Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,1000}$")] = ""
    profile: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")] = "complete"
    recipient: Annotated[str, StringConstraints(max_length=200)] = ""
    c2pa: bool = False

    @field_validator("sign_command")
    @classmethod
    def _can_be_run(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and (not value[0].strip() or any("\0" in argument for argument in value)):
            why = "a list: a program's name, then its arguments; or [] for the archive's own key"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value
