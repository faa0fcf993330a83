"""Waybill labels as a thermal printer makes them, drawn from a seed: 812x1218 grey, 4x6 inches.

A carrier's number in Code128 (GS1-128 where the carrier prints that), an order number in a second,
thinner one, often a QR code or a DataMatrix, much text, and what a worn print head leaves: voids,
streaks, speckles, low ink. `product` draws what is no waybill: a box with product codes. Knows no
camera: `handheld` holds these before one.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

Grey = npt.NDArray[Any]
"""H×W uint8."""
Points = npt.NDArray[Any]
"""N×2 float32."""

SIZE_PX = (812, 1218)
_PAPER = 245
_INKS = (15, 40, 80, 110)
_QUIET_SHARE = 0.9  # of the width, at most, is bars
_MOST_MODULE_PX = 4
_UPS_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)


@dataclass(frozen=True, slots=True)
class Label:
    """`picture` H×W grey. `truth` is what the main code says (no GS1 separators), '' where there
    is none; `also` what else may rightly be read. `quad` are the corners of the main code's bars in
    pixels of the picture, 4×2, clockwise from the begin of the code; `modules` its width."""

    picture: Grey
    carrier: str
    truth: str
    also: tuple[str, ...]
    quad: Points
    modules: int


# ---------------------------------------------------------------------------- numbers


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def _ups(rng: random.Random) -> str:
    body = "".join(rng.choice(_UPS_LETTERS) for _ in range(6))
    body += rng.choice(("03", "12", "01", "68")) + digits(rng, 7)
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in body]
    total = sum(value * (2 if at % 2 else 1) for at, value in enumerate(values))
    return f"1Z{body}{-total % 10}"


def _mod10(body: str) -> int:
    """The check digit of GS1 and of USPS: weights 3 and 1 from the right."""
    return -sum(int(sign) * (1 if at % 2 else 3) for at, sign in enumerate(reversed(body))) % 10


def _usps(rng: random.Random) -> str:
    body = f"9400111{digits(rng, 14)}"
    return f"(420){digits(rng, 5)}(94){body[2:]}{_mod10(body)}"


def _sscc(rng: random.Random) -> str:
    body = digits(rng, 17)
    return f"(00){body}{_mod10(body)}"


def _fedex(rng: random.Random) -> str:
    serial = f"00{digits(rng, 11)}"
    total = sum(int(sign) * (1, 7, 3)[at % 3] for at, sign in enumerate(serial))
    return f"1001{digits(rng, 16)}{serial}{total % 11 % 10}"


def _s10(rng: random.Random) -> str:
    serial = digits(rng, 8)
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    total = sum(int(sign) * weight for sign, weight in zip(serial, weights, strict=True))
    check = {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)
    return rng.choice(("RB", "LX", "CP", "EE")) + serial + str(check) + rng.choice(_S10_LANDS)


_S10_LANDS = ("GB", "CN", "US", "VN")
CARRIERS: dict[str, Callable[[random.Random], str]] = {
    "ups": _ups,
    "s10": _s10,
    "usps": _usps,
    "fedex": _fedex,
    "sscc": _sscc,
    "amazon": lambda rng: f"TBA{digits(rng, 12)}",
    "yunexpress": lambda rng: f"YT{digits(rng, 16)}",
    "sf": lambda rng: f"SF{digits(rng, 13)}",
    "dhl": lambda rng: f"JJD{digits(rng, 18)}",
    "shopee": lambda rng: f"SPXVN0{digits(rng, 11)}",
    "xpo": lambda rng: f"2340{digits(rng, 11)}",
    "jt": lambda rng: f"8{digits(rng, 11)}",
}
"""A valid number of each, as it is to be encoded; application identifiers in brackets mean
GS1-128."""


def plain(encoded: str) -> str:
    """What a reader says of `encoded`, less separators."""
    return encoded.replace("(", "").replace(")", "")


# ---------------------------------------------------------------------------- codes


def bars(encoded: str) -> Grey:
    """One row of modules, 0 or 255, of Code128."""
    gs1 = {"gs1": True} if encoded.startswith("(") else {}
    code = zxingcpp.create_barcode(encoded, zxingcpp.BarcodeFormat.Code128, **gs1)
    row: Grey = _modules(code)[0]
    return row


def _modules(code: Any) -> Grey:
    return np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))


def _draw(page: Grey, code: Grey, module_px: int, x: int, y: int, height: int = 0) -> None:
    """`code` (one row of bars `height` tall, or a square of dots) onto `page`, in place."""
    drawn = np.repeat(code, module_px, axis=-1)
    drawn = (
        np.repeat(drawn[np.newaxis], height, 0) if height else np.repeat(drawn, module_px, axis=0)
    )
    page[y : y + drawn.shape[0], x : x + drawn.shape[1]] = drawn


def _write(page: Grey, text: str, x: int, y: int, scale: float, font: int, thick: int) -> None:
    cv2.putText(page, text, (x, y), font, scale, (0,), thick)


# ---------------------------------------------------------------------------- pages


def waybill(rng: random.Random, carrier: str = "") -> Label:
    """A label of `carrier`, or of any."""
    carrier = carrier or rng.choice(list(CARRIERS))
    encoded = CARRIERS[carrier](rng)
    code = bars(encoded)
    width, height = SIZE_PX
    module_px = max(1, min(_MOST_MODULE_PX, int(width * _QUIET_SHARE) // len(code)))
    code_px, code_height = len(code) * module_px, rng.choice((150, 200, 260))
    x, y = (width - code_px) // 2, rng.choice((420, 640))
    page = np.full((height, width), _PAPER, np.uint8)
    _draw(page, code, module_px, x, y, code_height)
    _write(page, plain(encoded), x, y + code_height + 32, 0.9, _FONTS[0], 2)
    _address(page, rng)
    cv2.rectangle(page, (8, 8), (width - 8, height - 8), (0,), 3)
    cv2.line(page, (8, y - 30), (width - 8, y - 30), (0,), 4)
    order = rng.choice(("REF", "ORD", "SO-")) + digits(rng, 9)
    _draw(page, bars(order), 2, 60, 1050, 70)
    _write(page, order, 60, 1150, 0.7, _FONTS[0], 2)
    also = [order]
    if rng.random() < 0.5:
        # Beside the number below the bars, or above them, whichever has the room.
        also.append(_dots(page, rng, top=y + code_height + 60 if y < 500 else 160))
    _wear(page, rng)
    quad = np.array(
        [[x, y], [x + code_px, y], [x + code_px, y + code_height], [x, y + code_height]],
        np.float32,
    )
    return Label(page, carrier, plain(encoded), tuple(also), quad, len(code))


def product(rng: random.Random) -> Label:
    """The face of a box of goods: product codes (EAN-13), a rule, words. Nothing of it is a
    waybill's."""
    width, height = SIZE_PX
    page = np.full((height, width), rng.choice((170, 215, _PAPER)), np.uint8)
    _address(page, rng)
    for at in range(rng.randint(1, 3)):
        ean = zxingcpp.create_barcode(digits(rng, 12), zxingcpp.BarcodeFormat.EAN13)
        module_px, y = rng.choice((3, 4, 5)), 480 + 220 * at
        cv2.rectangle(page, (30, y - 20), (90 + 95 * module_px, y + 190), (255,), -1)
        _draw(page, _modules(ean)[0], module_px, 60, y, 150)
        _write(page, digits(rng, 13), 60, y + 180, 0.8, _FONTS[0], 2)
    for x in range(560, 780, 11):  # a printed rule: bars that are no code
        cv2.line(page, (x, 900), (x, 930 if x % 55 else 960), (0,), 2)
    for _ in range(rng.randint(0, 5)):
        x, y = rng.randint(560, 740), rng.randint(480, 860)
        cv2.rectangle(page, (x, y), (x + rng.randint(8, 50), y + rng.randint(8, 50)), (60,), -1)
    _wear(page, rng)
    quad = np.array([[60, 480], [600, 480], [600, 1000], [60, 1000]], np.float32)
    return Label(page, "", "", (), quad, 0)


def _address(page: Grey, rng: random.Random) -> None:
    for line in range(rng.randint(6, 12)):
        signs = string.ascii_uppercase + " " + string.digits + "  "
        text = "".join(rng.choice(signs) for _ in range(rng.randint(12, 34)))
        font, scale, thick = rng.choice(_FONTS), rng.choice((0.6, 0.8)), rng.choice((1, 2))
        _write(page, text, 30, 60 + line * 34, scale, font, thick)


def _dots(page: Grey, rng: random.Random, top: int) -> str:
    text = rng.choice(
        (f"ROUTE:{digits(rng, 8)}|{digits(rng, 5)}", f"https://track.example/{digits(rng, 10)}")
    )
    kind = rng.choice((zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix))
    code = _modules(zxingcpp.create_barcode(text, kind))
    tall, wide = (side * 5 for side in code.shape)  # a DataMatrix may be a strip
    x, y = page.shape[1] - wide - 40, min(top, page.shape[0] - tall - 40)
    cv2.rectangle(page, (x - 15, y - 15), (x + wide + 15, y + tall + 15), (255,), -1)
    _draw(page, code, 5, x, y)
    return text


def _wear(page: Grey, rng: random.Random) -> None:
    """Print defects, in place: a dead dot leaves a white line along the paper's way, a dirty head
    smears, a bad roller leaves lines across, and cold ink is grey."""
    height, width = page.shape
    if rng.random() < 0.5:
        for _ in range(rng.randint(1, 5)):
            x, wide = rng.randint(20, width - 20), rng.choice((1, 1, 2))
            dead = rng.random() < 0.35
            line = page[:, x : x + wide]
            line[:] = np.maximum(line, 225) if dead else line[:, :1]
        for _ in range(rng.randint(0, 8)):
            y, tall = rng.randint(20, height - 20), rng.choice((1, 2))
            page[y : y + tall] = np.maximum(page[y : y + tall], 200)
    if rng.random() < 0.4:
        speckles = np.random.default_rng(rng.randrange(1 << 32)).random(page.shape) < 0.06
        page[speckles] = np.maximum(page[speckles], 190)
    ink = rng.choice(_INKS)
    levels = ink + np.arange(256) * ((_PAPER - ink) / 255)
    page[:] = cv2.LUT(page, levels.round().astype(np.uint8))
