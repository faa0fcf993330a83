"""Faults of a configuration in a site's own words: the key, the value, what is allowed.

Turns what pydantic found into one line each. Knows the models only through their fields.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

SHOWN_CHARACTERS: Final = 80
_UNION_NOISE: Final = frozenset({"constrained-int", "constrained-float", "int", "float"})
_PATTERNS: Final = {
    r"^[a-z0-9-]{1,32}$": "1 to 32 letters a-z, digits and -, such as 'overhead'",
    r"^[a-z_]{1,32}$": "1 to 32 letters a-z and _, such as 'sealed_box'",
    r"^[^\x00-\x1f\x7f]{0,40}$": "one line of at most 40 characters",
    r"^[^\x00-\x1f\x7f]{1,40}$": "one line of 1 to 40 characters",
}
_KINDS: Final = {
    "model_type": "a table, such as [bench]",
    "model_attributes_type": "a table, such as [bench]",
    "tuple_type": "a list, such as [[camera]] tables",
    "path_type": "a folder's name in quotes",
    "too_short": "a list with at least one entry",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `key` dotted with its index ('' for the whole file), `value` as
    shown, `why` what is allowed or what happened."""

    why: str
    key: str = ""
    value: str = ""

    def __str__(self) -> str:
        if not self.key:
            return self.why
        return f"{self.key} = {self.value}: {self.why}" if self.value else f"{self.key}: {self.why}"


class ConfigError(Exception):
    """The configuration at `origin` (a file or an option) cannot be used; nothing was opened."""

    exit_code: ClassVar = 2

    def __init__(self, origin: str, faults: tuple[Fault, ...]) -> None:
        self.origin = origin
        self.faults = faults
        super().__init__("\n".join(f"{origin}: {fault}" for fault in faults))


def describe_all(model: type[BaseModel], found: list[ErrorDetails]) -> tuple[Fault, ...]:
    """The faults that pydantic found while it validated `model`, each told once.

    A list whose entries are all wrong is not told again as too short.
    """
    inside = {error["loc"][:-depth] for error in found for depth in range(1, len(error["loc"]))}
    return tuple(
        describe(model, error)
        for error in found
        if not (error["type"] == "too_short" and error["loc"] in inside)
    )


def describe(model: type[BaseModel], found: ErrorDetails) -> Fault:
    """The fault that pydantic found while it validated `model`."""
    context = found.get("ctx", {})
    location = tuple(part for part in found["loc"] if part not in _UNION_NOISE)
    if found["type"] == "crossed":
        prefix = dotted(location)
        key = f"{prefix}.{context['key']}" if prefix else str(context["key"])
        return Fault(f"allowed is {context['allowed']}", key, str(context["value"]))
    key = dotted(location)
    owner = _owner(model, location)
    if found["type"] == "extra_forbidden":
        return Fault(_unknown(str(location[-1]), owner), key)
    if found["type"] == "missing":
        return Fault("is missing and has no default", key)
    value = shown(found["input"])
    if found["type"] == "allowed":
        return Fault(f"allowed is {context['why']}", key, value)
    if found["type"] == "wrong":
        return Fault(str(context["why"]), key, value)
    field = owner.model_fields.get(str(location[-1])) if owner and location else None
    words = allowed(field) if field else ""
    return Fault(f"allowed is {words or _KINDS.get(found['type'], found['msg'])}", key, value)


def dotted(location: tuple[int | str, ...]) -> str:
    """`('camera', 1, 'name')` as `camera[1].name`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: object) -> str:
    """`value` for a message: short, printable, and never with the password of a URL."""
    if isinstance(value, BaseModel | dict):
        return "a table"
    text = re.sub(r"//.*@", "//***@", repr(value))  # a mistyped password holds any character
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def allowed(field: FieldInfo) -> str:
    """What may stand in `field`, read off its own constraints; '' when they say nothing."""
    kinds, low, high, pattern = _constraints(field)
    if any(get_origin(kind) is Literal for kind in kinds):
        return " or ".join(repr(value) for kind in kinds for value in get_args(kind))
    if bool in kinds:
        return "true or false"
    if int in kinds or float in kinds:
        number = "a number" if float in kinds else "a whole number"
        if low is not None and high is not None:
            number += f" from {low:,g} to {high:,g}"
        return number + (", or 0 for what the camera gives" if NoneType in kinds else "")
    if pattern:
        return _PATTERNS.get(pattern, pattern)
    if str in kinds:
        return "text in quotes"
    return ""


def _constraints(
    field: FieldInfo,
) -> tuple[list[Any], float | None, float | None, str | None]:
    """The plain types of `field`, its bounds and its pattern, through Annotated and unions."""
    kinds: list[Any] = []
    bounds: dict[str, Any] = {"ge": None, "le": None, "pattern": None}

    def note(mark: object) -> None:
        for part in mark.metadata if isinstance(mark, FieldInfo) else (mark,):
            for name in bounds:
                if getattr(part, name, None) is not None:
                    bounds[name] = getattr(part, name)

    def walk(annotation: Any) -> None:
        if get_origin(annotation) in (Union, UnionType):
            for part in get_args(annotation):
                walk(part)
        elif hasattr(annotation, "__metadata__"):
            for mark in annotation.__metadata__:
                note(mark)
            walk(annotation.__origin__)
        else:
            kinds.append(annotation)

    for mark in field.metadata:
        note(mark)
    walk(field.annotation)
    return kinds, bounds["ge"], bounds["le"], bounds["pattern"]


def _owner(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the table that holds the last part of `location`."""
    owner: type[BaseModel] | None = model
    for part in location[:-1]:
        if isinstance(part, int) or owner is None:
            continue
        field = owner.model_fields.get(part)
        inner = field.annotation if field else None
        candidates = (inner, *get_args(inner))
        owner = next(
            (kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)),
            None,
        )
    return owner


def _unknown(key: str, owner: type[BaseModel] | None) -> str:
    known = list(owner.model_fields) if owner else []
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"is no key here; did you mean {near[0]}?"
    return f"is no key here; known are {', '.join(known)}"
