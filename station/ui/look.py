"""What the bench screen shows for a state: words, colours and the next step. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from station.rules.checks import GOOD
from station.rules.events import Disk
from station.rules.state import Active, Camera, Finished, Phase, State
from storage.records import CheckDigit, Kind, LabelCheck, Status

SEALED_SHOWN_S: Final = 4.0
"""How long the last parcel's result stays on the banner when nobody scans."""
_RESULTS: Final = {
    Status.SEALED: ("sealed", "done", "sealed"),
    Status.CANCELLED: ("cancelled", "stop", "ready"),
    Status.INTERRUPTED: ("interrupted", "stop", "ready"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """The banner: `word` is a message key, `sign` a shape, `tone` a colour class."""

    word: str
    sign: str
    tone: str
    next: str
    next_params: tuple[tuple[str, str], ...] = ()
    number: str = ""
    elapsed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CameraLook:
    """One camera: its sign, its colour class, what is wrong with it (message keys below `label`),
    and the narrowest bars that it read in its check, or ''."""

    sign: str
    tone: str
    faults: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    reads: str = ""


@dataclass(frozen=True, slots=True)
class SlotLook:
    """One shot slot: `state` is a message key and a colour class; `poor`: not as it should be."""

    name: str
    state: str
    sign: str
    time: str = ""
    poor: bool = False


def banner(state: State, now_ms: int, since_result_s: float, *, started: bool) -> Look:
    """What the whole screen says at once."""
    active, returning = state.active, state.next_kind is Kind.RETURN
    if state.closing and active is None:
        return Look("sealing", "wait", "ready", "closing")
    if state.phase is Phase.DECIDING:
        number = state.wanted.waybill.number if state.wanted else ""
        return Look("deciding", "check", "check", "answer", number=number)
    if active is not None:
        return _at_work(state, active, now_ms)
    if state.unlisted is not None:
        return Look("check", "check", "check", "answer", number=state.unlisted.number)
    if state.phase is Phase.LOOKING_UP and state.wanted:
        return Look("opening", "record", "recording", "opening", number=state.wanted.waybill.number)
    if not started:
        return Look("starting", "wait", "ready", "starting")
    if state.handed_over and since_result_s < SEALED_SHOWN_S:
        return _result(state.handed_over[0])
    if state.disk is Disk.FULL:
        return Look("stop", "stop", "stop", "disk_full")
    if state.checking is not None:
        return Look("checking", "wait", "ready", "checking")
    if returning:
        return Look("return_ready", "return", "ready", "return_ready")
    return Look("ready", "ready", "ready", "ready")


def _at_work(state: State, active: Active, now_ms: int) -> Look:
    number = active.waybill.number
    ended = active.ended_at.mono_ms if active.ended_at else now_ms
    elapsed_ms = max(0, ended - active.trigger.mono_ms)
    if state.phase is Phase.SEALING:
        return Look("sealing", "wait", "ready", "sealing", (), number, elapsed_ms)
    word = "return_recording" if active.kind is Kind.RETURN else "recording"
    if state.phase is Phase.OPENING:
        word = "opening"
    tone, sign = "recording", "record"
    warned = active.finish_warned or active.timeout_warned or "check_digit" in doubts(active)
    if state.alarms or state.asking or warned:
        word, tone, sign = "check", "check", "check"
    if state.asking:
        return Look(word, sign, tone, "answer", (), number, elapsed_ms)
    looks = slots(state)
    open_slots = [look for look in looks if look.state in ("now", "missing")]
    if not open_slots:
        wrong = [look.state for look in looks if look.state in ("mismatch", "unreadable")]
        if "mismatch" in wrong:
            word, tone, sign = "check", "check", "check"
        return Look(word, sign, tone, wrong[0] if wrong else "finish", (), number, elapsed_ms)
    names = [slot.name for slot in state.rules.slots]
    first = open_slots[0].name
    params = (("n", str(names.index(first) + 1)), ("slot", first))
    return Look(word, sign, tone, "photo", params, number, elapsed_ms)


def doubts(active: Active) -> tuple[str, ...]:
    """What makes the number at hand doubtful (message keys below `label`): whoever packs should
    compare it with the label. A photo of the label that shows it settles the check digit."""
    shown = any(shot.label_check is LabelCheck.MATCH for shot in active.shots)
    wrong = active.waybill.check is CheckDigit.FAILED and not shown
    return (
        *(("check_digit",) if wrong else ()),
        *(("label_to_come",) if active.unlabelled else ()),
        *(("unlisted",) if active.waybill.carrier is None and not active.unlabelled else ()),
    )


def _result(finished: Finished) -> Look:
    word, sign, tone = _RESULTS.get(finished.status, _RESULTS[Status.SEALED])
    if finished.failed:
        word, sign, tone = "stop", "stop", "stop"
    elif finished.status is Status.SEALED and not finished.confirmed:
        word, sign, tone = "sealing", "wait", "ready"
    elif finished.status is Status.SEALED and finished.shots < finished.slots:
        word, sign, tone = "check", "check", "check"
    following = "failed" if finished.failed else "sealed"
    if word == "sealed" and finished.had_gap:
        tone, sign = "check", "check"
        following = "sealed_with_gap"
    if finished.status is not Status.SEALED and not finished.failed:
        following = "ready"
    return Look(word, sign, tone, following, (), finished.number, finished.duration_ms)


def slots(state: State) -> tuple[SlotLook, ...]:
    """How each shot slot stands."""
    active = state.active
    looks: list[SlotLook] = []
    now_given = active is None or state.phase is Phase.SEALING
    required = set(state.required(active)) if active else set()
    faults = dict(active.faults) if active else {}
    for slot in state.rules.slots:
        shots = [shot for shot in active.shots if shot.slot == slot.name] if active else []
        if shots:
            newest = shots[-1]
            at = newest.taken_at.astimezone().strftime("%H:%M")
            if newest.label_check is LabelCheck.MISMATCH:
                looks.append(SlotLook(slot.name, "mismatch", "stop", at))
            elif newest.label_check is LabelCheck.UNREADABLE:
                looks.append(SlotLook(slot.name, "unreadable", "check", at))
            elif slot.name in faults:
                looks.append(SlotLook(slot.name, faults[slot.name], "check", poor=True))
            else:
                looks.append(SlotLook(slot.name, "done", "done", at))
        elif active and slot.name in {shot.slot for shot in active.pending}:
            looks.append(SlotLook(slot.name, "wait", ""))
        elif active and active.finish_warned and slot.name in required:
            looks.append(SlotLook(slot.name, "missing", ""))
        elif not now_given:
            now_given = True
            looks.append(SlotLook(slot.name, "now", ""))
        else:
            optional = active is not None and slot.name not in required
            looks.append(SlotLook(slot.name, "optional" if optional else "todo", ""))
    return tuple(looks)


def camera_look(camera: Camera) -> CameraLook:
    """How a camera is, and what its newest clip and check have lacked, the worst first."""
    faults: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    if camera.hole is not None:
        params = (("seconds", camera.hole.seconds), ("why", camera.hole.cause))
        faults.append(("hole", params))
    check = camera.check
    if check is not None and check.verdict != GOOD:
        faults.append(("check_poor", (("advice", check.advice),)))
        check = None
    if camera.warning:
        faults.append(("warning", (("what", camera.warning),)))
    reads = f"{check.module_mm:g} mm" if check and check.module_mm is not None else ""
    if not camera.up:
        return CameraLook("✖", "stop", tuple(faults), reads)
    return CameraLook("▲" if faults else "●", "check" if faults else "", tuple(faults), reads)


def clock(elapsed_ms: int | None) -> str:
    """`03:07`, or with hours `1:02:03`; '' for None."""
    if elapsed_ms is None:
        return ""
    minutes, seconds = divmod(elapsed_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def disk_tone(level: Disk) -> str:
    """The colour class of the disk's line."""
    return {Disk.OK: "", Disk.LOW: "check", Disk.FULL: "stop"}[level]
