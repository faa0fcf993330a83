"""What each encoder is asked for: the measured settings of libx264, and their like for hardware.

A table between `capture.encoder`, which opens what it is told, and `capture.hardware`, which
judges. Knows no picture and loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LIBX264 = "libx264"

# Measured on a simulated bench, clean and noisy, against CRF 26 with CABAC: 35 to 40% less CPU,
# 25 to 35% larger, a label 0.4 dB better at rest and at most 0.4 dB worse in motion. A constant
# quantiser needs no look-ahead, which is a third of CRF's work. Key frames get 22 (29 - 6 log2 of
# the ratio), so that what lies still is sharp for the rest of its second; what moves gets 29. CABAC
# would make files a sixth smaller for a tenth to a fifth more CPU. Adaptive quantisation stays off
# (ultrafast): it costs 4 dB on the label.
X264_OPTIONS = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "qp": "29",
    "forced-idr": "1",
    "x264-params": "ipratio=2.25:analyse=i4x4",
}


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder of FFmpeg: its options, and the layout in which it takes planes.

    `pixels` is `yuv420p`, or `nv12` (chroma interleaved) for those that take nothing else.
    `systems` are the values of `sys.platform` where it can exist.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    pixels: str = "yuv420p"
    systems: tuple[str, ...] = ()


# Each is asked for the same: a packet for each picture at once, a key frame whenever one is wanted,
# a constant quality at or above libx264's here. In the order in which they are tried.
HARDWARE = (
    Codec(
        "h264_nvenc",
        {
            "preset": "p3",
            "tune": "ull",
            "zerolatency": "1",
            "delay": "0",
            "rc": "constqp",
            "qp": "25",
            "forced-idr": "1",
        },
        systems=("linux", "win32"),
    ),
    Codec(
        "h264_qsv",
        {"preset": "veryfast", "async_depth": "1", "global_quality": "25", "forced_idr": "1"},
        pixels="nv12",
        systems=("linux", "win32"),
    ),
    Codec(
        "h264_amf",
        {
            "usage": "ultralowlatency",
            "quality": "speed",
            "rc": "cqp",
            "qp_i": "25",
            "qp_p": "25",
            "forced_idr": "1",
        },
        systems=("linux", "win32"),
    ),
    Codec(
        "h264_videotoolbox",
        {"realtime": "1", "prio_speed": "1", "q:v": "65"},
        systems=("darwin",),
    ),
    Codec("h264_vaapi", {"async_depth": "1", "rc_mode": "CQP", "qp": "25"}, "nv12", ("linux",)),
    Codec(
        "h264_mf",
        {"hw_encoding": "1", "rate_control": "quality", "quality": "75"},
        "nv12",
        ("win32",),
    ),
    Codec("h264_v4l2m2m", {"b": "8000000"}, systems=("linux",)),
)
SOFTWARE = Codec(LIBX264, X264_OPTIONS)


def settings_of(name: str) -> Codec:
    """How the encoder of that name is opened here; without options when it is none of ours."""
    return next((codec for codec in (SOFTWARE, *HARDWARE) if codec.name == name), Codec(name))
