"""How fast an archive is checked, beside `sha256sum` on the same files in the same run.

    python -m tests.performance.archive_check [--sessions 200] [--clip-mb 8] [--rounds 3]

Each session has one clip of random bytes and three photos of 300 kB. Everything is read once before
anything is measured, so that both find the files in memory: what is compared is the work, not the
disk. Without `sha256sum` (it is part of every Linux) there is nothing to compare with.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ulid import ULID

from storage.archive import Archive
from storage.check_run import check
from storage.records import EndReason, Kind, Session, Shot, Status, Waybill

GOAL = 0.8
PHOTOS, PHOTO_BYTES = 3, 300_000
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
MB = 1_000_000


def make(root: Path, sessions: int, clip_bytes: int) -> None:
    """An archive of so many sealed sessions."""
    with Archive.open(root) as archive:
        for number in range(sessions):
            at = NOON + dt.timedelta(minutes=number)
            session = Session(
                id=str(ULID.from_datetime(at)),
                waybill=Waybill(f"1Z999AA1{number:010d}", f"1Z999AA1{number:010d}", "UPS"),
                kind=Kind.PACKING,
                pass_no=1,
                bench="bench 1",
                packer="Ann",
                opened_at=at,
                required_slots=(),
            )
            folder = archive.open_session(session).result()
            clip = folder / "overhead-01.mp4"
            clip.write_bytes(os.urandom(clip_bytes))
            archive.add_clip(
                session.id, clip, camera="overhead", part=1, codec="h264", width=1920, height=1080,
                started_at=at, duration_ms=20_000, pre_roll_ms=5_000, frames=600, dropped=0,
            ).result()  # fmt: skip
            for photo in range(PHOTOS):
                _shoot(archive, session.id, folder / f"item-{photo + 1:02d}.jpg", at)
            archive.seal(session.id, Status.SEALED, EndReason.FINISH, at).result()


def _shoot(archive: Archive, session: str, path: Path, at: dt.datetime) -> None:
    content = os.urandom(PHOTO_BYTES)
    path.write_bytes(content)
    shot = Shot(
        slot="item", path=archive.relative(path), camera="overhead", taken_at=at, label_check=None,
        width=4000, height=3000, size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    archive.add_shot(session, shot).result()


def peer_s(root: Path) -> float:
    """How long `sha256sum` takes for every file of the sessions."""
    program = shutil.which("sha256sum")
    assert program is not None, "sha256sum is not installed"
    names = [str(path) for path in sorted((root / "media").rglob("*")) if path.is_file()]
    begun_s = time.perf_counter()
    subprocess.run(
        ["xargs", "-0", program], input="\0".join(names).encode(), stdout=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip
    return time.perf_counter() - begun_s


def ours_s(root: Path) -> float:
    """How long the check takes."""
    begun_s = time.perf_counter()
    found = check(root, lambda: dt.datetime.now(dt.UTC), again=True)
    assert not found.problems, found.problems[:5]
    return time.perf_counter() - begun_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--clip-mb", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="packwitness-") as folder:
        root = Path(folder, "archive")
        make(root, asked.sessions, int(asked.clip_mb * MB))
        size_mb = sum(p.stat().st_size for p in (root / "media").rglob("*") if p.is_file()) / MB
        peer_s(root)
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pairs = [(ours_s(root), peer_s(root)) for _ in range(asked.rounds)]
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1000
    ours, peer = (sorted(each)[len(pairs) // 2] for each in zip(*pairs, strict=True))
    print(f"{asked.sessions} sessions, {size_mb:.0f} MB, median of {asked.rounds} rounds")
    print(f"check      {size_mb / ours:7.0f} MB/s  memory grew by {grown_mb:.0f} MB")
    print(f"sha256sum  {size_mb / peer:7.0f} MB/s")
    print(f"ratio      {peer / ours:7.2f}       goal {GOAL}")


if __name__ == "__main__":
    main()
