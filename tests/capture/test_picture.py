"""Files as phones, scanners and screens make them, and as accidents do: pixels, or one line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from capture import picture
from capture.headers import HeaderError, exif_orientation, header_of
from capture.picture import PictureError, load
from tests.capture.image_files import (
    NUMBER,
    Picture,
    bomb_png,
    chunk,
    cmyk_jpeg,
    exif,
    label,
    palette_png,
    png,
    tiny_webp,
    with_exif,
)

ROOT = Path(__file__).parents[2]
LABEL = label()
HEIGHT, WIDTH = LABEL.shape
ALPHA = ["png", "webp", "tiff", "bmp", "gif", "avif"]


def encoded(suffix: str, image: Picture, *options: int) -> bytes:
    written, data = cv2.imencode(f".{suffix}", image, list(options))
    assert written
    return bytes(data.tobytes())


def loaded(folder: Path, data: bytes, name: str = "label.img") -> Picture:
    (folder / name).write_bytes(data)
    grey = load(folder / name)
    assert grey.dtype == np.uint8
    assert grey.flags.c_contiguous
    return grey


def fault(folder: Path, data: bytes, name: str = "label.img") -> str:
    (folder / name).write_bytes(data)
    with pytest.raises(PictureError) as caught:
        load(folder / name)
    assert str(caught.value) == f"{folder / name}: {caught.value.why}"
    assert "\n" not in caught.value.why
    return caught.value.why


def shows_the_label(grey: Picture, tolerance: float = 12) -> bool:
    """Whether `grey` is the label, black on white, in its place."""
    return grey.shape == LABEL.shape and bool(np.abs(grey.astype(int) - LABEL).mean() < tolerance)


def ink_on_nothing(grey: Picture = LABEL) -> Picture:
    """`grey` as BGRA: black everywhere, and transparent where it is white."""
    image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    image[..., 3] = 255 - grey
    return image


# ---------------------------------------------------------------------------- what is read


@pytest.mark.parametrize(
    "suffix", ["jpg", "png", "webp", "tiff", "bmp", "gif", "avif", "jp2", "ppm"]
)
@pytest.mark.parametrize("colour", [False, True])
def test_every_kind_is_read_whatever_it_is_called(
    tmp_path: Path, suffix: str, colour: bool
) -> None:
    grey_only = {"webp", "gif", "avif", "ppm"}
    image = cv2.cvtColor(LABEL, cv2.COLOR_GRAY2BGR) if colour or suffix in grey_only else LABEL
    assert shows_the_label(loaded(tmp_path, encoded(suffix, image), "label.txt"))


def test_colours_weigh_as_the_eye_weighs_them(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 1] = 255
    assert int(loaded(tmp_path, encoded("png", image))[0, 0]) == pytest.approx(150, abs=2)
    image = np.dstack((image, np.full((8, 8), 255, np.uint8)))
    assert int(loaded(tmp_path, encoded("png", image))[0, 0]) == pytest.approx(150, abs=2)


@pytest.mark.parametrize("suffix", ALPHA)
def test_what_is_transparent_is_white_paper(tmp_path: Path, suffix: str) -> None:
    assert shows_the_label(loaded(tmp_path, encoded(suffix, ink_on_nothing())), 1)


def test_half_transparent_ink_is_half_as_dark(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 4), np.uint8)
    image[..., 3] = 128
    assert int(loaded(tmp_path, encoded("png", image))[0, 0]) == pytest.approx(127, abs=1)
    deep = image.astype(np.uint16) * 257
    assert int(loaded(tmp_path, encoded("png", deep))[0, 0]) == pytest.approx(127, abs=1)


def test_a_palette_with_a_transparent_colour_is_white_there(tmp_path: Path) -> None:
    assert shows_the_label(loaded(tmp_path, palette_png(LABEL)), 1)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_many_bits_are_scaled_by_those_that_are_used(
    tmp_path: Path, suffix: str, bits: int
) -> None:
    deep = (LABEL.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    assert shows_the_label(loaded(tmp_path, encoded(suffix, deep)), 1)


def test_a_dark_ramp_of_16_bits_keeps_its_steps(tmp_path: Path) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    grey = loaded(tmp_path, encoded("png", ramp))
    assert np.abs(grey.astype(int) - ramp // 256).max() <= 1  # and none begins anew at 0


def test_levels_of_measuring_devices_are_stretched(tmp_path: Path) -> None:
    levels = LABEL.astype(np.float32) / 255 * 3 - 1
    levels[0, 0] = np.nan
    assert shows_the_label(loaded(tmp_path, encoded("tiff", levels)), 1)
    flat = np.full((9, 9), 0.5, np.float32)
    assert loaded(tmp_path, encoded("tiff", flat)).shape == (9, 9)


def test_a_cmyk_jpeg_is_not_its_own_negative(tmp_path: Path) -> None:
    wide = label(scale=8)
    grey = loaded(tmp_path, cmyk_jpeg(wide))
    assert grey[:40].mean() > 250
    (code,) = zxingcpp.read_barcodes(grey, try_invert=False)
    assert code.text == NUMBER


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_a_viewer_turns_them(tmp_path: Path, orientation: int) -> None:
    seen = LABEL.copy()
    seen[:50, :200] = 0  # bars alone look the same upside down
    upright = {
        1: seen, 2: seen[:, ::-1], 3: seen[::-1, ::-1], 4: seen[::-1], 5: seen.T,
        6: np.rot90(seen, -1), 7: seen[::-1, ::-1].T, 8: np.rot90(seen),
    }[orientation]  # fmt: skip
    for data in (
        encoded("jpg", seen),
        encoded("png", seen),
        encoded("png", ink_on_nothing(seen)),  # which OpenCV itself leaves as it is
    ):
        grey = loaded(tmp_path, with_exif(data, orientation))
        assert grey.shape == upright.shape
        assert np.abs(grey.astype(int) - upright).mean() < 5


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_moving_pictures_the_first_is_read(tmp_path: Path, suffix: str) -> None:
    film = cv2.Animation()
    film.frames = [cv2.cvtColor(LABEL, cv2.COLOR_GRAY2BGRA)]
    film.frames = [*film.frames, *[np.zeros((HEIGHT, WIDTH, 4), np.uint8)] * 2]
    film.durations = [100, 100, 100]
    written, data = cv2.imencodeanimation(f".{suffix}", film)
    assert written
    assert shows_the_label(loaded(tmp_path, data.tobytes()))


def test_of_many_pages_the_first_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    assert cv2.imwritemulti(str(path), [LABEL, np.zeros((50, 50), np.uint8)])
    assert shows_the_label(load(path))


@pytest.mark.parametrize("name", ["面单 1.png", 'it\'s "#1".jpg', "a?b&c%20;$HOME.png", "-rf"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    if os.name == "nt" and set(name) & set('"?'):
        pytest.skip("Windows has no such names")
    assert shows_the_label(loaded(tmp_path, encoded("png", LABEL), name))


def test_a_name_that_is_no_text_will_do(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("names are text here")
    path = tmp_path / os.fsdecode(b"\xff\xfe.png")
    path.write_bytes(encoded("png", LABEL))
    assert shows_the_label(load(path))


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    assert loaded(tmp_path, encoded("png", np.zeros((1, 1), np.uint8))).shape == (1, 1)


def test_the_smallest_webp_is_read(tmp_path: Path) -> None:
    assert len(tiny_webp(100)) == 28  # OpenCV itself takes none below 32
    assert loaded(tmp_path, tiny_webp(100)).shape == (1, 100)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="nobody counts it here")
def test_a_hundred_megapixels_are_read_within_a_gigabyte(tmp_path: Path) -> None:
    large = np.full((8700, 11600, 3), 230, np.uint8)
    large[4000 : 4000 + HEIGHT, 3000 : 3000 + WIDTH] = LABEL[..., None]
    for suffix in ("jpg", "png"):
        path = tmp_path / f"large.{suffix}"
        path.write_bytes(encoded(suffix, large))
        # Not `ru_maxrss`: it begins with what the process had that started this one.
        program = (
            "from pathlib import Path; from capture.picture import load;"
            f"grey = load(Path({str(path)!r}));"
            f"print(*grey.shape, grey[4000:4000 + {HEIGHT}, 3000:3000 + {WIDTH}].mean());"
            "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
        )
        printed = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        height, width, mean, peak_kib = printed.stdout.split()
        assert (int(height), int(width)) == (8700, 11600)
        assert float(mean) == pytest.approx(LABEL.mean(), abs=3)
        assert int(peak_kib) * 1024 < 1e9


# ---------------------------------------------------------------------------- what is not


@pytest.mark.parametrize("suffix", [*ALPHA, "jpg", "jp2"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_is_told(
    tmp_path: Path, suffix: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encoded(suffix, cv2.cvtColor(LABEL, cv2.COLOR_GRAY2BGR))
    why = fault(tmp_path, data[: max(4, int(len(data) * share))])
    assert "copy it again" in why or "no picture that can be read" in why
    assert capfd.readouterr().err == ""


def test_nothing_is_told_as_nothing(tmp_path: Path) -> None:
    assert fault(tmp_path, b"") == "is empty; copy it again from where it came"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"tracking,order\n1Z,7\n", "is no picture"),
        (b"\0" * 5000, "is no picture"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "is a HEIC photo"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
        (b"\x1aE\xdf\xa3\0\0\0\0", "is a video"),
        (b"RIFF\0\0\0\0AVI LIST", "is a video"),
    ],
)
def test_what_is_no_picture_is_told_with_what_it_is(tmp_path: Path, data: bytes, what: str) -> None:
    assert fault(tmp_path, data).startswith(what)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="there is no such file; check its name"):
        load(tmp_path / "absent.png")
    with pytest.raises(PictureError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(PictureError, match="cannot be read"):
        load(tmp_path / ("x" * 5000))
    with pytest.raises(PictureError, match="cannot be read"):
        load(Path("a\0b.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="is no ordinary file"):
        load(tmp_path / "pipe.png")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are others here")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "private.png"
    path.write_bytes(encoded("png", LABEL))
    path.chmod(0)
    tmp_path.chmod(tmp_path.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)
    if os.geteuid() == 0:  # may read everything: only a child can give that up
        program = (
            "import os, sys; from pathlib import Path; from capture.picture import load;"
            f"os.seteuid(65534)\ntry: load(Path({path.name!r}))\n"
            "except Exception as error: print(error)"
        )
        printed = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert printed.stdout == "private.png: may not be read; ask its owner for the permission\n"
    else:
        with pytest.raises(PictureError, match="may not be read"):
            load(path)


def test_a_tiny_file_that_claims_billions_of_pixels_is_refused_unopened(tmp_path: Path) -> None:
    data = bomb_png()
    assert len(data) < 200
    assert fault(tmp_path, data) == (
        "has 60000x60000 pixels, more than 200 million; save a smaller copy"
    )
    for suffix, at in (("gif", 6), ("bmp", 18)):
        claimed = bytearray(encoded(suffix, cv2.cvtColor(LABEL, cv2.COLOR_GRAY2BGR)))
        size = (60_000).to_bytes(2 if suffix == "gif" else 4, "little")
        claimed[at : at + 2 * len(size)] = size * 2
        assert "60000x60000 pixels" in fault(tmp_path, bytes(claimed))


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(picture.MOST_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(PictureError, match="has 500 MB, more than 500; save it as JPEG"):
        load(path)


def test_what_decoders_print_is_not_let_through(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = encoded("png", LABEL)
    broken = whole[:41] + b"\xff" + whole[42:]
    cv2.imdecode(np.frombuffer(whole[:-20], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert "libpng" in capfd.readouterr().err  # it does print
    fault(tmp_path, whole[:-20])
    fault(tmp_path, broken)
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


# ---------------------------------------------------------------------------- hostile bytes


@given(
    begins=st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"BM",
         b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x20ftypavif", b"\xff\x4f\xff\x51", b"P6 ", b""]
    ),
    rest=st.binary(max_size=200),
)  # fmt: skip
def test_no_header_does_harm(begins: bytes, rest: bytes) -> None:
    try:
        header = header_of(begins + rest)
    except HeaderError as error:
        assert ";" in str(error)  # what, and what to do
    else:
        assert header.width > 0
        assert header.height > 0
    assert 1 <= exif_orientation(begins + rest) <= 8


@given(place=st.integers(0, 400), value=st.integers(0, 255), at=st.integers(0, 4))
def test_a_changed_byte_gives_pixels_or_a_line(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, at: int
) -> None:
    data = bytearray(_FILES[at])
    data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "changed.img"
    path.write_bytes(data)
    try:
        grey = load(path)
    except PictureError as error:
        assert "\n" not in error.why
    else:
        assert grey.ndim == 2


_SMALL = cv2.resize(LABEL, (60, 20))
_FILES = [encoded(suffix, _SMALL) for suffix in ("jpg", "png", "tiff", "bmp")] + [
    with_exif(encoded("png", ink_on_nothing()[:40, :60]), 6)
]


def test_an_orientation_that_does_not_exist_is_none() -> None:
    assert exif_orientation(exif(6)) == 6
    assert exif_orientation(exif(0)) == 1
    assert exif_orientation(exif(9)) == 1
    assert exif_orientation(b"") == 1


def test_a_palette_is_not_see_through_without_its_table() -> None:
    opaque = png(4, 4, 3, chunk(b"PLTE", bytes(6)), chunk(b"IDAT", b""))
    assert not header_of(opaque).see_through
    assert header_of(palette_png(LABEL)).see_through
