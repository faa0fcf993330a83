"""What is wrong with a photo, from what was measured of it: the limits, and how they were found.

Knows no camera, no file and no screen. `fault` is about any photo, by the whole picture; `advice`
about a label that could not be read, by its bars. The limits of `fault` are where barcodes on
photographs of labels stop being read: 45 real ones (1,280 pixels and smaller, each legible at
first), made worse step by step and read by `capture.barcode.read_still`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from capture.legible import Legibility

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


# ---------------------------------------------------------------------------- labels

# Found on 315 labels on the simulated bench at 1080p, each spoilt in one known way until nothing
# read it, and judged on 280 others: the advice names the true cause of 90%. 12 of 40 small labels,
# whose bars are then not even found, get `label_none`, which says closer as well. On 261 real
# photographs of bars, spoilt likewise, 79%; motion and defocus are confused most.
DARK_PAPER: Final = 50.0
"""Grey level of the white between the bars. Of labels in the dark that were not read all had less
than 45, one that was read had 25; a dim bench has 100."""
SHINING_SHARE: Final = 0.04
"""Overexposed share of the place of the bars. Reflections on bars have 0.13 to 0.8, paper in an
ordinary light none."""
SOFT_EDGE_PX: Final = 0.68
"""Blur of the sharpest edges of the bars. In focus 0.4 to 0.6, unread and defocused 1.1 to 3.3,
unread and in motion 0.7 to 2.3."""
SMEARED: Final = 1.5
"""How much steeper edges are in one direction. Defocused 1.0 to 1.4, in motion 1.3 to 6."""
THIN_PX: Final = 2.4
"""Narrow bars and spaces, as far as they can be told apart: unread from afar 1.2 to 2.1."""
SOFT_PICTURE_PX: Final = 2.2
"""The same for the edges of a picture in which no bars were found: sharp 1.2 to 1.5, blurred so
that bars are no more bars 2.9 and more, smeared 1.4 and more."""
SMEARED_PICTURE_PX: Final = 1.35
SMEARED_PICTURE: Final = 1.45


def advice(seen: Legibility, motion: float, *, others: bool) -> str:
    """The message key of what to do so that the next photo of a label can be read: the one thing
    that helps most.

    `motion` is as for `fault`; `others`: barcodes were read, but no waybill's. '' where the bars
    are as they should be and still say nothing: torn, covered or crumpled.
    """
    if seen.paper < DARK_PAPER:
        return "label_dark"
    if seen.glare > SHINING_SHARE:
        return "label_glaring"
    if seen.region is None:
        return _without_bars(seen, motion, others=others)
    if seen.edge_px > SOFT_EDGE_PX:
        moved = seen.smear > SMEARED or motion > MOVING_LEVEL
        return "label_moving" if moved else "label_blurred"
    return "label_small" if seen.narrow_px < THIN_PX else ""


def _without_bars(seen: Legibility, motion: float, *, others: bool) -> str:
    if others:  # so the picture is good enough
        return "label_other"
    smeared = seen.smear > SMEARED_PICTURE and seen.edge_px > SMEARED_PICTURE_PX
    if smeared or motion > MOVING_LEVEL:
        return "label_moving"
    return "label_blurred" if seen.edge_px > SOFT_PICTURE_PX else "label_none"
