"""What the archive's screens say: the TOML files of `locales/`, one set for each language.

`en.toml` is of all screens, `parcel.en.toml` of one of them (its keys begin with `parcel.`). Knows
no widget. Parameters are hostile text and are made harmless as on the bench.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Final

from station.ui.messages import FALLBACK, chosen, flat, shown

_PLACE: Final = ("station.ui.archive", "locales")


class Words:
    """The messages of one language, under dotted keys: `search.empty`, `parcel.key.zoom`."""

    def __init__(self, language: str) -> None:
        """Raises KeyError for a language that has no file."""
        self.language = ""
        self._texts: dict[str, str] = {}
        self.speak(language)

    def speak(self, language: str) -> None:
        """Say everything in another language from now on. Raises KeyError as `Words` does."""
        if language not in languages():
            raise KeyError(language)
        self._texts = _load(language)
        self.language = language

    def text(self, key: str, params: Iterable[tuple[str, str]] = ()) -> str:
        """The message `key` with `params` filled in. Raises KeyError for an unknown key."""
        return self._texts[key].format_map(_Shown({k: shown(v) for k, v in params}))

    def has(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> frozenset[str]:
        return frozenset(self._texts)


class _Shown(dict[str, str]):
    """A parameter that nobody gave is shown as its name, never an error."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def languages() -> tuple[str, ...]:
    """The languages that have files, sorted."""
    files = resources.files(_PLACE[0]).joinpath(_PLACE[1]).iterdir()
    names = (file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
    return tuple(sorted({name.rpartition(".")[2] for name in names}))


def words_for(setting: str) -> Words:
    """The words for the setting `bench.language`."""
    language = chosen(setting)
    return Words(language if language in languages() else FALLBACK)


def _load(language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in resources.files(_PLACE[0]).joinpath(_PLACE[1]).iterdir():
        if file.name == f"{language}.toml" or file.name.endswith(f".{language}.toml"):
            texts |= flat(tomllib.loads(file.read_text(encoding="utf-8")))
    return texts
