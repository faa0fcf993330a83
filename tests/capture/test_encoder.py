"""The encoder: colours, sizes and key frames as they come out of a decoder again."""

from __future__ import annotations

import datetime as dt
import io

import av
import cv2
import numpy as np
import pytest

from capture.codecs import SOFTWARE, Codec
from capture.encoder import TIME_BASE, Encoded, Encoder, coded_size, planes
from capture.frame import Bgr, Frame, Picture, Yuv, freeze
from capture.overlay import Overlay

UTC = dt.datetime(2026, 11, 22, 13, 4, 7, tzinfo=dt.UTC)
WHITE, RED, GREEN = (255, 255, 255), (30, 30, 200), (40, 180, 40)
BLUE, YELLOW, GREY = (200, 60, 30), (20, 210, 220), (60, 60, 60)
FIELDS = (WHITE, RED, GREEN, BLUE, YELLOW, GREY)


def fields(width: int, height: int) -> Bgr:
    bgr = np.zeros((height, width, 3), np.uint8)
    for at, colour in enumerate(FIELDS):
        bgr[:, at * width // 6 : (at + 1) * width // 6] = colour
    return freeze(bgr)


def as_planes(bgr: Bgr, *, full_range: bool, bt709: bool) -> Yuv:
    """What a decoder would give for a picture that was coded so (ITU-R BT.601, BT.709)."""
    blue_share, red_share = (0.0722, 0.2126) if bt709 else (0.114, 0.299)
    blue, green, red = (bgr[:, :, at].astype(float) for at in range(3))
    luma = blue_share * blue + (1 - blue_share - red_share) * green + red_share * red
    chroma = [
        cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for part in ((blue - luma) / (2 - 2 * blue_share), (red - luma) / (2 - 2 * red_share))
    ]
    if not full_range:
        luma = 16 + luma * 219 / 255
        chroma = [part * 224 / 255 for part in chroma]
    flat = [luma.ravel(), *(128 + part.ravel() for part in chroma)]
    i420 = np.rint(np.concatenate(flat)).clip(0, 255).astype(np.uint8)
    i420.flags.writeable = False
    return Yuv(i420.reshape(-1, bgr.shape[1]), full_range, bt709)


def frames_of(pictures: list[Picture], fps: int = 30) -> list[Frame]:
    return [
        Frame(at, at * 1_000_000_000 // fps, UTC, picture) for at, picture in enumerate(pictures)
    ]


def encoded(
    pictures: list[Picture], video_height: int | None = None, codec: str | Codec = SOFTWARE
) -> list[Encoded]:
    frames = frames_of(pictures)
    encoder = Encoder.like(frames[0], 30, Overlay("", ""), video_height, codec)
    return [encoder.encode(frame, frame.index) for frame in frames]


def shown(packets: list[Encoded]) -> list[av.VideoFrame]:
    """What a player shows of a file that holds the packets."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream_from_template(packets[0].stream)
        for at, packet in enumerate(packets):
            coded = av.Packet(packet.data)
            coded.stream, coded.time_base = stream, TIME_BASE
            coded.pts = coded.dts = at * 3000
            coded.is_keyframe = packet.key
            container.mux(coded)
    file.seek(0)
    with av.open(file, "r") as finished:
        return list(finished.decode(video=0))


def colours(frame: av.VideoFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The mean of each field, BGR, as a player that heeds the stream's tags shows it."""
    bgr = frame.to_ndarray(format="bgr24", dst_color_range="JPEG")
    inside = bgr[bgr.shape[0] // 4 : bgr.shape[0] // 2]
    width = bgr.shape[1]
    return np.array(
        [
            inside[:, at * width // 6 + width // 24 : (at + 1) * width // 6 - width // 24].mean(
                axis=(0, 1)
            )
            for at in range(6)
        ]
    )


@pytest.mark.parametrize("bt709", [False, True])
@pytest.mark.parametrize("full_range", [False, True])
def test_planes_are_coded_untouched_and_the_file_says_how_to_show_them(
    full_range: bool, bt709: bool
) -> None:
    bgr = fields(960, 544)
    yuv = as_planes(bgr, full_range=full_range, bt709=bt709)
    before = yuv.i420.copy()
    (frame,) = shown(encoded([yuv]))
    assert (frame.color_range == 2) is full_range
    assert frame.colorspace == (1 if bt709 else 6)
    assert np.abs(colours(frame) - np.array(FIELDS)).max() < 6
    assert np.array_equal(yuv.i420, before)
    # And it looks as the same picture does that came in BGR.
    (from_bgr,) = shown(encoded([bgr]))
    assert (from_bgr.color_range, from_bgr.colorspace) == (1, 6)
    assert np.abs(colours(frame) - colours(from_bgr)).max() < 6


def test_another_size_or_other_colours_need_another_encoder() -> None:
    bgr = fields(320, 180)
    limited = as_planes(bgr, full_range=False, bt709=False)
    full = as_planes(bgr, full_range=True, bt709=False)
    hd = as_planes(bgr, full_range=False, bt709=True)
    other = fields(320, 240)
    frames = frames_of([bgr, limited, full, hd, other])
    encoder = Encoder.like(frames[0], 30, Overlay("", ""))
    assert [encoder.fits(frame) for frame in frames] == [True, True, False, False, False]
    encoder = Encoder.like(frames[3], 30, Overlay("", ""))
    assert [encoder.fits(frame) for frame in frames] == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("size", "video_height", "coded"),
    [
        ((1280, 720), None, (1280, 720)),
        ((1280, 720), 720, (1280, 720)),
        ((1280, 720), 360, (640, 360)),
        ((1920, 1080), 720, (1280, 720)),
        ((720, 1280), 720, (404, 720)),
        ((641, 483), None, (640, 480)),
        ((643, 483), 241, (320, 240)),
    ],
)
def test_a_higher_picture_is_scaled_down_and_odd_sides_are_cut(
    size: tuple[int, int], video_height: int | None, coded: tuple[int, int]
) -> None:
    assert coded_size(size, video_height) == coded
    bgr = fields(*size)
    pictures: list[Picture] = [bgr]
    if size[0] % 2 == 0 and size[1] % 4 == 0:  # planes never have other sides
        pictures.append(as_planes(bgr, full_range=False, bt709=False))
    for picture in pictures:
        (frame,) = shown(encoded([picture], video_height))
        assert (frame.width, frame.height) == coded
        assert np.abs(colours(frame) - np.array(FIELDS)).max() < 6


def test_scaled_planes_stand_where_the_picture_has_them() -> None:
    noise = np.random.default_rng(4).integers(0, 255, (18, 32, 3), np.uint8)
    bgr = freeze(cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC))
    (frame,) = shown(encoded([as_planes(bgr, full_range=False, bt709=False)], 360))
    want = cv2.resize(bgr, (640, 360), interpolation=cv2.INTER_AREA)
    have = frame.to_ndarray(format="bgr24")
    assert np.abs(want.astype(float) - have)[:320].mean() < 5


def test_a_picture_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="3x3"):
        Encoder((3, 3), 30, Overlay("", ""))


def test_a_key_frame_comes_every_second_of_the_capture_clock() -> None:
    bgr = fields(320, 180)
    encoder = Encoder((320, 180), 30, Overlay("", ""))
    times_ms = [0, 400, 999, 1000, 1500, 4000, 4001, 4990, 5000]
    keys = [
        encoder.encode(Frame(at, ms * 1_000_000, UTC, bgr), at).key
        for at, ms in enumerate(times_ms)
    ]
    assert [ms for ms, key in zip(times_ms, keys, strict=True) if key] == [0, 1000, 4000, 5000]


def test_interleaved_planes_give_the_same_video() -> None:
    # For encoders that take no other layout; libx264 takes both.
    pictures: list[Picture] = [fields(640, 360)] * 3
    nv12 = Codec(SOFTWARE.name, SOFTWARE.options, pixels="nv12")
    ours = [frame.to_ndarray() for frame in shown(encoded(pictures))]
    theirs = [frame.to_ndarray() for frame in shown(encoded(pictures, codec=nv12))]
    assert np.array_equal(ours, theirs)


def test_a_plane_is_a_view() -> None:
    i420 = np.zeros((6, 4), np.uint8)
    luma, first, second = planes(i420)
    luma[:], first[:], second[:] = 1, 2, 3
    assert i420.tolist() == [[1] * 4] * 4 + [[2] * 4, [3] * 4]
