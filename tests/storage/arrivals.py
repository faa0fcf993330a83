"""Files as they come from outside, and people who file them."""

from __future__ import annotations

import io
from functools import cache

import pillow_heif
import xlsxwriter
from PIL import Image

from storage.later import Actor, Role

ANN = Actor("Ann", Role.SUPERVISOR, verified=False)
PAT = Actor("Pat", Role.PACKER, verified=False)
EML = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: where is it\r\n\r\nHello\r\n"


@cache
def heic() -> bytes:
    """A photo as phones take it."""
    made = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (320, 240), "red")).save(made, format="HEIF")
    return made.getvalue()


@cache
def picture(form: str, size: tuple[int, int] = (320, 240)) -> bytes:
    """A red picture as Pillow writes this format; PDF is one, too."""
    made = io.BytesIO()
    Image.new("RGB", size, "red").save(made, form)
    return made.getvalue()


@cache
def workbook() -> bytes:
    """A spreadsheet with one cell."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet().write_string(0, 0, "hello")
    return made.getvalue()
