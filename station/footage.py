"""The bench's cameras at work: carries out the commands about clips and shots.

Opens the cameras, each in a process of its own, asks them for clips, files those in the archive
and tells the rules; what comes of a shot is the work of `station.stills`. Loads `capture` in the
pool only, for the first picture of the screen does not wait for it; OpenCV, which reads label
photos here, while the cameras open. Decides nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from station.desk import Desk
from station.places import Places
from station.replies import Replies
from station.rules import commands, events
from station.stills import Stills
from station.waybill import WaybillRules, as_scanned
from storage.errors import ArchiveFull
from storage.records import Clip, Gap

if TYPE_CHECKING:
    from capture import events as told
    from capture.frame import Frame
    from capture.remote import CameraProcess
    from capture.settings import CameraSettings, CameraStatus
    from capture.source import SourceSpec
    from station.config import CameraConfig, Config
    from storage.archive import Archive

log = logging.getLogger(__name__)


class NoStill(Exception):
    """A camera gave no picture. The message says why."""


def moment(mono_ns: int | None = None) -> events.Moment:
    """Now, or the moment of a frame that was captured at `mono_ns`."""
    now_ns = time.monotonic_ns()
    age_ns = 0 if mono_ns is None else max(0, now_ns - mono_ns)
    utc = dt.datetime.now(dt.UTC) - dt.timedelta(microseconds=age_ns // 1_000)
    return events.Moment(utc, (now_ns - age_ns) // 1_000_000)


class Footage:
    """Cameras, clips and shots of one bench. Every method is called on the loop but one."""

    def __init__(
        self, config: Config, archive: Archive, desk: Desk, scan: WaybillRules, places: Places
    ) -> None:
        self._config = config
        self._archive = archive
        self._desk = desk
        self._places = places
        self._stills = Stills(archive, desk, scan, places)
        self._cameras: dict[str, CameraProcess] = {}
        self._stills_asked: dict[int, asyncio.Future[told.StillInfo]] = {}
        self._still_ids = itertools.count(-1, -1)  # the rules count their shots upwards
        self._watchers: list[tuple[str, Callable[[Frame], None]]] = []
        self._closed = False

    # ------------------------------------------------------------------ cameras

    async def start(self, replies: Replies) -> None:
        """Open every camera, and load what reads label photos beside that."""
        self._replies = replies
        self._stills.start(replies)
        await replies.attempt("loading the camera software", None, self._load)
        if self._closed:
            return
        for chosen in self._config.camera:
            if camera := self._make_camera(chosen):
                self._cameras[chosen.name] = camera
        for name, offer in self._watchers:
            if name in self._cameras:
                self._cameras[name].watch(offer)
        for camera in self._cameras.values():
            camera.start()
        replies.spawn(replies.attempt("loading the barcode reader", None, _load_reader))

    def _load(self) -> None:
        """Runs in the pool."""
        import capture.remote

        if any(chosen.source.startswith("sim:") for chosen in self._config.camera):
            import capture.sim  # noqa: F401 - whoever lays parcels on it does so on the loop

    def _make_camera(self, chosen: CameraConfig) -> CameraProcess | None:
        """The camera, not opened yet. None, and the rules are told, if its source cannot be
        understood."""
        from capture.remote import CameraProcess
        from capture.source import SourceError, parse_source

        try:
            source = parse_source(chosen.source)
        except SourceError as error:
            log.error("camera %s: %s", chosen.name, error)  # noqa: TRY400 - its message says all
            self._desk.send(events.CameraDown, camera=chosen.name, cause=str(error))
            return None
        return CameraProcess(self._settings(chosen, source), self._from_camera)

    def _settings(self, chosen: CameraConfig, source: SourceSpec) -> CameraSettings:
        from capture.settings import CameraSettings

        return CameraSettings(
            name=chosen.name,
            source=source,
            width=chosen.width,
            height=chosen.height,
            fps=chosen.fps,
            pre_roll_s=self._config.recording.pre_roll_s,
            bench=self._config.bench.name,
            symbologies=self._config.scanner.symbologies if chosen.scan else (),
            duty=self._config.scanner.duty,
            record=chosen.record,
            video_height=chosen.video_height,
            encoder=self._config.recording.encoder,
        )

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that are kept open, up or down, in the order of the configuration."""
        return tuple(self._cameras)

    def watch(self, camera: str, offer: Callable[[Frame], None]) -> None:
        """Have `offer` called with small pictures of `camera`, the newest, on a capture thread."""
        if camera in self._cameras:
            self._cameras[camera].watch(offer)
        else:
            self._watchers.append((camera, offer))

    async def still(self, camera: str, path: Path) -> told.StillInfo:
        """A still of `camera` in the new file `path`, for no session. Raises NoStill."""
        if camera not in self._cameras:
            raise NoStill(f"camera {camera} is not open")
        still_id = next(self._still_ids)
        answer: asyncio.Future[told.StillInfo] = asyncio.get_running_loop().create_future()
        self._stills_asked[still_id] = answer
        try:
            self._cameras[camera].take_still(still_id, path)
            return await answer
        finally:
            del self._stills_asked[still_id]

    def statuses(self) -> tuple[CameraStatus, ...]:
        """What each opened camera delivers now."""
        return tuple(camera.status for camera in self._cameras.values())

    def pids(self) -> dict[int, str]:
        """The cameras' processes that are there now and whose each is, for who measures them."""
        return {pid: name for name, one in self._cameras.items() if (pid := one.pid) is not None}

    async def close(self) -> bool:
        """Let go of the cameras; an open clip is finished playable. False: the system itself waits
        for one of them (see `CameraProcess.close`)."""
        self._closed = True
        closing = [asyncio.to_thread(camera.close) for camera in self._cameras.values()]
        return all(await asyncio.gather(*closing))

    # ------------------------------------------------------------------ sessions

    async def settle(self, session: str) -> None:
        """Return when no file of the session is being written any more. A clip that the rules have
        given up is stopped, for what is sealed while it grows is not what lies on the disk."""
        place = self._places.get(session)
        if place is None:
            return
        for clip_id in [one for one in place.writing if isinstance(one, str)]:
            self._cameras[_clip_of(clip_id)[1]].stop_clip(clip_id)
        while place.writing:
            await place.quiet.wait()

    async def _at_hand(self, session: str, name: str) -> tuple[Path, CameraProcess] | str:
        """The session's folder and the camera, or why not."""
        place, camera = self._places.get(session), self._cameras.get(name)
        if place is None:
            return "the session is over"
        if camera is None:
            return "the camera is not open"
        await asyncio.wait([place.folder])
        if place.folder.cancelled():
            return "the session has no folder"
        return place.folder.result(), camera

    # ------------------------------------------------------------------ clips

    async def start_clip(self, command: commands.StartClip) -> None:
        """Start a clip. The pre-roll waits in the camera's ring, so that the milliseconds until
        the folder is durable cost no frame."""
        where = await self._at_hand(command.session, command.camera)
        if isinstance(where, str):
            self.no_clip(command, where)
            return
        folder, camera = where
        self._places.begun(command.session, _clip_id(command))
        camera.start_clip(
            _clip_id(command),
            folder / f"{command.camera}-{command.part:02d}.mp4",
            command.trigger.mono_ms * 1_000_000,
            command.number,
            pre_roll=command.part == 1,
        )

    async def stop_clip(self, command: commands.StopClip) -> None:
        """Stop a clip; waits for the folder first, so that a stop never overtakes its start."""
        where = await self._at_hand(command.session, command.camera)
        if not isinstance(where, str):
            where[1].stop_clip(_clip_id(command))

    def no_clip(self, command: commands.StartClip | commands.StopClip, why: str) -> None:
        """Tell the rules that nothing was kept."""
        self._no_clip(command.session, command.camera, command.part, why)

    def _no_clip(self, session: str, camera: str, part: int, why: str) -> None:
        self._places.over(session, f"{session}/{camera}/{part}")
        self._desk.send(
            events.ClipEnded, session=session, camera=camera, part=part, clip=None, why=why
        )

    def _file_clip(self, ended: told.ClipEnded) -> None:
        session, camera, part = _clip_of(ended.clip_id)
        info = ended.info
        filing = partial(
            self._archive.add_clip,
            session,
            info.path,
            camera=camera,
            part=part,
            codec=info.codec,
            width=info.width,
            height=info.height,
            started_at=info.started_at,
            duration_ms=info.duration_ms,
            pre_roll_ms=info.pre_roll_ms,
            frames=info.frames,
            dropped=info.dropped,
            clock_offset_ms=info.clock_offset_ms,
            copied=info.copied,
        )
        holes = tuple(
            Gap(camera, hole.started_at, hole.ended_at, hole.cause) for hole in info.holes
        )
        tell = partial(
            self._desk.send,
            events.ClipEnded,
            session=session,
            camera=camera,
            part=part,
            why=ended.why,
            holes=holes,
        )
        future = filing()

        def bad(why: str) -> None:
            if not isinstance(future.exception(), ArchiveFull):
                self._no_clip(session, camera, part, why)
                return
            # It is whole on the disk: only its row waits for room.
            self._desk.file_later(session, filing)
            kept = Clip(
                camera,
                part,
                info.path.name,
                info.codec,
                info.width,
                info.height,
                info.started_at,
                info.duration_ms,
                info.pre_roll_ms,
                info.frames,
                info.dropped,
                info.size_bytes,
                sha256="",
                clock_offset_ms=info.clock_offset_ms,
                copied=info.copied,
            )
            tell(clip=kept)

        self._replies.reply(future, lambda clip: tell(clip=clip), bad)
        self._places.over(session, ended.clip_id)  # a seal comes behind it at the archive

    # ------------------------------------------------------------------ shots

    async def take_shot(self, command: commands.TakeShot) -> None:
        """Take a still into the session's folder."""
        where = await self._at_hand(command.session, command.camera)
        if isinstance(where, str):
            self.no_shot(command, where)
        else:
            self._stills.take(command, *where)

    def no_shot(self, command: commands.TakeShot, why: str) -> None:
        """Tell the rules that there is no such photo."""
        self._stills.no_shot(command, why)

    # ------------------------------------------------------------------ what cameras tell

    def _from_camera(self, event: told.CaptureEvent) -> None:
        """On a capture thread: over to the loop."""
        self._replies.call(self._told, event)

    def _told(self, event: told.CaptureEvent) -> None:
        from capture import events as told

        match event:
            case told.CameraUp():
                self._desk.send(events.CameraUp, camera=event.camera)
            case told.CameraDown():
                log.warning("camera %s: %s", event.camera, event.cause)
                self._desk.send(events.CameraDown, camera=event.camera, cause=event.cause)
            case told.CameraWarned():
                self._desk.send(events.CameraWarned, camera=event.camera, what=event.what)
            case told.ClipStarted():
                session, camera, part = _clip_of(event.clip_id)
                self._desk.send(events.ClipStarted, session=session, camera=camera, part=part)
            case told.ClipEnded():
                self._file_clip(event)
            case told.ClipFailed():
                self._no_clip(*_clip_of(event.clip_id), event.why)
            case told.StillTaken() | told.StillFailed() if event.still_id < 0:
                self._still_answered(event)
            case told.StillTaken():
                self._stills.taken(event)
            case told.StillFailed():
                self._stills.failed(event)
            case told.ReadingSeen():
                reading = event.reading
                raw = as_scanned(reading.text, reading.symbology)
                self._desk.scan(raw, event.camera, moment(reading.mono_ns))

    def _still_answered(self, event: told.StillTaken | told.StillFailed) -> None:
        answer = self._stills_asked.get(event.still_id)
        if answer is None or answer.done():  # who asked was cancelled
            return
        from capture import events as told

        if isinstance(event, told.StillTaken):
            answer.set_result(event.info)
        else:
            answer.set_exception(NoStill(event.why))


def _load_reader() -> None:
    """Runs in the pool, so that the first label photo need not wait for it."""
    import capture.barcode  # noqa: F401


def _clip_id(command: commands.StartClip | commands.StopClip) -> str:
    return f"{command.session}/{command.camera}/{command.part}"


def _clip_of(clip_id: str) -> tuple[str, str, int]:
    session, camera, part = clip_id.split("/")
    return session, camera, int(part)
