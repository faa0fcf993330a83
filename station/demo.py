"""An unattended shift: the real app, its threads and its archive, with simulated cameras.

Parcels are laid on the simulated bench, scanned (as keys of a wedge scanner, or by the camera),
photographed and sealed; then the archive is asked whether all of it came true. Watched in a
terminal, or headless. It drives the app from outside, as a packer would: keys, cards and pictures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import click
from textual.events import Key

from station.config import Config
from station.rules.state import Phase, State
from station.simulated import ups_numbers
from station.ui.app import BenchApp, show
from storage.archive import Archive
from storage.evidence.package import export
from storage.evidence.verify import verify
from storage.records import Kind, LabelCheck, Session, Status, session_to_json

PRE_ROLL_S = 3.0
PATIENCE_S = 40.0
SETTLED_S = 3.0
"""A parcel's label lies still on the simulated bench after this time."""


class Story(StrEnum):
    """What happens to a parcel of the shift."""

    PLAIN = "plain"
    MISSING_SHOT = "missing_shot"
    DUPLICATE = "duplicate"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel of the shift. `by_camera`: the bench camera reads the waybill, not the wedge."""

    number: str
    order_id: str
    story: Story
    by_camera: bool


class DemoError(Exception):
    """The shift did not do what it should: the message says at which parcel."""


def plan(parcels: int, seed: int) -> list[Parcel]:
    """The shift: one duplicate, one missing shot and one return among `parcels` (3 or more)."""
    numbers = list(islice(ups_numbers(seed), parcels))
    shift = [
        Parcel(number, f"PW-{seed}-{place:04d}", Story.PLAIN, by_camera=place % 2 == 1)
        for place, number in enumerate(numbers, 1)
    ]
    short = 1 if parcels > 3 else 0
    first = shift[0]
    shift[short] = replace(shift[short], story=Story.MISSING_SHOT)
    shift[-2] = replace(first, story=Story.DUPLICATE)
    shift[-1] = replace(first, story=Story.RETURN)
    return shift


def demo_config(archive: Path, seed: int, language: str = "auto") -> Config:
    """The configuration of the demo: two simulated cameras that show the same parcel."""
    return Config.model_validate(
        {
            "bench": {"name": "demo", "packer": "Demo", "language": language},
            "archive": {"path": archive},
            "recording": {"pre_roll_s": PRE_ROLL_S},
            "camera": [
                {
                    "name": "overhead",
                    "source": f"sim:?seed={seed}&view=overhead",
                    "width": 1280,
                    "height": 720,
                    "fps": 20,
                    "scan": True,
                },
                {
                    "name": "side",
                    "source": f"sim:?seed={seed}&view=side",
                    "width": 640,
                    "height": 360,
                    "fps": 10,
                },
            ],
        }
    )


class Shift:
    """Works through the parcels at a running app."""

    def __init__(
        self, app: BenchApp, parcels: list[Parcel], seed: int, tell: Callable[[str], None]
    ):
        self._app = app
        self._parcels = parcels
        self._seed = seed
        self._tell = tell

    async def work(self) -> None:
        """Pack every parcel. Raises DemoError."""
        await self._until(lambda s: bool(s.cameras) and all(c.up for c in s.cameras), "cameras")
        await asyncio.sleep(PRE_ROLL_S + 1.0)
        for place, parcel in enumerate(self._parcels, 1):
            self._tell(f"parcel {place}/{len(self._parcels)}: {parcel.number} ({parcel.story})")
            await self._pack(parcel)

    async def _pack(self, parcel: Parcel) -> None:
        from capture.sim import scene

        if parcel.story is Story.RETURN:
            self._scan("PW:RETURN")
        if not parcel.by_camera:
            self._scan(parcel.number)
        scene(self._seed).show(parcel.number)
        if parcel.story is Story.DUPLICATE:
            await self._until(lambda s: s.phase is Phase.DECIDING, "the question")
            self._scan("PW:YES")
        await self._until(
            lambda s: (
                s.phase is Phase.RECORDING
                and s.active is not None
                and s.active.waybill.number == parcel.number
            ),
            f"recording of {parcel.number}",
        )
        await asyncio.sleep(SETTLED_S)
        slots = [slot.name for slot in self._state.rules.slots]
        if parcel.story is Story.MISSING_SHOT:
            slots.remove("packaging")
        for slot in slots:
            await self._shoot(slot, next_open=parcel.story is not Story.MISSING_SHOT)
        await self._finish(parcel)
        scene(self._seed).clear()
        await asyncio.sleep(1.0)

    async def _shoot(self, slot: str, *, next_open: bool) -> None:
        if next_open:
            self._press("f1")
        else:
            self._scan(f"PW:SLOT:{slot}")
        await self._until(
            lambda s: s.active is not None and slot in {shot.slot for shot in s.active.shots},
            f"the photo {slot}",
        )

    async def _finish(self, parcel: Parcel) -> None:
        session = self._state.active.session if self._state.active else ""
        if parcel.story is Story.MISSING_SHOT:
            self._scan("PW:FINISH")
            await self._until(lambda s: bool(s.active and s.active.finish_warned), "the warning")
            self._press("f4")
        else:
            self._scan("PW:FINISH")
        await self._until(
            lambda s: any(done.session == session and done.confirmed for done in s.handed_over),
            f"the seal of {parcel.number}",
        )

    @property
    def _state(self) -> State:
        return self._app.bench.state

    def _scan(self, text: str) -> None:
        for character in text:
            self._app.post_message(Key(character, character))
        self._app.post_message(Key("enter", "\r"))

    def _press(self, key: str) -> None:
        self._app.post_message(Key(key, None))

    async def _until(self, true: Callable[[State], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true(self._state):
            if time.monotonic() > deadline:
                raise DemoError(f"waited {PATIENCE_S:.0f} s in vain for {what}")
            await asyncio.sleep(0.05)


def check_archive(archive: Archive, parcels: list[Parcel]) -> list[str]:
    """What did not come true, in sentences: look-ups, statuses, clips, shots."""
    wrong: list[str] = []
    for number in dict.fromkeys(parcel.number for parcel in parcels):
        stories = [parcel.story for parcel in parcels if parcel.number == number]
        sessions = list(reversed(archive.find(number)))
        order = next(parcel.order_id for parcel in parcels if parcel.number == number)
        if len(sessions) != len(stories):
            wrong.append(f"{number}: {len(sessions)} sessions instead of {len(stories)}")
            continue
        known = {session.id for session in sessions}
        for text in (number[-6:], order):
            if not known <= {session.id for session in archive.find(text)}:
                wrong.append(f"{number}: not found by {text}")
        for story, session in zip(stories, sessions, strict=True):
            wrong += [f"{number}: {fault}" for fault in session_faults(session, story)]
    return wrong


def session_faults(session: Session, story: Story) -> list[str]:
    """What is wrong with one session of the shift, in a few words each."""
    faults = []
    if session.status is not Status.SEALED:
        faults.append(f"status {session.status}")
    if session.kind is not (Kind.RETURN if story is Story.RETURN else Kind.PACKING):
        faults.append(f"kind {session.kind}")
    if session.pass_no != (2 if story is Story.DUPLICATE else 1):
        faults.append(f"pass {session.pass_no}")
    if session.missing != (("packaging",) if story is Story.MISSING_SHOT else ()):
        faults.append(f"missing {session.missing}")
    if {clip.camera for clip in session.clips} != {"overhead", "side"}:
        faults.append(f"clips of {[clip.camera for clip in session.clips]}")
    for clip in session.clips:
        if clip.codec != "h264" or clip.pre_roll_ms < 2_000 or clip.frames < 10:
            faults.append(f"{clip.path}: {clip.codec}, {clip.pre_roll_ms} ms, {clip.frames} frames")
    label = [shot.label_check for shot in session.shots if shot.slot == "label"]
    if label != [LabelCheck.MATCH]:
        faults.append(f"label check {label}")
    return faults


async def _work(app: BenchApp, shift: Shift, *, headless: bool) -> str:
    """Run the app and the shift side by side; the reason why it failed, or ''."""
    failed = ""

    async def drive() -> None:
        nonlocal failed
        try:
            await shift.work()
        except DemoError as error:
            failed = str(error)
        app.close_bench()

    await show(app, headless=headless, drive=drive)
    return failed


def run(parcels: int, archive: Path, seed: int, *, as_json: bool, language: str = "auto") -> int:
    """Run the shift; 0 when all of it came true. Raises ArchiveError."""
    headless = as_json or not sys.stdout.isatty()
    started = time.monotonic()

    def tell(text: str) -> None:
        if headless:
            click.echo(f"{time.monotonic() - started:6.1f} s  {text}", err=True)

    shift = plan(parcels, seed)
    config = demo_config(archive, seed, language)
    opened = Archive.open(archive)
    try:
        opened.hold_bench_lock()
        opened.link_orders([(p.order_id, p.number) for p in shift]).result()
        app = BenchApp(config, opened)
        failed = asyncio.run(_work(app, Shift(app, shift, seed, tell), headless=headless))
        report = _report(opened, shift, failed)
    finally:
        opened.close()
    tell("done" if report["ok"] else "; ".join(report["problems"]))
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(
            f"{len(report['sessions'])} sessions in {archive}; package {report['package']}: "
            + ("all of it came true" if report["ok"] else "; ".join(report["problems"]))
        )
    return 0 if report["ok"] else 1


def _report(archive: Archive, shift: list[Parcel], failed: str) -> dict[str, Any]:
    problems = [failed] if failed else []
    problems += check_archive(archive, shift)
    package = None
    if sessions := archive.find(shift[0].number):
        package = export(archive, sessions, archive.root / "exports").path
        problems += [f"{found.path}: {found.what}" for found in verify(package)]
    problems += [f"{found.path}: {found.what}" for found in verify(archive.root)]
    known = {s.id: s for parcel in shift for s in archive.find(parcel.number)}
    return {
        "ok": not problems,
        "parcels": len(shift),
        "sessions": [session_to_json(session) for session in known.values()],
        "package": None if package is None else archive.relative(package),
        "problems": problems,
    }
