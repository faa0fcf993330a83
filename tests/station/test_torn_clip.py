"""A clip that a power cut tore within its index: mended and kept when the bench starts."""

from __future__ import annotations

import time
from pathlib import Path

from capture.clip import Recorder
from capture.events import ClipEnded, ClipStarted
from capture.overlay import Overlay
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.probe import clip_facts
from storage.records import Status
from tests.capture.numbered import Hand, numbers_of
from tests.station.packing import config, found, running
from tests.storage.desk import NUMBER, Desk


def torn_clip(folder: Path) -> bytes:
    """What lay on the disk in the midst of a clip, up to the middle of a fragment's table."""
    hand, path = Hand(fps=25), folder / "c.mp4"
    recorder = Recorder("cam", hand.events.put, fps=25, pre_roll_s=1, overlay=Overlay("B", "cam"))
    hand.feed(recorder, 30)
    recorder.start("c", path, hand.now_ns, "1Z999")
    hand.feed(recorder, 60)
    hand.wait(ClipStarted)
    until = time.monotonic() + 20
    while path.read_bytes().count(b"moof") < 3 and time.monotonic() < until:
        time.sleep(0.01)
    data = path.read_bytes()
    recorder.stop("c")
    hand.wait(ClipEnded)
    recorder.close()
    return data[: data.rindex(b"trun") + 12]


async def test_it_is_kept_up_to_its_last_whole_fragment(tmp_path: Path) -> None:
    torn = torn_clip(tmp_path)
    root = tmp_path / "archive"
    archive = Archive.open(root)
    _, folder = Desk(archive).open()
    path = folder / "overhead-01.mp4"
    path.write_bytes(torn)
    assert clip_facts(path) is None, "nobody can play it as it is"
    archive.close()

    async with running(config(root)) as at:
        await at.until(lambda: at.bench.started, "the repair")
    (session,) = found(root, NUMBER)
    assert session.status is Status.INTERRUPTED
    (clip,) = session.clips
    assert "from its first frame" in session.notes[0].text
    numbers = numbers_of(root / clip.path)
    assert len(numbers) == clip.frames > 25
    assert torn.startswith((root / clip.path).read_bytes())
    assert verify(root) == []
