"""How fast a parcel's evidence leaves the archive, beside `cp` and `sha256sum` in the same run.

    python -m tests.performance.export [--megabytes 200] [--rounds 5] [--json]

One session with two clips of 1080p and four photos, of real pictures. Each round exports the whole
package and brings it to the disk, and copies the same files with `cp`, hashes the copies with
`sha256sum` and brings them to the disk with `sync`; the two take turns. The report is timed alone,
too. Memory is that of a process that exports nothing else, at the size asked for and at four times
that size.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from ulid import ULID

from storage.archive import Archive
from storage.evidence.contents import contents_of
from storage.evidence.package import export
from storage.evidence.report.report import report
from storage.evidence.stated import Stated
from storage.records import EndReason, Kind, LabelCheck, Session, Shot, Status, Waybill
from storage.rows import media_of
from storage.site_keys import site_signer
from tests.performance.tables import Section, percentile

GOAL, REPORT_GOAL_S = 1.5, 1.0
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
NUMBER = "1Z999AA10123456784"
WIDTH, HEIGHT, FPS = 1920, 1080, 30
MB = 1_000_000
SLOTS = ("item", "packaging", "sealed_box", "label")


def film(path: Path, size_bytes: int) -> int:
    """An H.264 file of about this size that shows noise; how many frames it has."""
    dice, count, written = np.random.default_rng(1), 0, 0
    pictures = [dice.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(4)]
    with av.open(str(path), "w", format="mp4") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "qp": "20", "g": str(FPS)}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        while written < size_bytes:
            frame = av.VideoFrame.from_ndarray(pictures[count % len(pictures)], "bgr24")
            packets = stream.encode(frame)
            written += sum(packet.size for packet in packets)
            container.mux(packets)
            count += 1
        container.mux(stream.encode(None))
    return count


def pack(archive: Archive, megabytes: int) -> Session:
    """A sealed session of about this size."""
    session = Session(
        id=str(ULID.from_datetime(NOON)),
        waybill=Waybill(NUMBER, NUMBER, "UPS"),
        kind=Kind.PACKING,
        pass_no=1,
        bench="bench 1",
        packer="Ann",
        opened_at=NOON,
        required_slots=SLOTS,
    )
    folder = archive.open_session(session).result()
    first = folder / "overhead-01.mp4"
    frames = film(first, megabytes * MB // 2)
    for camera in ("overhead", "side"):
        path = folder / f"{camera}-01.mp4"
        if path != first:
            shutil.copyfile(first, path)
        archive.add_clip(
            session.id, path, camera=camera, part=1, codec="h264", width=WIDTH, height=HEIGHT,
            started_at=NOON - dt.timedelta(seconds=1), duration_ms=frames * 1000 // FPS,
            pre_roll_ms=1000, frames=frames, dropped=0,
        ).result()  # fmt: skip
    dice = np.random.default_rng(2)
    for nr, slot in enumerate(SLOTS, start=1):
        path = folder / f"{slot}-{nr:02d}.jpg"
        picture = dice.integers(0, 255, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
        Image.fromarray(picture).resize((WIDTH, HEIGHT)).save(path, quality=92)
        at = NOON + dt.timedelta(milliseconds=300 * nr)
        content = path.read_bytes()
        shot = Shot(
            slot=slot, path=archive.relative(path), camera="overhead", taken_at=at,
            label_check=LabelCheck.MATCH if slot == "label" else None, width=WIDTH, height=HEIGHT,
            size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        archive.add_shot(session.id, shot).result()
    at = NOON + dt.timedelta(seconds=2)
    return archive.seal(session.id, Status.SEALED, EndReason.FINISH, at).result()


def peer_s(root: Path, session: Session, folder: Path) -> tuple[float, float]:
    """How long `cp` and `sha256sum` take for the session's files, and `sync` for the copies."""
    folder.mkdir()
    names = [str(root / item.path) for item in media_of(session)]
    copies = [str(folder / Path(name).name) for name in names]
    begun_s = time.perf_counter()
    subprocess.run(["cp", *names, str(folder)], check=True)
    subprocess.run(["sha256sum", *copies], check=True, stdout=subprocess.DEVNULL)
    done_s = time.perf_counter()
    subprocess.run(["sync", *copies, str(folder)], check=True)
    return done_s - begun_s, time.perf_counter() - done_s


def measure(megabytes: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as scratch:
        root, out = Path(scratch, "archive"), Path(scratch, "out")
        with Archive.open(root) as archive:
            session = pack(archive, megabytes)
            contents = contents_of(archive, [session])
            signer = site_signer(root)
            stated = Stated("{}", "0" * 64, contents.as_of, signer.name, signer.fingerprint)
            export(archive, [session], out)
            ours, theirs = list[float](), list[float]()
            synced, reports = list[float](), list[float]()
            for turn in range(rounds):
                begun_s = time.perf_counter()
                export(archive, [session], Path(scratch, f"ours-{turn}"))
                ours.append(time.perf_counter() - begun_s)
                peer, sync = peer_s(root, session, Path(scratch, f"theirs-{turn}"))
                theirs.append(peer)
                synced.append(peer + sync)
                begun_s = time.perf_counter()
                report(root, contents, stated)
                reports.append(time.perf_counter() - begun_s)
            size = sum(item.size_bytes for item in media_of(session))
    return {
        "bytes": size,
        "export_s": percentile(ours, 50),
        "cp_sha256sum_s": percentile(theirs, 50),
        "cp_sha256sum_sync_s": percentile(synced, 50),
        "ratio": percentile([a / b for a, b in zip(ours, theirs, strict=True)], 50),
        "ratio_to_synced": percentile([a / b for a, b in zip(ours, synced, strict=True)], 50),
        "report_s": percentile(reports, 50),
        "peak_mb": peak_mb(megabytes),
        "peak_mb_of_four_times": peak_mb(4 * megabytes),
    }


def peak_mb(megabytes: int) -> float:
    """What a process that exports so much has in memory at most, in MB; NaN where Linux's /proc is
    not there to say."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "archive")
        with Archive.open(root) as archive:
            pack(archive, megabytes)
        told = subprocess.run(
            [sys.executable, "-m", "tests.performance.export", "--alone", str(root)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(told.stdout)


def alone(root: Path) -> None:
    """Export all of an archive, and print the memory that it took."""
    with Archive.open(root) as archive:
        export(archive, archive.recent(9), root / "exports")
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 / MB for line in lines if line.startswith("VmHWM")]
    print(peaks[0] if peaks else "nan")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone is not None:
        alone(asked.alone)
        return
    found = measure(asked.megabytes, asked.rounds)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    rows = (
        ("the whole package", f"{found['export_s']:.2f} s", ""),
        ("`cp`, `sha256sum`", f"{found['cp_sha256sum_s']:.2f} s", ""),
        ("and `sync`", f"{found['cp_sha256sum_sync_s']:.2f} s", ""),
        ("ratio to the first, median of the rounds", f"{found['ratio']:.2f}", f"{GOAL}"),
        ("ratio to all three", f"{found['ratio_to_synced']:.2f}", ""),
        ("its report alone", f"{found['report_s']:.2f} s", f"{REPORT_GOAL_S:.0f} s"),
        ("memory at most", f"{found['peak_mb']:.0f} MB", ""),
        ("of four times the size", f"{found['peak_mb_of_four_times']:.0f} MB", "the same"),
    )
    title = f"Export of {found['bytes'] / MB:.0f} MB"
    print(Section(title, ("", "measured", "goal"), rows).markdown())


if __name__ == "__main__":
    main()
