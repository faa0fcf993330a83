"""What real files give: packets to be copied, JPEGs as they came, and what is damaged in them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from capture.frame import Yuv
from capture.source import Sample, Source, SourceError, SourceLost, open_source, parse_source
from tests.capture.http_camera import jpeg_of
from tests.capture.numbered import number_in
from tests.capture.parts import numbers_copied, read_all, write_jpegs, write_video

LIKE_A_CAMERA = {"preset": "ultrafast", "tune": "zerolatency", "g": "10"}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 numbered frames at 50 a second, every tenth a key frame, no B-frames."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    return write_video(path, list(range(0, 800, 20)), options=LIKE_A_CAMERA)


def opened(path: Path, record: str, *, loop: bool = False) -> Source:
    return open_source(parse_source(f"file:{path}{'?loop=1' if loop else ''}"), record=record)


def number_of(sample: Sample) -> int | None:
    """The number on the picture of a sample, None without one."""
    if sample.picture is None:
        return None
    assert isinstance(sample.picture, Yuv)
    return number_in(sample.picture.i420[: sample.picture.size[1]])


def rewritten(path: Path, target: Path, change: Callable[[int, bytes], bytes]) -> Path:
    """The video with each packet as `change` makes it of its number and its bytes."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            changed = av.Packet(change(number, bytes(packet)))
            changed.stream, changed.time_base = stream, packet.time_base
            changed.pts, changed.dts = packet.pts, packet.dts
            changed.is_keyframe = packet.is_keyframe
            container.mux(changed)
    return target


def test_a_copied_file_is_the_same_video_at_its_own_speed(video: Path) -> None:
    source = opened(video, "copy")
    assert (source.codec, source.width, source.height, source.fps) == ("h264", 640, 360, 25.0)
    began = time.monotonic()
    samples = read_all(source)
    took_s = time.monotonic() - began
    source.close()
    assert numbers_copied(samples) == list(range(50))
    assert 1.9 < took_s < 4
    with av.open(str(video)) as container:
        coded = [packet for packet in container.demux(video=0) if packet.size]
    for sample, packet in zip(samples, coded, strict=True):
        assert sample.packet is not None
        assert sample.packet.data.startswith(b"\0\0\0\1")
        assert sample.packet.key == packet.is_keyframe == (sample.picture is not None)
        assert packet.pts is not None
        assert packet.dts is not None
        delay_s = float((packet.pts - packet.dts) * packet.time_base)
        assert sample.packet.delay_ns == pytest.approx(delay_s * 1e9)
    assert number_of(samples[0]) == 0
    assert samples[0].packet is not None
    template = samples[0].packet.stream.codec_context
    assert (template.width, template.height) == (640, 360)
    assert (template.extradata or b"").startswith(b"\0\0\0\1")


def test_a_copied_file_is_looped_without_a_seam(short: Path) -> None:
    source = opened(short, "copy", loop=True)
    began = time.monotonic()
    samples = read_all(source, 100)
    took_s = time.monotonic() - began
    source.close()
    assert numbers_copied(samples) == [*range(40), *range(40), *range(20)]
    assert 1.9 < took_s < 4
    assert len({id(sample.packet.stream) for sample in samples if sample.packet}) == 1


def test_a_reader_too_late_to_copy_goes_on_at_a_key_frame(short: Path) -> None:
    source = opened(short, "copy")
    samples = read_all(source, 5)
    time.sleep(0.07)  # three frames and a half
    samples += read_all(source, 5)
    assert numbers_copied(samples) == list(range(10))
    time.sleep(0.3)  # up to the 25th
    samples = read_all(source, 10)
    source.close()
    assert numbers_copied(samples) == list(range(30, 40))


def test_hevc_is_copied_only_when_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=0:keyint=5"}
    path = write_video(tmp_path / "x.mp4", list(range(0, 200, 20)), "libx265", options=options)
    source = opened(path, "auto")
    assert source.codec == ""
    assert [number_of(sample) for sample in read_all(source)] == list(range(10))
    source.close()
    assert caplog.text == ""
    with caplog.at_level(logging.WARNING):
        source = opened(path, "copy")
    assert len(caplog.records) == 1
    assert "browsers" in caplog.text
    assert source.codec == "hevc"
    samples = read_all(source)
    source.close()
    assert numbers_copied(samples, "hevc") == list(range(10))
    assert [number_of(sample) for sample in samples[::5]] == [0, 5]


def test_a_file_of_jpegs_gives_them_as_they_are(tmp_path: Path) -> None:
    jpegs = [jpeg_of(number, (640, 360)) for number in range(10)]
    jpegs[4] = jpegs[4][:-500]
    path = write_jpegs(tmp_path / "x.avi", jpegs)
    source = open_source(parse_source(f"file:{path}"), record="auto", video_height=180)
    assert (source.codec, source.width, source.height) == ("", 640, 360)
    samples = read_all(source)
    source.close()
    assert [number_of(sample) for sample in samples] == [0, 1, 2, 3, None, 5, 6, 7, 8, 9]
    assert samples[4] == Sample()
    assert [sample.jpeg for sample in samples if sample.jpeg] == jpegs[:4] + jpegs[5:]
    with pytest.raises(SourceError, match="MJPEG, which cannot be copied"):
        opened(path, "copy")


@pytest.mark.parametrize("text", ["0", "sim:"])
def test_what_codes_no_video_cannot_be_copied(text: str) -> None:
    with pytest.raises(SourceError, match='gives no video to be copied; set record = "auto"'):
        open_source(parse_source(text), record="copy")


def test_a_key_frame_that_cannot_be_decoded_takes_those_after_it_along(
    short: Path, tmp_path: Path
) -> None:
    def damage(number: int, data: bytes) -> bytes:
        return data[:6] + bytes(len(data) - 6) if number == 10 else data

    source = opened(rewritten(short, tmp_path / "x.mp4", damage), "copy")
    samples = read_all(source)
    source.close()
    assert samples[10:20] == [Sample()] * 10
    assert numbers_copied(samples) == [*range(10), *range(20, 40)]


def test_a_packet_that_cannot_be_decoded_is_an_empty_sample(short: Path, tmp_path: Path) -> None:
    def damage(number: int, data: bytes) -> bytes:
        return b"\0\0\1\0" + bytes(20) if number == 15 else data

    source = opened(rewritten(short, tmp_path / "x.mp4", damage), "encode")
    samples = read_all(source)
    source.close()
    assert samples[15] == Sample()
    assert [number_of(sample) for sample in samples[:15]] == list(range(15))
    assert [number_of(sample) for sample in samples[-20:]] == list(range(20, 40))


def test_parameters_that_change_within_the_stream_are_those_of_the_packets_after(
    tmp_path: Path,
) -> None:
    """Raw H.264 has no time stamps either: it is paced by its rate."""
    times = list(range(0, 400, 40))
    one = write_video(tmp_path / "1.h264", times, options=LIKE_A_CAMERA)
    other = write_video(
        tmp_path / "2.h264", times, options={"preset": "medium", "bf": "0", "g": "10"}
    )
    both = tmp_path / "x.h264"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    source = opened(both, "copy")
    began = time.monotonic()
    samples = read_all(source)
    assert time.monotonic() - began > 18 / source.fps
    source.close()
    assert numbers_copied(samples) == [*range(10), *range(10)]
    streams = [sample.packet.stream for sample in samples if sample.packet is not None]
    assert all(stream is streams[0] for stream in streams[:10])
    assert all(stream is streams[10] for stream in streams[10:])
    assert streams[0].codec_context.extradata != streams[10].codec_context.extradata
    for piece in (samples[:10], samples[10:]):  # as two clips would hold them
        assert numbers_copied(piece) == list(range(10))
        assert piece[0].packet is not None
        extradata = piece[0].packet.stream.codec_context.extradata
        assert extradata is not None
        assert extradata in piece[0].packet.data


@pytest.mark.parametrize("record", ["copy", "encode"])
def test_a_size_that_changes_within_the_stream_ends_it(tmp_path: Path, record: str) -> None:
    times = list(range(0, 400, 40))
    one = write_video(tmp_path / "1.h264", times, options=LIKE_A_CAMERA)
    other = write_video(tmp_path / "2.h264", times, size=(320, 180), options=LIKE_A_CAMERA)
    both = tmp_path / "x.h264"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    source = opened(both, record)
    for _ in range(10):
        source.read()
    with pytest.raises(SourceLost, match="the picture changed from 640x360 to 320x180") as caught:
        source.read()
    source.close()
    assert caught.value.final  # a file would only begin anew
