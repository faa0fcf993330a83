"""What the codes in image files say, and what that means at this site.

Behind `packwitness read IMAGE...`: file -> `capture.picture` -> `capture.barcode`, all looks, as a
label photo is read at the bench -> `station.meaning`. A file that fails costs its own line, never
the rest. Keeps nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich.cells import cell_len

from capture.barcode import read_still
from capture.events import Reading
from capture.picture import SUFFIXES, PictureError, load
from station.config import Config
from station.console import harmless, progress_bar, told
from station.meaning import on_one_line, to_json, whole
from station.stopping import stopped_by_signals
from station.waybill import WaybillRules

log = logging.getLogger(__name__)

_FAILED: Final = 1
_WIDEST_NAME: Final = 40
_BAR: Final = 48
"""Columns that the progress bar takes at most."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file gave. `error` is '' or says why it gave nothing."""

    path: Path
    readings: tuple[Reading, ...] = ()
    error: str = ""
    load_ms: float = 0.0
    read_ms: float = 0.0

    def to_json(self, rules: WaybillRules, *, timing: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "file": _name(self.path),
            "readings": [to_json(reading, rules) for reading in self.readings],
            "ms": round(self.load_ms + self.read_ms, 1),
        }
        if timing:
            entry["timing"] = {
                "load_ms": round(self.load_ms, 1),
                "read_ms": round(self.read_ms, 1),
            }
        if self.error:
            entry["error"] = self.error
        return entry

    def lines(self, rules: WaybillRules, *, width: int, timing: bool) -> list[str]:
        """One line for each reading, the file's name in `width` columns before it."""
        name = harmless(_name(self.path))
        name += ": " + " " * (width - cell_len(name))
        lines = [name + on_one_line(reading, rules) for reading in self.readings]
        if not self.readings:
            lines.append(f"{name}nothing read")
        if timing:
            ms = f"{self.load_ms + self.read_ms:.1f} ms"
            lines.append(f"{name}{ms}: loaded {self.load_ms:.1f}, read {self.read_ms:.1f}")
        return lines


def read_images(
    images: Sequence[Path], config: Config, *, as_json: bool = False, timing: bool = False
) -> int:
    """Print what each of `images` shows, file by file; the exit code, 1 if one of them failed.

    A folder stands for the pictures directly in it. Stopped by a signal it raises
    KeyboardInterrupt; what was printed until then is whole.
    """
    rules = config.scanner.waybills
    wanted = list(_files(images))
    names = (cell_len(harmless(_name(path))) for path, _ in wanted)
    width = min(_WIDEST_NAME, max(names, default=0))
    to_terminal = sys.stdout.isatty()  # where the bar would stand in the middle of the lines
    quiet = to_terminal or len(wanted) < 2
    failed = 0
    with (
        stopped_by_signals() as stopped,
        _json_list() if as_json else contextlib.nullcontext(click.echo) as put,
        progress_bar("reading", quiet=quiet) as progress,
    ):
        for number, (path, why) in enumerate(wanted):
            if stopped.is_set():
                raise KeyboardInterrupt
            if progress is not None:
                progress(number, len(wanted))
            found = FileRead(path, error=why) if why else _read(path, config.scanner.symbologies)
            if found.error:
                failed += 1
                if progress is not None:
                    click.echo("\r" + " " * _BAR + "\r", err=True, nl=False)
                told(f"{_name(path)}: {found.error}")
            if as_json:
                put(json.dumps(found.to_json(rules, timing=timing)))
            elif not found.error:
                put("\n".join(found.lines(rules, width=width, timing=timing)))
    return _FAILED if failed else 0


def _read(path: Path, symbologies: Sequence[str]) -> FileRead:
    began = time.perf_counter()
    try:
        grey = load(path)
        loaded = time.perf_counter()
        readings = read_still(grey, symbologies)
    except PictureError as error:
        return FileRead(path, error=error.why, load_ms=_since_ms(began))
    except Exception as error:  # the top of this file's work: the others are read all the same
        log.exception("reading %s", path)
        why = f"could not be read ({type(error).__name__}); please report it with the file"
        return FileRead(path, error=why, load_ms=_since_ms(began))
    return FileRead(path, tuple(readings), "", (loaded - began) * 1e3, _since_ms(loaded))


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1e3


def _files(images: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The files that `images` name, and why one of them is of no use, else ''."""
    for image in images:
        if not image.is_dir():
            yield image, ""
            continue
        try:
            inside = sorted(
                path
                for path in image.iterdir()
                if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
            )
        except OSError as error:
            yield image, f"cannot be opened ({error.strerror}); ask its owner for the permission"
            continue
        if not inside:
            yield image, "holds no pictures; name a folder that does, or the files"
        for path in inside:
            yield path, ""


@contextlib.contextmanager
def _json_list() -> Iterator[Callable[[str], None]]:
    """Prints JSON values, one a line, as the list that they make, whole whenever it ends."""
    before = "[\n"

    def put(value: str) -> None:
        nonlocal before
        click.echo(before + value, nl=False)
        before = ",\n"

    try:
        yield put
    finally:
        click.echo("[]" if before == "[\n" else "\n]")


def _name(path: Path) -> str:
    """The file's name as text: on Linux it is bytes, whatever they are."""
    return whole(os.fsencode(path).decode("utf-8", "replace"))
