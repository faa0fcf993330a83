"""What a power cut left is finished at the next start, and told honestly."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import av
import pytest

from storage import schema
from storage.archive import Archive
from storage.evidence.verify import verify
from storage.records import EndReason, Session, Status
from tests.storage.desk import (
    FPS,
    FRAMES,
    NUMBER,
    Desk,
    growing_video,
    photo,
    subtitled_video,
    video,
)

LATER = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def power_cut(desk: Desk) -> Path:
    """The archive as the next start finds it."""
    desk.archive.close()
    return desk.archive.root


def restarted(root: Path) -> list[Session]:
    """What the next start repairs; everything must be whole afterwards."""
    with Archive.open(root, clock=lambda: LATER) as archive:
        repaired = archive.recover()
        assert archive.recover() == []
        assert archive.counts()[Status.OPEN] == 0
    assert verify(root) == []
    return repaired


def readable_frames(path: Path) -> int:
    """How many pictures a player gets to show before it meets the torn end."""
    count = 0
    with av.open(str(path), "r") as container:
        try:
            for _ in container.decode(video=0):
                count += 1
        except av.InvalidDataError:
            pass
    return count


def ledger_events(root: Path) -> list[str]:
    db = schema.connect(root / "archive.db", read_only=True)
    try:
        return [
            json.loads(body)["event"]
            for (body,) in db.execute("SELECT body FROM ledger ORDER BY seq")
        ]
    finally:
        db.close()


def test_an_unfinished_clip_is_kept_and_plays_and_its_lost_tail_is_a_gap(desk: Desk) -> None:
    session, folder = desk.open()
    finished = desk.clip(session, folder, "side")
    path = folder / "overhead-01.mp4"
    path.write_bytes(growing_video())
    stopped = desk.now + dt.timedelta(seconds=1)
    os.utime(path, (stopped.timestamp(), stopped.timestamp()))
    root = power_cut(desk)
    (repaired,) = restarted(root)
    assert (repaired.status, repaired.end_reason) == (Status.INTERRUPTED, EndReason.RECOVERY)
    assert repaired.sealed_at == LATER
    assert repaired.clips[0] == finished
    clip = repaired.clips[1]
    assert (clip.camera, clip.part, clip.codec) == ("overhead", 1, "h264")
    assert (clip.width, clip.height) == (160, 120)
    assert clip.started_at == stopped - dt.timedelta(milliseconds=clip.duration_ms)
    assert 10 < readable_frames(root / clip.path) == clip.frames < FRAMES
    assert clip.duration_ms == clip.frames * 1000 // FPS
    assert (root / clip.path).read_bytes() == growing_video()
    gaps = {gap.camera: gap for gap in repaired.gaps}
    assert gaps["overhead"].started_at == stopped
    assert {gap.ended_at for gap in repaired.gaps} == {None}
    assert gaps.keys() == {"overhead", "side"}
    assert [note.what for note in repaired.notes] == ["clip_found", "recovered"]
    assert "last change" in repaired.notes[0].text
    assert "interrupted" in ledger_events(root)


def test_an_unfinished_clip_keeps_the_clocks_of_its_first_frame(desk: Desk) -> None:
    _, folder = desk.open()
    comment = "first frame 2026-11-22T13:05:09.042+00:00, clock offset 1795362834512 ms"
    (folder / "overhead-01.mp4").write_bytes(video(comment=comment))
    (folder / "side-01.mp4").write_bytes(video(comment="first frame yesterday, clock offset 1 ms"))
    (repaired,) = restarted(power_cut(desk))
    told, untold = repaired.clips
    assert told.started_at == dt.datetime(2026, 11, 22, 13, 5, 9, 42_000, dt.UTC)
    assert told.clock_offset_ms == 1795362834512
    assert "from its first frame" in repaired.notes[0].text
    assert untold.clock_offset_ms == 0
    assert "last change" in repaired.notes[1].text


@pytest.mark.parametrize("copied", [False, True])
def test_an_unfinished_copy_of_a_cameras_own_coding_is_known_by_its_subtitles(
    desk: Desk, *, copied: bool
) -> None:
    _, folder = desk.open()
    (folder / "overhead-01.mp4").write_bytes(subtitled_video() if copied else video())
    (repaired,) = restarted(power_cut(desk))
    (clip,) = repaired.clips
    assert (clip.copied, clip.clock_offset_ms, clip.frames) == (copied, 0, FRAMES)
    assert "offset" in repaired.notes[0].text


def test_a_photo_without_a_row_is_kept_and_a_torn_one_set_aside(desk: Desk) -> None:
    session, folder = desk.open()
    (folder / "label-03.jpg").write_bytes(photo())
    (folder / "item-02.jpg").write_bytes(photo()[:-40])
    (folder / "box-01.jpg").touch()
    (folder / "side-01.mp4").write_bytes(video()[:200])
    (folder / "notes.txt").write_text("hello")
    (folder / "session.json.part").write_text("{")
    root = power_cut(desk)
    (repaired,) = restarted(root)
    assert [(shot.slot, shot.label_check) for shot in repaired.shots] == [("label", None)]
    assert repaired.clips == ()
    lost = root / "lost+found" / session
    assert sorted(path.name for path in lost.iterdir()) == [
        "box-01.jpg",
        "item-02.jpg",
        "notes.txt",
        "side-01.mp4",
    ]
    assert (lost / "notes.txt").read_text() == "hello"
    assert [note.what for note in repaired.notes].count("set_aside") == 4
    assert ledger_events(root).count("set_aside") == 4
    (gap,) = repaired.gaps
    assert (gap.camera, gap.started_at, gap.ended_at) == ("*", repaired.opened_at, None)


def test_a_link_in_a_session_is_never_followed(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(photo())
    session, folder = desk.open()
    (folder / "label-01.jpg").symlink_to(secret)
    (folder / "item-01.jpg").mkdir()
    root = power_cut(desk)
    (repaired,) = restarted(root)
    assert repaired.shots == ()
    assert (root / "lost+found" / session / "label-01.jpg").is_symlink()
    assert secret.read_bytes() == photo()


def test_a_seal_that_crashed_before_its_commit_is_finished_as_it_was_meant(desk: Desk) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.archive.close()
    root = desk.archive.root
    before = root.with_name("before")
    shutil.copytree(root, before)
    with Archive.open(root) as archive:
        ended = desk.tick()
        archive.seal(session, Status.CANCELLED, EndReason.CANCEL, ended, "wrong box").result()
    manifest = next(root.glob("media/*/*/*/*/session.json"))
    shutil.copy(manifest, before / manifest.relative_to(root))
    (repaired,) = restarted(before)
    assert (repaired.status, repaired.reason) == (Status.CANCELLED, "wrong box")
    assert repaired.sealed_at == ended
    assert repaired.gaps == ()
    assert repaired.notes == ()
    assert (before / manifest.relative_to(root)).read_bytes() == manifest.read_bytes()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"session": 1}', b"\xff\xfe"])
def test_a_manifest_that_is_none_does_not_decide_how_a_session_ended(
    desk: Desk, content: bytes
) -> None:
    _, folder = desk.open()
    (folder / "session.json").write_bytes(content)
    (repaired,) = restarted(power_cut(desk))
    assert repaired.status is Status.INTERRUPTED


def test_a_session_whose_folder_is_gone_is_closed_all_the_same(desk: Desk) -> None:
    _, folder = desk.open()
    shutil.rmtree(folder)
    (repaired,) = restarted(power_cut(desk))
    assert repaired.status is Status.INTERRUPTED


def test_what_no_session_owns_goes_to_lost_and_found(desk: Desk) -> None:
    packed = desk.pack()
    root = power_cut(desk)
    day = root / "media/2026/11/22"
    stray = day / "01M81J19F8PXFR07JWW2X3HRAF"
    stray.mkdir()
    (stray / "overhead-01.mp4").write_bytes(video())
    (day / "01M81J19F8PXFR07JWW2X3HRAG").mkdir()
    (day / ".DS_Store").write_bytes(b"x")
    (root / packed.clips[0].path).with_name("late-09.jpg").write_bytes(photo())
    assert len(verify(root)) == 3
    assert restarted(root) == []
    lost = root / "lost+found"
    assert (lost / "22/01M81J19F8PXFR07JWW2X3HRAF/overhead-01.mp4").read_bytes() == video()
    assert (lost / packed.id / "late-09.jpg").is_file()
    assert (lost / "22/.DS_Store").is_file()
    assert sorted(path.name for path in day.iterdir()) == [packed.id]


def test_nothing_in_lost_and_found_is_overwritten(desk: Desk) -> None:
    root = power_cut(desk)
    for content in (b"first", b"second"):
        day = root / "media/2026/11/22"
        day.mkdir(parents=True, exist_ok=True)
        (day / "x.txt").write_bytes(content)
        restarted(root)
    found = sorted((root / "lost+found/22").iterdir())
    assert [path.read_bytes() for path in found] == [b"first", b"second"]


def test_sessions_at_work_in_this_program_are_left_alone(desk: Desk, root: Path) -> None:
    session, folder = desk.open()
    (folder / "overhead-01.mp4").write_bytes(growing_video())
    assert desk.archive.recover() == []
    found = desk.archive.get(session)
    assert found is not None
    assert found.status is Status.OPEN
    assert (folder / "overhead-01.mp4").is_file()
    assert verify(root) == []


def test_a_photo_that_was_never_filed_is_taken_in_by_the_seal(desk: Desk, root: Path) -> None:
    session, folder = desk.open()
    (folder / "label-01.jpg").write_bytes(photo())
    (folder / "item-01.jpg").write_bytes(b"")
    sealed = desk.seal(session)
    assert [shot.slot for shot in sealed.shots] == ["label"]
    assert [note.what for note in sealed.notes] == ["set_aside", "shot_found"]
    assert verify(root) == []


def test_a_shift_goes_on_after_a_repair(desk: Desk) -> None:
    desk.open()
    root = power_cut(desk)
    restarted(root)
    with Archive.open(root) as archive:
        prior = archive.prior(NUMBER)
        assert prior is not None
        assert (prior.status, prior.pass_no) == (Status.INTERRUPTED, 1)
        assert Desk(archive, LATER).pack(pass_no=2).pass_no == 2
    assert verify(root) == []
