"""The bench's cameras at work: carries out the commands about clips and shots.

Opens the cameras, asks them for clips, files those in the archive and tells the rules; what comes
of a shot is the work of `station.stills`. Loads `capture` (and with it OpenCV) only in `_load`, in
a worker: it takes longer than the first picture of the screen. Decides nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
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
from station.waybill import WaybillRules
from storage.errors import ArchiveFull
from storage.records import Clip

if TYPE_CHECKING:
    from capture import events as told
    from capture.camera import Camera, CameraStatus
    from capture.frame import Frame
    from station.config import CameraConfig, Config
    from storage.archive import Archive

log = logging.getLogger(__name__)

NOT_LOADED = "the camera software cannot be loaded: run packwitness doctor"


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
        self._cameras: dict[str, Camera] = {}
        self._watchers: list[tuple[str, Callable[[Frame], None]]] = []
        self._closed = False

    # ------------------------------------------------------------------ cameras

    async def start(self, replies: Replies) -> None:
        """Load OpenCV in the background, then open every camera."""
        self._replies = replies
        self._stills.start(replies)
        loaded = await replies.attempt("loading the camera software", False, self._load)
        if self._closed:
            return
        for chosen in self._config.camera:
            made = self._make_camera(chosen) if loaded else NOT_LOADED
            if isinstance(made, str):
                self._desk.send(events.CameraDown, camera=chosen.name, cause=made)
            else:
                self._cameras[chosen.name] = made
        for name, offer in self._watchers:
            if name in self._cameras:
                self._cameras[name].add_taker(offer)
        for camera in self._cameras.values():
            camera.start()

    def _load(self) -> bool:
        """Runs in the pool."""
        import capture.barcode
        import capture.camera  # noqa: F401

        return True

    def _make_camera(self, chosen: CameraConfig) -> Camera | str:
        """The camera, not opened yet, or why its source cannot be understood."""
        from capture.camera import Camera, CameraSettings
        from capture.source import SourceError, parse_source

        try:
            source = parse_source(chosen.source)
        except SourceError as error:
            log.error("camera %s: %s", chosen.name, error)  # noqa: TRY400 - its message says all
            return str(error)
        settings = CameraSettings(
            name=chosen.name,
            source=source,
            width=chosen.width,
            height=chosen.height,
            fps=chosen.fps,
            pre_roll_s=self._config.recording.pre_roll_s,
            bench=self._config.bench.name,
            symbologies=self._config.scanner.symbologies if chosen.scan else (),
        )
        return Camera(settings, self._from_camera)

    def watch(self, camera: str, offer: Callable[[Frame], None]) -> None:
        """Have `offer` called with the newest frame of `camera`, on a capture thread."""
        if camera in self._cameras:
            self._cameras[camera].add_taker(offer)
        else:
            self._watchers.append((camera, offer))

    def statuses(self) -> tuple[CameraStatus, ...]:
        """What each opened camera delivers now."""
        return tuple(camera.status for camera in self._cameras.values())

    async def close(self) -> bool:
        """Let go of the cameras; an open clip is finished playable. False: one of them hangs in
        its driver (see `Camera.close`)."""
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

    async def _at_hand(self, session: str, name: str) -> tuple[Path, Camera] | str:
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
        )
        tell = partial(self._desk.send, events.ClipEnded, session=session, camera=camera, part=part)
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
            )
            tell(clip=kept, why=ended.why)

        self._replies.reply(future, lambda clip: tell(clip=clip, why=ended.why), bad)
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
            case told.ClipStarted():
                session, camera, part = _clip_of(event.clip_id)
                self._desk.send(events.ClipStarted, session=session, camera=camera, part=part)
            case told.ClipEnded():
                self._file_clip(event)
            case told.ClipFailed():
                self._no_clip(*_clip_of(event.clip_id), event.why)
            case told.StillTaken():
                self._stills.taken(event)
            case told.StillFailed():
                self._stills.failed(event)
            case told.ReadingSeen():
                reading = event.reading
                self._desk.scan(reading.text, event.camera, moment(reading.mono_ns))


def _clip_id(command: commands.StartClip | commands.StopClip) -> str:
    return f"{command.session}/{command.camera}/{command.part}"


def _clip_of(clip_id: str) -> tuple[str, str, int]:
    session, camera, part = clip_id.split("/")
    return session, camera, int(part)
