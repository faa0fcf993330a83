"""The rules about the check of the cameras: every one of them looks at a test card.

Asked for while no parcel is at hand, and never in the way of one: a waybill that is scanned while
a check runs opens its session at once. Knows no clip and no shot.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules.commands import CheckCameras, Cue
from station.rules.events import Checked, CheckFailed
from station.rules.state import Phase
from station.rules.turn import Turn
from storage.records import CameraCheck

CHECK_LIMIT_MS = 60_000
"""A check without a reply for this long is given up; one that comes later counts all the same."""
GOOD = "good"


def asked(turn: Turn) -> None:
    """CHECK by key or card."""
    state = turn.state
    if state.closing:
        turn.say("closing", Cue.WARN)
    elif state.checking is not None:
        turn.say("check_runs", Cue.WARN)
    elif state.phase is not Phase.IDLE:
        turn.say("check_not_now", Cue.WARN)
    else:
        turn.set(checking=turn.at)
        turn.say("check_started", Cue.OK)
        turn.do(CheckCameras(state.packer))


def checked(turn: Turn, event: Checked) -> None:
    """Say of each camera how well it sees. A poor one is an alarm: no parcel waits for it, but
    whoever packs on must know."""
    turn.set(checking=None)
    turn.take_back("check_poor")
    good = []
    for one in event.results:
        camera = turn.state.camera(one.camera)
        if camera is not None:
            turn.put_camera(replace(camera, check=one))
        if one.verdict == GOOD:
            good.append(one)
        else:
            turn.alarm("check_poor", camera=one.camera, advice=one.advice)
    if not event.results:
        turn.say("check_failed", Cue.WARN, why="no camera was looked at")
    elif good:
        turn.say("check_good", Cue.OK, cameras=", ".join(map(_told, good)))


def failed(turn: Turn, event: CheckFailed) -> None:
    """Nothing was filed: say why, and let it be asked for again."""
    turn.set(checking=None)
    turn.say("check_failed", Cue.WARN, why=event.why)


def time_out(turn: Turn) -> None:
    """A camera that hangs must not forbid the next check."""
    since = turn.state.checking
    if since is not None and turn.at.mono_ms - since.mono_ms >= CHECK_LIMIT_MS:
        turn.set(checking=None)
        turn.say("check_failed", Cue.WARN, why="no answer")


def _told(check: CameraCheck) -> str:
    """`overhead 0.25 mm`: the camera and the narrowest bars that it reads."""
    return check.camera if check.module_mm is None else f"{check.camera} {check.module_mm:g} mm"
