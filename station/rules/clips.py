"""The rules about cameras, clips and gaps: what rolls, what does not, and what is tried again.

Every stretch that a camera misses while a session records becomes a `Gap`, open until the camera's
next part rolls; a hole inside a clip is one that is told when the clip ends. Knows no scan, no
shot and no reason for the end of a session.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from station.rules.commands import Cue, FileGap, StartClip, StopClip
from station.rules.events import (
    CameraDown,
    CameraUp,
    CameraWarned,
    ClipEnded,
    ClipStarted,
    Disk,
    DiskChanged,
    Moment,
)
from station.rules.state import ClipPhase, Hole, Rolling
from station.rules.turn import Turn
from storage.records import Clip, Gap

RESTART_MS = 5_000
"""A part that ended by itself sooner than this is not followed at once: a broken encoder must
not spin."""
HOLE_ALARM_MS = 2_000
"""More than this missing from one clip is an alarm; less is said, and stays on the screen."""


def start(turn: Turn, camera: str, trigger: Moment) -> None:
    """Start the camera's next part. Its gap, if one is open, lasts until the part rolls."""
    active = turn.active
    before = active.clip(camera)
    part = 1 if before is None else before.part + 1
    _put_clip(turn, camera, Rolling(part, ClipPhase.STARTING, trigger))
    turn.do(StartClip(active.session, camera, part, trigger, active.waybill.number))


def start_next_part(turn: Turn, camera: str, after_ms: int = 0) -> bool:
    """Start a new part if the camera is up and nothing rolls; True if it was started.

    `after_ms` is how old the part before must be. 0 stands for news (a camera or a disk came
    back): then it is tried even on a disk that counts as full, whose last bytes belong to the
    open session.
    """
    if not turn.recording or not turn.state.is_up(camera):
        return False
    clip = turn.active.clip(camera)
    if clip is not None and clip.phase is not ClipPhase.ENDED:
        return False
    early = clip is not None and turn.at.mono_ms - clip.since.mono_ms < after_ms
    if early or (after_ms and turn.state.disk is Disk.FULL):
        return False
    start(turn, camera, turn.at)
    return True


def stop_all(turn: Turn) -> None:
    """Stop what rolls. A clip that is starting is stopped when it says that it has started."""
    for camera, clip in turn.active.clips:
        if clip.phase is ClipPhase.ROLLING:
            _stop_clip(turn, camera, clip)


def give_up(turn: Turn) -> None:
    """Count every clip as ended, with a gap, a note and an alarm for each that never said so."""
    for camera, clip in turn.active.clips:
        if clip.phase is not ClipPhase.ENDED:
            _put_clip(turn, camera, replace(clip, phase=ClipPhase.ENDED))
            open_gap(turn, camera, clip.since, "no answer from the camera")
            turn.note("clip_unanswered", f"{camera} part {clip.part} did not say that it ended")
            turn.alarm("camera_lost", camera=camera, cause="no answer")


def clip_started(turn: Turn, event: ClipStarted) -> None:
    """The clip rolls; one that nobody waits for any more is stopped."""
    active = turn.at_hand(event.session)
    if active is None:
        turn.log(f"clip of session {event.session}, which is gone, is stopped")
        turn.do(StopClip(event.session, event.camera, event.part))
        return
    clip = active.clip(event.camera)
    if clip is None or clip.part != event.part or clip.phase is not ClipPhase.STARTING:
        turn.log(f"late start of {event.camera} part {event.part} in session {event.session}")
        return
    _put_clip(turn, event.camera, replace(clip, phase=ClipPhase.ROLLING))
    if turn.state.is_up(event.camera):
        _close_gap(turn, event.camera, clip.since)
    if not turn.recording or not turn.state.is_up(event.camera):
        _stop_clip(turn, event.camera, clip)


def clip_ended(turn: Turn, event: ClipEnded) -> None:
    """The clip is in. One that ended by itself leaves a gap, and a new part is started."""
    camera = event.camera
    active = turn.at_hand(event.session)
    clip = None if active is None else active.clip(camera)
    if clip is None or clip.part != event.part or clip.phase is ClipPhase.ENDED:
        turn.log(f"late end of {camera} part {event.part} in session {event.session}")
        return
    _put_clip(turn, camera, replace(clip, phase=ClipPhase.ENDED))
    if event.clip is not None:
        _file_holes(turn, camera, event.holes)
    asked_for = clip.phase is ClipPhase.STOPPING
    why = event.why or "the clip ended by itself"
    if event.clip is None:
        open_gap(turn, camera, clip.since, why)
    elif not asked_for or event.why or turn.active.has_gap(camera):
        last = _last_kept(turn, clip, event.clip, event.holes)
        ended = turn.active.ended_at
        if ended is None or last.mono_ms < ended.mono_ms:
            open_gap(turn, camera, last, why)
    # A start that failed is left to the next tick: at once it would fail in the same way.
    restarted = clip.phase is not ClipPhase.STARTING and start_next_part(
        turn, camera, 0 if asked_for else RESTART_MS
    )
    if restarted and not asked_for:
        turn.say("clip_restarted", Cue.WARN, camera=camera, why=why)
    elif event.clip is None or not asked_for:
        turn.alarm(
            "clip_lost" if turn.state.is_up(camera) else "camera_lost", camera=camera, cause=why
        )


def _last_kept(turn: Turn, rolling: Rolling, clip: Clip, holes: tuple[Gap, ...]) -> Moment:
    """Where a clip that broke off ends, or the hole that it ends with, which is filed already.

    That a camera is silent or dead is noticed seconds later. Counted back on the clock that nobody
    sets: a wall clock that was set meanwhile makes the gap neither longer nor shorter.
    """
    began_ms = round(clip.started_at.timestamp() * 1000) - clip.clock_offset_ms
    age_ms = max(0, turn.at.mono_ms - began_ms - clip.duration_ms)
    age_ms = min(age_ms, max(0, turn.at.mono_ms - rolling.since.mono_ms))
    ended = turn.at.utc - dt.timedelta(milliseconds=age_ms)
    known = [hole.ended_at for hole in holes if hole.ended_at and hole.ended_at <= turn.at.utc]
    return Moment(max([ended, *known]), turn.at.mono_ms - age_ms)


def _put_clip(turn: Turn, camera: str, clip: Rolling) -> None:
    turn.edit(clips=tuple({**dict(turn.active.clips), camera: clip}.items()))


def _stop_clip(turn: Turn, camera: str, clip: Rolling) -> None:
    _put_clip(turn, camera, replace(clip, phase=ClipPhase.STOPPING))
    turn.do(StopClip(turn.active.session, camera, clip.part))


# ---------------------------------------------------------------------------- gaps


def open_gap(turn: Turn, camera: str, since: Moment, cause: str) -> None:
    """Mark that `camera` does not record from `since` on; an open gap keeps its first cause."""
    gaps = {gap.camera: gap for gap in turn.active.gaps}
    known = gaps.get(camera, Gap(camera, since.utc, None, cause))
    gaps[camera] = replace(known, started_at=min(known.started_at, since.utc))
    turn.edit(gaps=tuple(gaps.values()), had_gap=True)


def _close_gap(turn: Turn, camera: str, ended: Moment) -> None:
    """File the camera's gap, if one is open. A clock set back makes none end before it began."""
    active = turn.active
    for gap in active.gaps:
        if gap.camera == camera:
            ended_at = max(gap.started_at, ended.utc)
            turn.do(FileGap(active.session, replace(gap, ended_at=ended_at)))
            if turn.recording:
                turn.say("camera_back", Cue.OK, camera=camera)
    turn.edit(gaps=tuple(gap for gap in active.gaps if gap.camera != camera))


def _file_holes(turn: Turn, name: str, holes: tuple[Gap, ...]) -> None:
    """File what the camera's clip lacks, each hole with its cause, and say it once."""
    for hole in holes:
        turn.do(FileGap(turn.active.session, hole))
    camera = turn.state.camera(name)
    found = _together(holes)
    if camera is not None:
        turn.put_camera(replace(camera, hole=found))
    if found is None:
        return
    turn.edit(had_gap=True)
    if found.ms > HOLE_ALARM_MS:
        turn.alarm("video_hole", camera=name, seconds=found.seconds, why=found.cause)
    else:
        turn.say("video_hole", Cue.WARN, camera=name, seconds=found.seconds, why=found.cause)


def _together(holes: tuple[Gap, ...]) -> Hole | None:
    """The holes as one: their whole length, and the cause of the longest."""
    if not holes:
        return None
    lengths = [(hole.ended_at or hole.started_at) - hole.started_at for hole in holes]
    longest = holes[lengths.index(max(lengths))]
    return Hole(sum(lengths, dt.timedelta()) // dt.timedelta(milliseconds=1), longest.cause)


# ---------------------------------------------------------------------------- cameras


def camera_up(turn: Turn, event: CameraUp) -> None:
    """The camera delivers again: the session at hand gets its next part."""
    camera = turn.state.camera(event.camera)
    if camera is None or camera.up:
        turn.log(f"camera {event.camera} is up: nothing new")
        return
    turn.put_camera(replace(camera, up=True, cause=""))
    if not turn.recording:
        return
    clip = turn.active.clip(camera.name)
    if clip is not None and clip.phase is ClipPhase.STARTING:
        _close_gap(turn, camera.name, turn.at)
    start_next_part(turn, camera.name)


def camera_down(turn: Turn, event: CameraDown) -> None:
    """The camera delivers nothing: end its part and mark the gap."""
    before = turn.state.camera(event.camera)
    if before is None or (before.up, before.cause) == (False, event.cause):
        turn.log(f"camera {event.camera} is down: nothing new")
        return
    turn.put_camera(replace(before, up=False, cause=event.cause))
    if not turn.recording or not before.up:
        return
    clip = turn.active.clip(event.camera)
    if clip is not None and clip.phase is ClipPhase.ROLLING:
        _stop_clip(turn, event.camera, clip)
    open_gap(turn, event.camera, turn.at, event.cause)
    turn.alarm("camera_lost", camera=event.camera, cause=event.cause)


def camera_warned(turn: Turn, event: CameraWarned) -> None:
    """The camera works, but not as asked, or does so again: said, and noted in the session."""
    camera, what = turn.state.camera(event.camera), event.what
    if camera is None or camera.warning == what:
        turn.log(f"camera {event.camera} {what or 'works as asked'}: nothing new")
        return
    turn.put_camera(replace(camera, warning=what))
    if what:
        turn.say("camera_warned", Cue.WARN, camera=camera.name, what=what)
    else:
        turn.say("camera_as_asked", Cue.NONE, camera=camera.name)
    if turn.state.active is not None:
        note_warning(turn, camera.name, what)


def note_warning(turn: Turn, camera: str, what: str) -> None:
    """Keep with the session that its video is not as it was meant to be."""
    turn.note("camera_warning", f"{camera} {what or 'works as asked again'}")


# ---------------------------------------------------------------------------- the disk


def disk_changed(turn: Turn, event: DiskChanged) -> None:
    """More or less room: a disk that is no longer full lets the cameras record again."""
    before = turn.state.disk
    if event.level is before:
        turn.log(f"disk {event.level.value}: nothing new")
        return
    turn.set(disk=event.level)
    turn.say(f"disk_{event.level.value}", Cue.NONE if event.level is Disk.OK else Cue.WARN)
    if before is Disk.FULL:
        turn.take_back("disk_full")
        for camera in turn.state.cameras:
            start_next_part(turn, camera.name)
