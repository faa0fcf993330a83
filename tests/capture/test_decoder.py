"""Coded pictures as cameras send them: whole, cut off, damaged, in all their colour formats."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.decoder import (
    JpegDecoder,
    complete,
    decode_frames,
    jpeg_size,
    lowres_for,
    yuv_of,
)
from capture.encoder import Encoded
from capture.frame import Yuv
from capture.source import open_source, parse_source
from tests.capture.http_camera import jpeg_of
from tests.capture.numbered import UTC_0, Picture, number_in, numbered
from tests.capture.parts import read_all

SECOND = 1_000_000_000
SAMPLINGS = [
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


def colours(width: int = 645, height: int = 363) -> Picture:
    """Blue, green and red stripes."""
    bgr = np.zeros((height, width, 3), np.uint8)
    for at, colour in enumerate([(200, 30, 40), (10, 220, 60), (20, 30, 240)]):
        bgr[:, at * width // 3 : (at + 1) * width // 3] = colour
    return bgr


def assert_alike(seen: Picture, meant: Picture, most: int = 8) -> None:
    for at in (1, 3, 5):
        x = at * meant.shape[1] // 6
        assert np.abs(seen[50, x].astype(int) - meant[50, x]).max() <= most, (seen[50, x], x)


def luma(picture: Yuv | None) -> Picture:
    assert picture is not None
    return picture.i420[: picture.size[1]]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bt709", [False, True])
def test_a_decoded_frame_keeps_its_colours(pixel_format: str, full: bool, bt709: bool) -> None:
    bgr = colours()
    frame = av.VideoFrame.from_ndarray(bgr, format="bgr24").reformat(
        format=pixel_format,
        dst_colorspace="ITU709" if bt709 else "ITU601",
        dst_color_range="JPEG" if full else "MPEG",
    )
    frame.colorspace = 1 if bt709 else 6
    yuv = yuv_of(frame)
    assert (yuv.size, yuv.full_range, yuv.bt709) == ((644, 360), full, bt709)
    assert not yuv.i420.flags.writeable
    assert_alike(yuv.to_bgr(), bgr)


def test_the_colours_stay_in_their_places_where_rows_are_cut_off() -> None:
    bgr = np.zeros((363, 645, 3), np.uint8)
    bgr[:340], bgr[340:] = (10, 220, 60), (20, 30, 240)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[1]])
    picture = JpegDecoder().decode(encoded.tobytes())
    assert picture is not None
    seen = picture.to_bgr()
    for row in (337, 338, 341, 342):
        assert np.abs(seen[row, 300].astype(int) - bgr[row, 300]).max() < 40, row


@pytest.mark.parametrize("pixel_format", ["bgr24", "gbrp", "rgba"])
def test_a_frame_in_rgb_is_converted(pixel_format: str) -> None:
    bgr = colours()
    frame = av.VideoFrame.from_ndarray(bgr, format="bgr24").reformat(format=pixel_format)
    frame.color_range, frame.colorspace = 2, 1
    yuv = yuv_of(frame)
    assert not yuv.full_range
    assert not yuv.bt709
    assert_alike(yuv.to_bgr(), bgr)


@pytest.mark.parametrize(("height", "bt709"), [(480, False), (720, True)])
def test_an_untagged_stream_is_taken_as_players_take_it(height: int, bt709: bool) -> None:
    frame = av.VideoFrame(1280, height, "yuv420p")
    frame.colorspace = 2
    assert yuv_of(frame).bt709 is bt709
    jpeg = av.VideoFrame(1280, height, "yuvj420p")
    jpeg.colorspace = 2
    assert not yuv_of(jpeg).bt709


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_jpeg_is_decoded_in_its_colours(sampling: int) -> None:
    bgr = colours()
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
    picture = JpegDecoder().decode(encoded.tobytes())
    assert picture is not None
    assert (picture.size, picture.full_range, picture.bt709) == ((644, 360), True, False)
    assert_alike(picture.to_bgr(), bgr)


def test_a_grey_jpeg_is_decoded() -> None:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(numbered(21), cv2.COLOR_BGR2GRAY))
    picture = JpegDecoder().decode(encoded.tobytes())
    assert picture is not None
    assert number_in(luma(picture)) == 21
    assert np.ptp(picture.to_bgr()[50, 50]) <= 2


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("lowres", "size"), [(0, (1282, 720)), (1, (640, 360)), (2, (320, 180))])
def test_a_jpeg_is_decoded_at_a_reduced_size(
    sampling: int, lowres: int, size: tuple[int, int]
) -> None:
    jpeg = jpeg_of(513, (1282, 720), sampling)
    picture = JpegDecoder(lowres).decode(jpeg)
    assert picture is not None
    assert picture.size == size
    assert number_in(luma(picture)) == 513
    assert jpeg_size(jpeg) == (1282, 720)


def test_how_far_a_jpeg_may_be_reduced() -> None:
    assert [lowres_for(2160, most) for most in (None, 0, 2160, 1081, 1080, 541, 540, 90)] == [
        *(0, 0, 0, 0, 1, 1, 2, 2)
    ]


def test_a_damaged_jpeg_is_no_picture_and_the_next_is_one() -> None:
    whole = jpeg_of(7)
    preview = b"\xff\xe1" + (2 + len(whole)).to_bytes(2) + whole
    with_preview = whole[:2] + preview + whole[2:]
    damaged = [
        b"",
        b"\xff\xd8",
        b"not a picture",
        b"\xff\xd8" + bytes(1000) + b"\xff\xd9",
        whole[:-2],  # not even the end marker is missing unnoticed
        whole[: len(whole) // 2],
        whole[: len(whole) // 2] + b"\xff\xd9",
        with_preview[:-2],
        whole[:3000] + bytes(3000) + whole[6000:],
        whole[:700] + whole[900:],
        whole.replace(b"\x01\x68\x02\x80", b"\xff\xff\xff\xff", 1),  # 65535x65535
    ]
    decoder = JpegDecoder()
    for jpeg in damaged:
        assert decoder.decode(jpeg) is None, jpeg[:20]
        assert number_in(luma(decoder.decode(whole))) == 7
    assert number_in(luma(decoder.decode(with_preview))) == 7
    assert number_in(luma(decoder.decode(whole + bytes(500)))) == 7  # buffers are padded


@settings(max_examples=60, deadline=None)
@given(at=st.integers(2, 5000), noise=st.binary(max_size=40))
def test_no_bytes_make_it_raise(at: int, noise: bytes) -> None:
    whole = jpeg_of(7)
    decoder = JpegDecoder()
    for jpeg in (whole[:at] + noise + whole[at + len(noise) :], b"\xff\xd8" + noise, noise):
        decoder.decode(jpeg)
        jpeg_size(jpeg)
        complete(jpeg)


def without_tables(jpeg: bytes) -> bytes:
    bare = jpeg
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4]) :]
    assert len(bare) < len(jpeg) - 100
    return bare


def test_a_damaged_jpeg_leaves_no_tables_behind() -> None:
    _, encoded = cv2.imencode(".jpg", numbered(3), [cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    decoder = JpegDecoder()
    assert decoder.decode(encoded.tobytes()[:-1000] + b"\xff\xd9") is None
    assert number_in(luma(decoder.decode(without_tables(jpeg_of(77))))) == 77


def test_jpegs_without_tables_as_usb_cameras_send_them() -> None:
    whole = jpeg_of(77)
    bare = without_tables(whole)
    assert number_in(luma(JpegDecoder().decode(bare))) == 77
    assert complete(whole) == complete(whole + bytes(100)) == whole
    # Another program needs the tables: what is filed must have them.
    assert len(complete(bare)) == len(whole)
    assert without_tables(complete(bare)) == bare
    grey = cv2.imdecode(np.frombuffer(complete(bare), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert number_in(np.asarray(grey, np.uint8)) == 77


def coded_of(video: Path) -> list[Encoded]:
    """A file's packets as they lie in a ring: one each 40 ms."""
    source = open_source(parse_source(f"file:{video}"), record="copy")
    samples = read_all(source)
    source.close()
    coded = []
    for seq, sample in enumerate(samples):
        assert sample.packet is not None
        coded.append(
            Encoded(
                data=sample.packet.data,
                key=sample.packet.key,
                mono_ns=1000 * SECOND + seq * SECOND // 25,
                utc=UTC_0 + dt.timedelta(milliseconds=40 * seq),
                seq=seq,
                stream=sample.packet.stream,
                delay_ns=sample.packet.delay_ns,
                copied=True,
            )
        )
    return coded


def test_a_piece_of_a_copied_stream_is_decoded_in_the_order_shown(video: Path) -> None:
    coded = coded_of(video)
    assert any(one.delay_ns for one in coded), "the stream should have B-frames"
    frames = decode_frames(coded)
    assert [number_in(frame.grey) for frame in frames] == list(range(50))
    lag = frames[0].mono_ns - coded[0].mono_ns
    for number, frame in enumerate(frames):
        shown_ms = 40 * number + lag / 1e6
        assert frame.mono_ns == 1000 * SECOND + shown_ms * 1e6
        assert frame.utc == UTC_0 + dt.timedelta(milliseconds=shown_ms)
        assert coded[frame.index].mono_ns + coded[frame.index].delay_ns == frame.mono_ns


def test_what_is_damaged_in_a_copied_stream_is_left_out(video: Path) -> None:
    coded = coded_of(video)[:10]
    assert decode_frames([]) == []
    assert decode_frames(coded[1:]) == []  # no key frame, no picture
    garbage = [
        Encoded(bytes(50), one.key, one.mono_ns, one.utc, one.seq, one.stream) for one in coded
    ]
    assert decode_frames(garbage) == []
    assert number_in(decode_frames([*coded[:1], *garbage[1:]])[0].grey) == 0
