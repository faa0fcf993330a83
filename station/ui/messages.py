"""What the screen says, in the packer's language: one TOML in `locales/` for each language.

Knows no widget and no rule. Parameters are hostile text (scans, causes from drivers): whatever is
not printable is escaped before it is put into a message, and a message never runs as markup.
"""

from __future__ import annotations

import locale
import os
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

FALLBACK: Final = "en"
_SHOWN_CHARS: Final = 100


class Catalogue:
    """The messages of one language. Keys are dotted: `say.sealed`, `alarm.disk_full.word`."""

    def __init__(self, language: str) -> None:
        """Raises KeyError for a language that has no file."""
        if language not in languages():
            raise KeyError(language)
        self.language = language
        self.texts = flat(_load(language))
        self.reasons: tuple[str, ...] = tuple(_load(language)["question"]["cancel"]["reasons"])

    def text(self, key: str, params: Iterable[tuple[str, str]] = ()) -> str:
        """The message `key` with `params` filled in. Raises KeyError for an unknown key."""
        return self.texts[key].format_map(_Shown({k: shown(v) for k, v in params}))

    def has(self, key: str) -> bool:
        return key in self.texts

    def slot(self, name: str) -> str:
        """The name of a shot slot; a site's own slots are shown as they are written."""
        return self.texts.get(f"slot.{name}", name.replace("_", " ").upper())


class _Shown(dict[str, str]):
    """A parameter that the rules did not give is shown as its name, never an error."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def languages() -> tuple[str, ...]:
    """The languages that have a file, sorted."""
    files = resources.files("station.ui").joinpath("locales").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def chosen(setting: str) -> str:
    """The language for the setting `bench.language`: itself, or what the computer is set to."""
    if setting != "auto":
        return setting
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    wanted = wanted or locale.getlocale()[0] or ""
    # Windows says `Chinese (Simplified)_China`.
    short = "zh" if wanted.lower().startswith("chinese") else wanted[:2].lower()
    return short if short in languages() else FALLBACK


def shown(text: str) -> str:
    """`text` made printable and short enough for a line."""
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text[: 2 * _SHOWN_CHARS]
    )
    return safe if len(safe) <= _SHOWN_CHARS else safe[: _SHOWN_CHARS - 1] + "…"


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The messages of a nested table under dotted keys; lists are left out."""
    texts: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            texts |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            texts[prefix + key] = value
    return texts


def _load(language: str) -> dict[str, Any]:
    path = resources.files("station.ui").joinpath("locales", f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
