"""A photo within a portal's limits tells nothing but what it shows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage.evidence.kit.picture_fit import NoPicture, TooBig, fit, without_metadata
from storage.evidence.kit.redact import Box
from tests.storage.desk import photo

SECRET = b"SECRET-PLACE"


def scene(width: int = 320, height: int = 200, noise: int = 25) -> Image.Image:
    """Something to see: a bright corner, and noise."""
    grain = np.random.default_rng(1).integers(-noise, noise + 1, (height, width, 3))
    seen = np.full((height, width, 3), 120)
    seen[: height // 4, : width // 4] = (230, 220, 40)
    return Image.fromarray(np.clip(seen + grain, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image, **options: Any) -> bytes:
    """As a camera stores it."""
    made = io.BytesIO()
    image.save(made, "JPEG", quality=90, **options)
    return made.getvalue()


def shot_by_phone(orientation: int = 1) -> bytes:
    """A JPEG with place, maker, comment, a small picture, and something behind its end."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x010F] = orientation, SECRET.decode(), SECRET.decode()
    small = jpeg(scene(40, 25))
    content = jpeg(scene(), exif=exif, comment=SECRET, xmp=b"<x>" + SECRET + b"</x>")
    extra = b"\xff\xed" + (len(SECRET) + 16).to_bytes(2) + b"Photoshop 3.0\0" + SECRET
    jfxx = b"\xff\xe0" + (len(small) + 8).to_bytes(2) + b"JFXX\0\x10" + small
    return content[:2] + extra + jfxx + content[2:] + SECRET + small


def pixels(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """What it shows."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize(
    "content", [jpeg(scene()), jpeg(scene(), progressive=True), jpeg(scene().convert("L"))]
)
def test_what_fits_keeps_every_byte(content: bytes) -> None:
    fitted = fit(content, 10_000_000)
    assert (fitted.content, fitted.made, fitted.settings) == (content, "as it is", {})


def test_what_a_camera_tells_beside_the_picture_is_cut_out() -> None:
    content = shot_by_phone()
    fitted = fit(content, 10_000_000)
    assert SECRET in content and SECRET not in fitted.content
    assert fitted.content.count(b"\xff\xd8\xff") == 1, "and so is the small picture"
    assert np.array_equal(pixels(fitted.content), pixels(content)), "bit for bit what it showed"
    assert fitted.made == "as it is, without metadata"


def test_what_changes_its_colours_stays() -> None:
    profile = Image.open(io.BytesIO(jpeg(scene()))).info.get("icc_profile") or b"a profile" * 9
    content = jpeg(scene(), icc_profile=profile)
    assert fit(content).content == content
    cmyk = jpeg(scene().convert("CMYK"))
    assert without_metadata(cmyk) == cmyk, "Adobe's mark says how the colours are meant"


def test_a_picture_that_lies_on_its_side_is_set_upright() -> None:
    fitted = fit(shot_by_phone(orientation=6))
    assert (fitted.width, fitted.height) == (200, 320) and SECRET not in fitted.content
    assert pixels(fitted.content)[10, 190, 2] < 100, "the bright corner is right above"


@pytest.mark.parametrize("most", [60_000, 20_000, 8_000, 4_000])
def test_what_is_too_big_gets_as_good_as_fits(most: int) -> None:
    fitted = fit(jpeg(scene(1_600, 1_000)), most)
    assert most / 3 < len(fitted.content) <= most
    assert pixels(fitted.content).shape == (fitted.height, fitted.width, 3)
    assert fitted.width / fitted.height == pytest.approx(1.6, abs=0.02)


def test_a_longest_edge_is_kept() -> None:
    fitted = fit(jpeg(scene()), edge_px=100)
    assert (fitted.width, fitted.height) == (100, 62)


def test_what_cannot_fit_says_how_near_it_came() -> None:
    with pytest.raises(TooBig) as caught:
        fit(jpeg(scene()), 500)
    assert 500 < caught.value.nearest_bytes < 50_000


def test_a_covered_region_is_in_no_byte_of_the_copy() -> None:
    box = Box("label", 0, 0, 0.25, 0.25)
    covered = fit(shot_by_phone(), boxes=[box])
    assert SECRET not in covered.content and covered.made == "coded again"
    assert np.median(pixels(covered.content)[2:48, 2:78]) < 8
    assert np.abs(pixels(covered.content)[60:].astype(int) - pixels(jpeg(scene()))[60:]).mean() < 6


def test_a_box_is_laid_over_the_upright_picture() -> None:
    covered = pixels(
        fit(shot_by_phone(orientation=6), boxes=[Box("a", 0.75, 0, 0.25, 0.25)]).content
    )
    assert np.median(covered[2:78, 152:198]) < 8


def test_the_same_photo_gives_the_same_copy() -> None:
    content = jpeg(scene(1_600, 1_000))
    assert fit(content, 20_000).content == fit(content, 20_000).content


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8", b"GIF89a" + bytes(50), photo()[:200], photo()[:-2], b"\xff\xd8\xff"],
)
def test_what_is_no_whole_jpeg_is_said(content: bytes) -> None:
    with pytest.raises(NoPicture):
        fit(content)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(photo()) - 1), value=st.integers(0, 255), cut=st.integers(0, 3_000))
def test_a_damaged_file_is_a_picture_or_none(at: int, value: int, cut: int) -> None:
    content = bytearray(photo())
    content[at] = value
    damaged = bytes(content[: max(0, len(content) - cut)]) if cut < 2_000 else bytes(content)
    try:
        fitted = fit(damaged, 100_000)
    except NoPicture:
        return
    assert len(fitted.content) <= 100_000
    pixels(fitted.content)
