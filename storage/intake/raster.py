"""A program that turns one hostile file into plain pixels, and may die of it.

Reads the file from its standard input, writes a JPEG or a grey PGM to its standard output; started
by `pictures.py` with limits of time and memory, because decoders of pictures, video and PDF have
been broken by files before. Imports nothing of this project: it runs by its path, isolated.

Arguments: media type, longest edge in pixels, `jpeg` or `grey`.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from PIL import Image, ImageOps

MEMORY_BYTES = 3 << 30
CPU_S = 20
OUTPUT_BYTES = 64 << 20
PIXELS = 120_000_000
"""A photo of 108 megapixels is the largest that phones take."""
PDF_SCALE = 8.0
FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "HEIF", "AVIF")


def limit() -> None:
    """Bound what this process may take, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (bound, bound))
        except (ValueError, OSError):
            continue  # macOS refuses a bound on the address space; the time is bounded anyway
    os.nice(10)


def photo(file: BinaryIO, edge: int) -> Image.Image:
    """The first picture of the file, upright, at most `edge` pixels long."""
    import pillow_heif

    Image.init()
    pillow_heif.register_heif_opener()
    image: Image.Image = Image.open(file, formats=[form for form in FORMATS if form in Image.OPEN])
    if image.width * image.height > PIXELS:
        raise ValueError("too many pixels")
    image.draft("RGB", (edge, edge))
    image.thumbnail((edge, edge))
    return ImageOps.exif_transpose(image)


def first_page(file: BinaryIO, edge: int) -> Image.Image:
    """The first page of a PDF, `edge` pixels long."""
    import pypdfium2

    page = pypdfium2.PdfDocument(file)[0]
    longest = max(page.get_size())
    scale = min(edge / max(longest, 1.0), PDF_SCALE)
    image: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    return image


def first_frame(file: BinaryIO, edge: int) -> Image.Image:
    """The first picture of a video that can be decoded."""
    import av

    with av.open(file, "r") as container:
        stream = container.streams.video[0]
        if stream.width * stream.height > PIXELS:
            raise ValueError("too many pixels")
        frame = next(container.decode(stream))
        image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    image.thumbnail((edge, edge))
    return image


def on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground
    return image.convert("RGB")


def main() -> None:
    """Turn standard input into a picture on standard output."""
    media_type, edge, form = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    limit()
    file = sys.stdin.buffer
    file.seek(0)  # where the one who opened it stood is no matter
    if media_type == "application/pdf":
        image = first_page(file, edge)
    elif media_type.startswith("video/"):
        image = first_frame(file, edge)
    else:
        image = photo(file, edge)
    image = on_white(image)
    image.thumbnail((edge, edge))
    if form == "grey":
        image.convert("L").save(sys.stdout.buffer, "PPM")
    else:
        image.save(sys.stdout.buffer, "JPEG", quality=82)


if __name__ == "__main__":
    main()
