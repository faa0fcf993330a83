"""What came of a soak: the figures, what of them is a failure, and both as text and as JSON.

Made from the archive that the soak wrote and from what `station.soak_meter` measured. Decides what
is too much; knows no screen, no camera and no process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from station.soak_meter import WARM_S, Process, Spread, slope_mb_per_hour, warmed
from storage.records import Session, Status

SLOPE_LIMIT_MB_PER_HOUR: Final = 60.0
"""A shift of eight hours may take 480 MB more; an allocator's noise over minutes is below it."""
GROWTH_LIMIT_MB: Final = 24.0
"""Less than this in all is noise, however steep its line is in a short soak."""
DAMAGED_LIMIT: Final = 0.001
"""A picture in a thousand is lost to a cable that is to be changed; fewer are a camera's start."""
MB: Final = 1_000_000


@dataclass(slots=True)
class CameraTally:
    """What one camera did. `frames` and `dropped` are those of the camera since the soak began;
    `recorded` counts frames in the files, those of an overlapping pre-roll twice."""

    name: str
    up: bool = False
    frames: int = 0
    dropped: int = 0
    damaged: int = 0
    recorded: int = 0
    clips: int = 0
    copied: int = 0
    """How many of its clips keep the camera's own coding."""
    holes: int = 0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    codecs: set[str] = field(default_factory=set)
    outages: list[str] = field(default_factory=list)
    warnings: set[str] = field(default_factory=set)
    gaps: list[tuple[str, float]] = field(default_factory=list)
    """Cause and seconds."""

    def count(self, session: Session) -> None:
        """Add what a session's record tells."""
        for clip in session.clips:
            if clip.camera == self.name:
                self.recorded += clip.frames
                self.clips += 1
                self.copied += clip.copied
                self.codecs.add(clip.codec)
        for gap in session.gaps:
            if gap.camera == self.name:
                ended = gap.ended_at or session.sealed_at or gap.started_at
                self.gaps.append((gap.cause, (ended - gap.started_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class Soak:
    """Everything that was measured. `asked_s` were wished, `seconds` ran; `stopped`: by hand.

    `troubles` are what the packer at the bench waited for in vain, `errors` lines of the log.
    """

    asked_s: float
    seconds: float
    stopped: bool
    simulated: bool
    cameras: tuple[CameraTally, ...]
    sessions: tuple[Session, ...]
    readings: int
    alarms: tuple[str, ...]
    processes: tuple[Process, ...]
    others_cpu: float
    late: Spread
    keys: Spread
    troubles: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()

    @property
    def sealed(self) -> tuple[Session, ...]:
        return tuple(one for one in self.sessions if one.status is Status.SEALED)

    @property
    def written_mb(self) -> float:
        """What the sessions take on the disk."""
        return (
            sum(clip.size_bytes for one in self.sessions for clip in one.clips)
            + sum(shot.size_bytes for one in self.sessions for shot in one.shots)
        ) / MB

    def failures(self) -> list[str]:
        """What was not as it must be, in a few words each; none: the bench holds."""
        failed = list(self.troubles)
        for camera in self.cameras:
            failed += _camera_failures(camera)
        if short := [one for one in self.sealed if one.missing]:
            count, first = sum(len(one.missing) for one in short), short[0]
            slots = ", ".join(first.missing)
            failed.append(f"{count} photos missing, first of {first.waybill.number}: {slots}")
        if not self.sealed and not self.stopped:
            failed.append("no session was sealed")
        for process in self.processes:
            failed += _memory_failures(process)
        for line, count in _counted(self.errors).items():
            failed.append(f"logged {_times(count)}: {line}")
        return failed + [f"verify: {line}" for line in self.verified]

    def to_json(self) -> dict[str, Any]:
        """The report for a script; `ok` is False when something failed."""
        failed = self.failures()
        return {
            "ok": not failed,
            "failed": failed,
            "asked_s": self.asked_s,
            "seconds": round(self.seconds, 1),
            "stopped_by_hand": self.stopped,
            "simulated": self.simulated,
            "cameras": [_camera_json(camera) for camera in self.cameras],
            "sessions": {
                "sealed": len(self.sealed),
                "others": len(self.sessions) - len(self.sealed),
                "missing_photos": sum(len(one.missing) for one in self.sealed),
                "readings": self.readings,
                "alarms": _counted(self.alarms),
                "written_mb": round(self.written_mb, 1),
                "written_mb_per_minute": round(self.written_mb * 60 / max(1.0, self.seconds), 1),
            },
            "processes": [_process_json(one, self.seconds) for one in self.processes],
            "others_cpu_s_per_s": round(self.others_cpu, 3),
            "loop_late_ms": _spread_json(self.late),
            "key_ms": _spread_json(self.keys),
            "verify": {"ok": not self.verified, "problems": list(self.verified)},
        }

    def to_text(self) -> str:
        """The report as a table for a person."""
        told = self.to_json()
        return "\n".join([*_camera_lines(told), "", *_process_lines(told), "", *_rest(told)])


def _camera_failures(camera: CameraTally) -> Iterator[str]:
    if not camera.frames:
        cause = camera.outages[-1] if camera.outages else "no picture came"
        yield f"{camera.name}: never came up: {cause}"
        return
    for cause, count in _counted(camera.outages).items():
        yield f"{camera.name}: down {_times(count)}: {cause}"
    if camera.dropped:
        yield f"{camera.name}: {camera.dropped} frames dropped"
    if camera.damaged > DAMAGED_LIMIT * camera.frames:
        yield f"{camera.name}: {camera.damaged} of {camera.frames} frames damaged"
    for cause, count in _counted(cause for cause, _ in camera.gaps).items():
        yield f"{camera.name}: {_times(count)} a gap: {cause}"


def _memory_failures(process: Process) -> Iterator[str]:
    slope = slope_mb_per_hour(process.rss_mb)
    if slope is None or slope <= SLOPE_LIMIT_MB_PER_HOUR:
        return
    warm = warmed(process.rss_mb)
    if slope * (warm[-1][0] - warm[0][0]) / 3600 > GROWTH_LIMIT_MB:
        yield f"the memory of {process.name} grows by {slope:.0f} MB an hour"


def _counted(causes: Iterable[str]) -> dict[str, int]:
    """How often each cause stands in `causes`, in the order in which they came."""
    counts: dict[str, int] = {}
    for cause in causes:
        counts[cause] = counts.get(cause, 0) + 1
    return counts


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# ---------------------------------------------------------------------------- JSON


def _camera_json(camera: CameraTally) -> dict[str, Any]:
    told = {
        key: value
        for key, value in asdict(camera).items()
        if key not in {"codecs", "outages", "warnings", "gaps"}
    }
    by_cause = _counted(cause for cause, _ in camera.gaps)
    return {
        **told,
        "fps": round(camera.fps, 2),
        "codecs": sorted(camera.codecs),
        "outages": _counted(camera.outages),
        "warnings": sorted(camera.warnings),
        "gaps": [
            {
                "cause": cause,
                "count": count,
                "seconds": round(sum(lasted_s for why, lasted_s in camera.gaps if why == cause), 1),
            }
            for cause, count in by_cause.items()
        ],
    }


def _process_json(process: Process, seconds: float) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    seen = process.rss_mb
    return {
        "name": process.name,
        "cpu_s_per_s": round(process.cpu_s / max(1.0, seconds), 3),
        "rss_mb": {
            "start": rounded(seen[0][1] if seen else None),
            "minute": rounded(process.rss_at_mb(WARM_S)),
            "end": rounded(seen[-1][1] if seen else None),
        },
        "mb_per_hour": rounded(slope_mb_per_hour(seen)),
    }


def _spread_json(spread: Spread) -> dict[str, float]:
    return {
        "count": spread.count,
        "median": round(spread.within_ms(0.5), 1),
        "p95": round(spread.within_ms(0.95), 1),
        "worst": round(spread.worst_ms, 1),
    }


# ---------------------------------------------------------------------------- text


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; the first is left-aligned, the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def _camera_lines(told: dict[str, Any]) -> list[str]:
    rows = [["CAMERA", "SIZE", "FPS", "FRAMES", "RECORDED", "DROPPED", "DAMAGED", "GAPS", "HOLES",
             "DOWN"]]  # fmt: skip
    notes = []
    for camera in told["cameras"]:
        gaps, outages = camera["gaps"], camera["outages"]
        rows.append(
            [
                camera["name"], f"{camera['width']}x{camera['height']}", f"{camera['fps']:.1f}",
                *(str(camera[key]) for key in ("frames", "recorded", "dropped", "damaged")),
                str(sum(gap["count"] for gap in gaps)), str(camera["holes"]),
                str(sum(outages.values())),
            ]
        )  # fmt: skip
        notes += [
            f"  {camera['name']}: gap, {_times(gap['count'])}, {gap['seconds']} s: {gap['cause']}"
            for gap in gaps
        ]
        notes += [f"  {camera['name']}: {warning}" for warning in camera["warnings"]]
    return _table(rows) + notes


def _process_lines(told: dict[str, Any]) -> list[str]:
    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    rows = [["PROCESS", "CPU s/s", "MB AT START", "AFTER 1 MIN", "AT END", "MB/HOUR"]]
    for one in told["processes"]:
        rss = one["rss_mb"]
        rows.append(
            [one["name"], f"{one['cpu_s_per_s']:.3f}", shown(rss["start"]), shown(rss["minute"]),
             shown(rss["end"]), shown(one["mb_per_hour"])]
        )  # fmt: skip
    others = f"everything else on this machine took {told['others_cpu_s_per_s']:.3f} CPU s/s"
    return [*_table(rows), others]


def _rest(told: dict[str, Any]) -> list[str]:
    sessions, late, keys = told["sessions"], told["loop_late_ms"], told["key_ms"]
    others = f", {sessions['others']} not sealed" if sessions["others"] else ""
    alarms = "".join(f", alarm {key} {_times(n)}" for key, n in sessions["alarms"].items())
    return [
        f"{sessions['sealed']} sessions sealed in {told['seconds']:.0f} s{others}, "
        f"{sessions['missing_photos']} photos missing, {sessions['readings']} barcodes read by "
        f"cameras{alarms}",
        f"{sessions['written_mb']:.0f} MB written, {sessions['written_mb_per_minute']:.1f} MB a "
        "minute",
        f"loop late by {late['p95']:.1f} ms (p95), {late['worst']:.0f} ms at worst; a key took "
        f"{keys['median']:.1f} ms, p95 {keys['p95']:.1f}, worst {keys['worst']:.0f}",
        "archive verified: ok" if told["verify"]["ok"] else "archive verified: NOT as sealed",
    ]
