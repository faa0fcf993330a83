"""What is wrong with a photo, from what was measured of it: the limits, and how they were found.

Knows no camera, no file and no screen. The limits are where barcodes on photographs of labels stop
being read: 45 real ones (1,280 pixels and smaller, each legible at first), made worse step by step
and read by `capture.barcode.read_still`.
"""

from __future__ import annotations

from typing import Final

DARK_LEVEL: Final = 30.0
"""Mean grey level, 0-255. Darkened with a sensor's noise, of the photos below 12 were read 9%, of
12-16 31%, of 16-20 50%, of 20-30 78%, above 30 94%. A lit bench has 80 to 180."""
BLUR_LEVEL: Final = 20.0
"""Variance of the Laplacian at half size. Blurred by a Gaussian, of the photos below 12 none was
read (of 70), of 12-20 5%, of 20-40 8%, of 40-80 29%, above 600 90%. It is low on purpose: a plain
box that is in focus may have no more than 40, and noise alone can give 20."""
GLARE_SHARE: Final = 0.7
"""Share of overexposed pixels. With more and more light, of the photos up to 0.7 were read 86%, of
0.7-0.8 76%, of 0.8-0.9 56%, of 0.9-0.95 37%, above none (of 9)."""
MOVING_LEVEL: Final = 4.0
"""Mean change of the grey level against the frame 50 to 80 ms before. Of labels that fill an
eighth of the picture and move so fast that they change it by 1 to 2, 53% were read, 2-3 25%, 3-4
12%, 4-7 7%. A still bench has 0.3, hands that work beside the parcel 2 to 4."""


def fault(sharpness: float, brightness: float, motion: float, glare: float) -> str:
    """The message key of what is worst about a photo, '' for a good one.

    The first cause is told: in the dark and in motion everything is blurred as well.
    """
    if brightness < DARK_LEVEL:
        return "photo_dark"
    if glare > GLARE_SHARE:
        return "photo_glaring"
    if motion > MOVING_LEVEL:
        return "photo_moving"
    if sharpness < BLUR_LEVEL:
        return "photo_blurred"
    return ""
