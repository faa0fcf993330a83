"""A conversation with the rules of a session, and the words for it.

`>>` is what the rules are told, `<<` what they answer, in order and complete: an answer that is not
written down fails the test, except for the lines of the log where none is expected. Time stands
still but for `>> later(ms)`, which lets it pass and ends with a `Tick`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from station.rules.commands import (
    Command,
    Cue,
    FileGap,
    FileNote,
    Log,
    LookUp,
    OpenSession,
    Say,
    SealSession,
    StartClip,
    StopClip,
    TakeShot,
)
from station.rules.events import (
    Acknowledged,
    Answered,
    CameraDown,
    CameraUp,
    CameraWarned,
    CancelAsked,
    CheckAsked,
    Checked,
    ClipEnded,
    ClipStarted,
    Disk,
    DiskChanged,
    Event,
    FinishAsked,
    KindChosen,
    LookedUp,
    Moment,
    Opened,
    Prior,
    Scanned,
    Sealed,
    ShotAsked,
    ShotFailed,
    ShotTaken,
    ShutdownAsked,
    Tick,
)
from station.rules.state import Phase, Rules, Slot, initial
from station.session import step
from storage.records import (
    CameraCheck,
    Clip,
    EndReason,
    Gap,
    Kind,
    LabelCheck,
    Note,
    Shot,
    Status,
    Waybill,
)

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
START_MS = 5_000_000
RULES = Rules(slots=(Slot("item", "top"), Slot("label", "top")), cameras=("top",))
TWO = replace(RULES, cameras=("top", "side"))

Told = Callable[[Moment], Event]


# ---------------------------------------------------------------------------- the playbook


@dataclass(frozen=True)
class Later:
    """Time that passes before a tick."""

    ms: int


def later(ms: int) -> Later:
    """Let `ms` pass, then tick."""
    return Later(ms)


class SomeLog(Command):
    """Stands for a log line, whatever it says."""

    def __repr__(self) -> str:
        return "Log(...)"


LOG = SomeLog()


class Playbook:
    """A conversation with the rules; `bool()` of it checks that every answer was the expected."""

    def __init__(self, rules: Rules = RULES, packer: str = "Kim") -> None:
        self.state = initial(rules, packer)
        self.ms = 0
        self.said: list[Command] = []
        self.expected: list[Command] = []
        self.told: Event | None = None

    def __rshift__(self, told: Told | Later) -> Playbook:
        self._check()
        if isinstance(told, Later):
            self.ms += told.ms
            self.told = Tick(at(self.ms))
        else:
            self.told = told(at(self.ms))
        self.state, self.said = step(self.state, self.told)
        return self

    def __lshift__(self, command: Command) -> Playbook:
        self.expected.append(command)
        return self

    def __bool__(self) -> bool:
        self._check()
        return True

    def _check(self) -> None:
        said = [LOG if isinstance(command, Log) else command for command in self.said]
        if LOG not in self.expected:
            said = [command for command in said if command is not LOG]
        lines = [f"  << {command}" for command in said]
        wanted = [f"  << {command}" for command in self.expected]
        assert said == self.expected, "\n".join(
            [f">> {self.told}", "answered", *lines, "expected", *wanted]
        )
        self.said, self.expected = [], []

    @property
    def alarms(self) -> list[str]:
        return [alarm.key for alarm in self.state.alarms]


def at(ms: int) -> Moment:
    return Moment(NOON + dt.timedelta(milliseconds=ms), START_MS + ms)


def utc(ms: int) -> dt.datetime:
    return at(ms).utc


# ---------------------------------------------------------------------------- what is told


def waybill(number: str) -> Waybill:
    return Waybill(number, number, "ups")


def scan(number: str, session: str = "", via: str = "wedge") -> Told:
    """A scan of waybill `number`; the session it may open is called `s-<number>`."""
    return lambda now: Scanned(now, waybill(number), session or f"s-{number}", via)


def prior(kind: Kind = Kind.PACKING, pass_no: int = 1) -> Prior:
    opened = NOON - dt.timedelta(days=1)
    return Prior("old", pass_no, opened, "bench 2", "Ada", kind, Status.SEALED)


def looked_up(number: str, prior: Prior | None = None) -> Told:
    return lambda now: LookedUp(now, number, prior)


def opened(session: str) -> Told:
    return lambda now: Opened(now, session)


def clip_started(session: str, camera: str = "top", part: int = 1) -> Told:
    return lambda now: ClipStarted(now, session, camera, part)


def clip_ended(
    session: str,
    camera: str = "top",
    part: int = 1,
    *,
    kept: bool = True,
    why: str = "",
    holes: tuple[Gap, ...] = (),
    until_ms: int | None = None,
) -> Told:
    """The clip is in; its last frame ends at `until_ms`, None: now."""
    clip = Clip(camera, part, "a.mp4", "h264", 1920, 1080, NOON, 1, 1, 1, 0, 1, "00")
    if until_ms is not None:
        offset_ms = round(NOON.timestamp() * 1000) - START_MS
        clip = replace(clip, duration_ms=until_ms, clock_offset_ms=offset_ms)
    return lambda now: ClipEnded(now, session, camera, part, clip if kept else None, why, holes)


def photo(slot: str | None = None, *, again: bool = False) -> Told:
    return lambda now: ShotAsked(now, slot, again)


def shot(slot: str, check: LabelCheck | None = None) -> Shot:
    return Shot(slot, f"{slot}.jpg", "top", NOON, check, 1920, 1080, 1, "00")


def taken(
    session: str,
    shot_id: int,
    slot: str,
    check: LabelCheck | None = None,
    read: str = "",
    fault: str = "",
) -> Told:
    return lambda now: ShotTaken(now, session, shot_id, shot(slot, check), read, fault)


def shot_failed(session: str, shot_id: int, why: str = "no frame") -> Told:
    return lambda now: ShotFailed(now, session, shot_id, why)


def up(camera: str = "top") -> Told:
    return lambda now: CameraUp(now, camera)


def down(camera: str = "top", cause: str = "unplugged") -> Told:
    return lambda now: CameraDown(now, camera, cause)


def warned(what: str, camera: str = "top") -> Told:
    return lambda now: CameraWarned(now, camera, what)


def checked(*results: CameraCheck) -> Told:
    return lambda now: Checked(now, results)


def camera_check(
    camera: str = "top", module_mm: float | None = 0.25, advice: str = ""
) -> CameraCheck:
    """What a camera showed of the test card; poor when there is advice."""
    return CameraCheck(
        id="c",
        bench="bench",
        packer="Kim",
        at=NOON,
        camera=camera,
        width=1920,
        height=1080,
        fps=30.0,
        module_mm=module_mm,
        sharpness=120.0,
        brightness=110.0,
        clock_offset_ms=None,
        verdict="poor" if advice else "good",
        advice=advice,
        path="c/top.jpg",
        size_bytes=1,
        sha256="00",
    )


def disk(level: Disk) -> Told:
    return lambda now: DiskChanged(now, level)


def sealed(session: str, status: Status = Status.SEALED, missing: tuple[str, ...] = ()) -> Told:
    return lambda now: Sealed(now, session, status, missing)


def answer(yes: bool, text: str = "") -> Told:
    return lambda now: Answered(now, yes, text)


FINISH: Told = FinishAsked
CANCEL: Told = CancelAsked
CHECK: Told = CheckAsked
OK: Told = Acknowledged
RETURN: Told = KindChosen
SHUTDOWN: Told = ShutdownAsked


# ---------------------------------------------------------------------------- what is answered


def say(key: str, cue: Cue = Cue.WARN, **params: str) -> Say:
    return Say(key, tuple(params.items()), cue)


def alarm(key: str, **params: str) -> Say:
    return say(key, Cue.ALARM, **params)


def open_session(
    number: str,
    trigger_ms: int = 0,
    *,
    pass_no: int = 1,
    kind: Kind = Kind.PACKING,
    required: tuple[str, ...] = ("item", "label"),
) -> OpenSession:
    return OpenSession(
        f"s-{number}", waybill(number), kind, pass_no, "Kim", utc(trigger_ms), required
    )


def start(number: str, trigger_ms: int = 0, camera: str = "top", part: int = 1) -> StartClip:
    return StartClip(f"s-{number}", camera, part, at(trigger_ms), number)


def stop(number: str, camera: str = "top", part: int = 1) -> StopClip:
    return StopClip(f"s-{number}", camera, part)


def take(number: str, shot_id: int, slot: str) -> TakeShot:
    return TakeShot(f"s-{number}", shot_id, slot, "top", number, slot == "label")


def seal(
    number: str,
    ended_ms: int = 0,
    reason: EndReason = EndReason.FINISH,
    status: Status = Status.SEALED,
    text: str = "",
) -> SealSession:
    return SealSession(f"s-{number}", status, reason, utc(ended_ms), text)


def gap(number: str, camera: str, start_ms: int, end_ms: int | None, cause: str) -> FileGap:
    ended = None if end_ms is None else utc(end_ms)
    return FileGap(f"s-{number}", Gap(camera, utc(start_ms), ended, cause))


def note(number: str, at_ms: int, what: str, text: str) -> FileNote:
    return FileNote(f"s-{number}", Note(utc(at_ms), what, text))


def question(number: str, pass_no: int = 1, kind: str = "packing") -> Say:
    return Say(
        "duplicate",
        (
            ("number", number),
            ("when", "2026-11-21T12:00:00.000Z"),
            ("who", "Ada"),
            ("where", "bench 2"),
            ("pass", str(pass_no)),
            ("kind", kind),
        ),
        Cue.WARN,
    )


# ---------------------------------------------------------------------------- shortcuts


def ready(rules: Rules = RULES) -> Playbook:
    """An idle bench with every camera up."""
    play = Playbook(rules)
    for camera in rules.cameras:
        assert play >> up(camera)
    return play


def recording(rules: Rules = RULES, number: str = "A") -> Playbook:
    """Waybill `number` was scanned at 0 ms and all its clips roll."""
    play = ready(rules)
    play >> scan(number) << LookUp(number)
    play >> looked_up(number) << open_session(number, required=rules.required(Kind.PACKING))
    for camera in rules.cameras:
        play << start(number, camera=camera)
    play >> opened(f"s-{number}")
    for camera in rules.cameras:
        play >> clip_started(f"s-{number}", camera)
    play << say("recording", Cue.OK, number=number)
    assert play
    return play


def photographed(rules: Rules = RULES, number: str = "A") -> Playbook:
    """The same, with both photos taken (shots 1 and 2)."""
    play = recording(rules, number)
    assert (
        play
        >> photo()
        << take(number, 1, "item")
        >> taken(f"s-{number}", 1, "item")
        << say("shot_taken", Cue.SHOT, slot="item")
        >> photo()
        << take(number, 2, "label")
        >> taken(f"s-{number}", 2, "label", LabelCheck.MATCH, number)
        << say("label_ok", Cue.OK, number=number)
    )
    return play


def phase(play: Playbook) -> Phase:
    assert play
    return play.state.phase
