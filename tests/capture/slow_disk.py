"""A disk that is slow or hangs on command: `python -m tests.capture.slow_disk PLACE`.

A file system of its own at PLACE/disk that passes everything through to PLACE/behind. What slows it
down are files in PLACE/signs: while `hold-write` or `hold-fsync` is there, that operation waits;
`slow-write` holds the seconds that each write takes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class SlowDisk:
    """The mounted disk and the process that is it. `folder` is where it is seen."""

    def __init__(self, place: Path) -> None:
        """Raises OSError where it cannot be mounted."""
        self.folder, self._signs = place / "disk", place / "signs"
        for folder in (self.folder, self._signs, place / "behind"):
            folder.mkdir(parents=True)
        self._device = place.stat().st_dev
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.capture.slow_disk", str(place)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 10
        while self.folder.stat().st_dev == self._device:
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                why = self._process.communicate()[1].strip().splitlines()
                raise OSError(why[-1] if why else "no answer")
            time.sleep(0.01)

    def hold(self, what: str) -> None:
        """`create`, `write` or `fsync`: hangs from now on."""
        (self._signs / f"hold-{what}").touch()

    def go_on(self) -> None:
        for sign in self._signs.iterdir():
            sign.unlink()

    def slow(self, each_write_s: float) -> None:
        (self._signs / "slow-write").write_text(str(each_write_s))

    def pull_out(self) -> None:
        """Who waits for it gets an error, and whoever uses it."""
        self._process.kill()
        self._process.wait()

    def unmount(self) -> None:
        self.pull_out()
        if self._process.stderr is not None:
            self._process.stderr.close()
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


def main(place: Path) -> None:
    import mfusepy

    class Through(mfusepy.Operations):  # type: ignore[misc]
        """Every operation that a recorder needs, carried out in the folder behind."""

        use_ns = True

        def _path(self, path: str) -> Path:
            return place / "behind" / path.lstrip("/")

        def _wait(self, what: str) -> None:
            with contextlib.suppress(OSError, ValueError):
                time.sleep(float((place / "signs" / f"slow-{what}").read_text()))
            while (place / "signs" / f"hold-{what}").exists():
                time.sleep(0.01)

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            stat = self._path(path).lstat()
            names = ("mode", "nlink", "uid", "gid", "size")
            times = {f"st_{kind}": getattr(stat, f"st_{kind}_ns") for kind in ("mtime", "ctime")}
            return {f"st_{name}": getattr(stat, f"st_{name}") for name in names} | times

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", *(entry.name for entry in self._path(path).iterdir())]

        def create(self, path: str, mode: int, fi: object = None) -> int:
            self._wait("create")
            return os.open(self._path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

        def open(self, path: str, flags: int) -> int:
            return os.open(self._path(path), flags)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            self._wait("write")
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            os.truncate(self._path(path), length)
            return 0

        def unlink(self, path: str) -> int:
            self._path(path).unlink()
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            self._wait("fsync")
            os.fsync(fh)
            return 0

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

    mfusepy.FUSE(Through(), str(place / "disk"), foreground=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
