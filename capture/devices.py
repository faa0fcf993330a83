"""Which camera stands behind an index: one that was unplugged may come back under another.

Linux numbers a returning camera anew while its old number is still open. Knows what the system
tells of its cameras, and neither opens nor reads one. Elsewhere than on Linux nothing is told, and
an index stays what it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)

SYSFS = Path("/sys/class/video4linux")


def identity(target: str, root: Path = SYSFS) -> str | None:
    """What stays the same when the camera `target` (`0`, `/dev/video0`) gets another index.

    Its USB serial number, or where it has none, or shares it with another camera here, its port.
    None if there is no such camera, or nothing is known.
    """
    match = re.fullmatch(r"(?:/dev/video)?([0-9]+)", target)
    node = root / f"video{match[1]}" if match else None
    if node is None or not _captures(node):
        return None
    serial = _serial(node)
    if serial and sum(_serial(other) == serial for other in _nodes(root)) == 1:
        return serial
    return _port(node)


def find(identity: str, root: Path = SYSFS) -> str | None:
    """The index under which the camera of that `identity` is now; None if it is not there."""
    for node in _nodes(root):
        if identity in (_serial(node), _port(node)):
            return node.name.removeprefix("video")
    return None


class Known:
    """Which camera each target meant when it was opened first, so that it keeps meaning it."""

    def __init__(self, root: Path = SYSFS) -> None:
        self._root = root
        self._meant: dict[str, str] = {}

    def place(self, target: str) -> str | None:
        """The target under which the camera that `target` means is to be opened now.

        None: it is gone, and the camera that is there instead is another one in use. A camera that
        nobody knows may have replaced a broken one, and is taken for it.
        """
        meant = self._meant.get(target)
        here = identity(target, self._root)
        if meant is None or here == meant:
            return target
        if (now := find(meant, self._root)) is not None:
            _log.warning("the camera that was %s has come back as camera %s", target, now)
            return now
        return None if here in self._meant.values() else target

    def opened(self, target: str, place: str) -> None:
        """The camera that `target` means was opened under `place`."""
        found = identity(place, self._root)
        if found is not None:
            self._meant[target] = found


def _nodes(root: Path) -> Iterator[Path]:
    return (node for node in sorted(root.glob("video[0-9]*")) if _captures(node))


def _captures(node: Path) -> bool:
    """Whether the node gives pictures: a camera's further nodes give only data about them."""
    return _text(node / "index") == "0"


def _serial(node: Path) -> str | None:
    """Maker, model, serial number and function of a USB camera; None without a serial number."""
    function = (node / "device").resolve()  # …/1-2:1.0, in the folder of the USB device 1-2
    device = function.parent
    serial = _text(device / "serial")
    if not serial:
        return None
    model = f"{_text(device / 'idVendor')}:{_text(device / 'idProduct')}"
    return f"usb {model} {serial} {function.name.rpartition(':')[2]}"


def _port(node: Path) -> str | None:
    device = node / "device"
    return f"{device.resolve()} {_text(node / 'name')}" if device.exists() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
