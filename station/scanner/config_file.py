"""Writes the `[scanner]` settings that a set-up found into the configuration file.

Every other line of the file stays as it is, comments too. The file is replaced whole, so that a
power cut leaves the old one or the new one, and the old one is kept beside it as `.bak`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from station.config import validated
from station.config_faults import ConfigError, Fault


def write_settings(
    path: Path, settings: Mapping[str, str | int | Mapping[str, str]]
) -> dict[str, tuple[object, object]]:
    """Put `settings` into the `[scanner]` table of the file at `path`, which may be a new one.

    Returns each key that changed, with its value before (None: it was not there) and after.
    Raises ConfigError, and leaves the file as it is, where it is no configuration or would be none.
    """
    path = path.resolve()  # a link stays a link
    try:
        old = path.read_bytes().decode() if path.exists() else ""
        document = tomlkit.parse(old)
    except OSError as error:
        raise ConfigError(str(path), (Fault(f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), (Fault("is not UTF-8 text"),)) from error
    except TOMLKitError as error:
        raise ConfigError(str(path), (Fault(f"is not TOML: {error}"),)) from error
    table = document.setdefault("scanner", tomlkit.table())
    if not isinstance(table, Table):
        raise ConfigError(str(path), (Fault("allowed is a table", "scanner"),))
    changed: dict[str, tuple[object, object]] = {}
    for key, value in settings.items():
        before = table.unwrap().get(key)
        after = dict(value) if isinstance(value, Mapping) else value
        if before == after or (before is None and after in ("", {})):
            continue
        if isinstance(after, dict):
            inline = tomlkit.inline_table()
            inline.update(after)
            table[key] = inline
        else:
            table[key] = after
        changed[key] = (before, after)
    new = tomlkit.dumps(document)
    validated(tomllib.loads(new), str(path))
    if changed:
        try:
            _replace(path, new.encode())
        except OSError as error:
            why = f"cannot be written: {error.strerror}"
            raise ConfigError(str(path), (Fault(why),)) from error
    return changed


def _replace(path: Path, data: bytes) -> None:
    if path.exists():
        shutil.copy2(path, path.with_name(path.name + ".bak"))
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
