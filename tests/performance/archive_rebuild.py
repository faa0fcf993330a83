"""How fast a database is made anew from a tree of signed manifests: `rebuild`.

    python -m tests.performance.archive_rebuild --sessions 20000

The peer reads the same manifests and hashes them, and does nothing else. The media that the
manifests name are not there: a rebuild does not read them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import resource
import tempfile
import time
from pathlib import Path

from ulid import ULID

from storage import files, keys, sealing, signed
from storage.archive import Archive
from storage.rebuild import rebuild
from storage.records import (
    Clip,
    EndReason,
    Kind,
    LabelCheck,
    Session,
    Shot,
    Status,
    Waybill,
)

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SLOTS = ("item", "packaging", "sealed_box", "label")


def session(number: int) -> Session:
    """A session with two clips and four photos."""
    opened = BEGIN + dt.timedelta(seconds=30 * number)
    id_ = str(ULID.from_datetime(opened))
    folder = files.session_folder(id_, opened)
    waybill = f"1Z999AA1{number:010d}"
    clips = tuple(
        Clip(camera, 1, f"{folder}/{camera}-01.mp4", "h264", 1920, 1080, opened, 60_000, 10_000,
             1_800, 0, 10_000_000, "a" * 64)
        for camera in ("overhead", "side")
    )  # fmt: skip
    shots = tuple(
        Shot(slot, f"{folder}/{slot}-01.jpg", "overhead", opened,
             LabelCheck.MATCH if slot == "label" else None, 1920, 1080, 300_000, "b" * 64)
        for slot in SLOTS
    )  # fmt: skip
    return Session(
        id_, Waybill(waybill, waybill, "ups"), Kind.PACKING, 1, "bench-1", "Ann", opened,
        Status.SEALED, opened + dt.timedelta(minutes=1), EndReason.FINISH, "", SLOTS, clips, (),
        shots,
    )  # fmt: skip


def plant(root: Path, count: int) -> list[Path]:
    """The manifests of so many sessions, signed, in an archive without a database."""
    with Archive.open(root):
        pass
    signer, planted = keys.signer_of(root), []
    for number in range(count):
        made = session(number)
        folder = root / files.session_folder(made.id, made.opened_at)
        folder.mkdir(parents=True)
        manifest, content = folder / files.MANIFEST, sealing.manifest_bytes(made)
        manifest.write_bytes(content)
        signed.signature_path(manifest).write_bytes(signer.sign(content))
        planted.append(manifest)
    for path in root.glob("archive.db*"):
        path.unlink()
    return planted


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20_000)
    count = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        planted = plant(root, count)
        begun_s = time.perf_counter()
        for path in planted:
            hashlib.sha256(path.read_bytes()).hexdigest()
        peer_s = time.perf_counter() - begun_s
        begun_s = time.perf_counter()
        told = rebuild(root, dt.datetime.now(dt.UTC))
        own_s = time.perf_counter() - begun_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{told.sessions} sessions, {len(told.doubtful)} not believed")
    print(f"rebuild            {own_s:7.1f} s  {told.sessions / own_s:7.0f} sessions/s")
    print(f"reading, hashing   {peer_s:7.1f} s  ratio {own_s / peer_s:.1f}")
    print(f"memory, at most    {peak_mb:7.0f} MB")


if __name__ == "__main__":
    main()
