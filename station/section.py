"""What the tables of a site's configuration have in common: see `station.config`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from station.config_faults import shown

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]


def one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        names = ", ".join(repr(name) for name in known)
        raise PydanticCustomError("allowed", "{why}", {"why": f"one of {names}"})
    return value


def crossed(key: str, value: object, allowed: str) -> PydanticCustomError:
    """A fault between two keys, told at the one that is easier to change."""
    return PydanticCustomError(
        "crossed", "{allowed}", {"key": key, "value": shown(value), "allowed": allowed}
    )


class Section(BaseModel):
    """A table of the file: nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
