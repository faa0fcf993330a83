"""A packing desk for the archive's tests: real video, real photos, and sessions made of them."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from ulid import ULID

from storage.archive import Archive
from storage.records import (
    CameraCheck,
    CheckDigit,
    Clip,
    EndReason,
    Gap,
    Kind,
    LabelCheck,
    Note,
    Session,
    Shot,
    Status,
    Waybill,
)

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
NUMBER = "1Z999AA10123456784"
FRAMES = 20
FPS = 10


def _picture(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.full((120, 160, 3), 40, np.uint8)
    picture[20:60, 10 + 5 * number : 40 + 5 * number] = (200, 90, 30)
    return picture


@cache
def video(comment: str = "") -> bytes:
    """Two seconds of H.264 in MP4."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(number), "bgr24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def subtitled_video() -> bytes:
    """The same video, copied, with a text track."""
    buffer = BytesIO()
    with (
        av.open(BytesIO(video()), "r") as source,
        av.open(buffer, "w", format="mp4") as container,
    ):
        pictures = container.add_stream_from_template(source.streams.video[0])
        texts = container.add_mux_stream("mov_text")
        text = b"12:00:00"
        packet = av.Packet(len(text).to_bytes(2, "big") + text)
        packet.stream, packet.pts, packet.dts, packet.duration = texts, 0, 0, FPS
        container.mux(packet)
        for each in source.demux(video=0):
            if each.size:
                each.stream = pictures
                container.mux(each)
    return buffer.getvalue()


@cache
def growing_video() -> bytes:
    """The first part of a fragmented MP4 whose writer was killed: no end, a torn last fragment."""
    buffer = BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(buffer, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": "5", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(number), "bgr24")))
        container.mux(stream.encode(None))
    whole = buffer.getvalue()
    return whole[: whole.rindex(b"moof") - 50]


@cache
def photo(number: int = 0) -> bytes:
    """A JPEG of 160×120."""
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = 160, 120, "yuvj420p"
    codec.time_base = Fraction(1, FPS)
    frame = av.VideoFrame.from_ndarray(_picture(number), "bgr24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))


class Desk:
    """Packs parcels into `archive`; every call returns when it is durable."""

    def __init__(self, archive: Archive, start: dt.datetime = NOON) -> None:
        self.archive = archive
        self.now = start

    def tick(self, seconds: float = 1) -> dt.datetime:
        """A moment later than every earlier one."""
        self.now += dt.timedelta(seconds=seconds)
        return self.now

    def draft(self, number: str = NUMBER, pass_no: int = 1, kind: Kind = Kind.PACKING) -> Session:
        """A session that could be opened now."""
        return Session(
            id=str(ULID.from_datetime(self.tick())),
            waybill=Waybill(number, f"]C1{number}", "UPS", CheckDigit.OK),
            kind=kind,
            pass_no=pass_no,
            bench="bench 1",
            packer="Ann",
            opened_at=self.now,
            required_slots=("item", "label"),
        )

    def open(
        self, number: str = NUMBER, pass_no: int = 1, kind: Kind = Kind.PACKING
    ) -> tuple[str, Path]:
        """The id and folder of a new session."""
        session = self.draft(number, pass_no, kind)
        return session.id, self.archive.open_session(session).result()

    def shot(
        self,
        session: str,
        folder: Path,
        slot: str = "label",
        number: int = 1,
        check: LabelCheck = LabelCheck.MATCH,
        read: str = "",
    ) -> Shot:
        """Take a photo and file it; of a label with what its check has found."""
        path = folder / f"{slot}-{number:02d}.jpg"
        content = photo(number)
        path.write_bytes(content)
        shot = Shot(
            slot=slot,
            path=self.archive.relative(path),
            camera="overhead",
            taken_at=self.tick(),
            label_check=check if slot == "label" else None,
            width=160,
            height=120,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            sharpness=310.5,
            brightness=118.25,
            motion=0.5,
            label_read=read,
        )
        self.archive.add_shot(session, shot).result()
        return shot

    def clip(self, session: str, folder: Path, camera: str = "overhead", part: int = 1) -> Clip:
        """Record a clip and file it."""
        path = folder / f"{camera}-{part:02d}.mp4"
        path.write_bytes(video())
        return self.archive.add_clip(
            session,
            path,
            camera=camera,
            part=part,
            codec="h264",
            width=160,
            height=120,
            started_at=self.tick(),
            duration_ms=2000,
            pre_roll_ms=500,
            frames=FRAMES,
            dropped=0,
            clock_offset_ms=1_700_000_000_123,
            copied=camera == "copied",
        ).result()

    def gap(self, session: str, camera: str = "side") -> None:
        """Tell of a camera that was away for two seconds."""
        gap = Gap(camera, self.now, self.tick(2), "no frame for 2.0 s")
        self.archive.add_gap(session, gap).result()

    def note(self, session: str, text: str = "clock jumped") -> None:
        """File a note."""
        self.archive.add_note(session, Note(self.tick(), "clock", text)).result()

    def seal(
        self,
        session: str,
        status: Status = Status.SEALED,
        end_reason: EndReason = EndReason.FINISH,
        reason: str = "",
    ) -> Session:
        """Close the session."""
        return self.archive.seal(session, status, end_reason, self.tick(), reason).result()

    def look(self, check_id: str, folder: Path, camera: str = "overhead") -> CameraCheck:
        """Take a picture of the test card, as it would be handed over for filing."""
        path = folder / f"{camera}.jpg"
        path.write_bytes(photo(len(camera)))
        return CameraCheck(
            id=check_id,
            bench="bench 1",
            packer="Ann",
            at=self.tick(),
            camera=camera,
            width=160,
            height=120,
            fps=29.97,
            module_mm=0.25,
            sharpness=310.5,
            brightness=118.0,
            clock_offset_ms=-12,
            verdict="good",
            advice="",
            path=self.archive.relative(path),
            size_bytes=0,
            sha256="",
        )

    def check(self) -> tuple[CameraCheck, ...]:
        """A whole camera check: one good picture, and a camera that gave none."""
        check_id, folder = self.archive.begin_check().result()
        good = self.look(check_id, folder)
        blind = replace(
            good,
            camera="side",
            at=self.tick(),
            fps=0,
            module_mm=None,
            clock_offset_ms=None,
            verdict="poor",
            advice="gives no picture: plug it in",
            path="",
        )
        return self.archive.file_checks(check_id, (good, blind)).result()

    def pack(self, number: str = NUMBER, pass_no: int = 1, kind: Kind = Kind.PACKING) -> Session:
        """A whole parcel: a clip, two photos, sealed."""
        session, folder = self.open(number, pass_no, kind)
        self.clip(session, folder)
        self.shot(session, folder, "item", 1)
        self.shot(session, folder, "label", 2)
        return self.seal(session)
