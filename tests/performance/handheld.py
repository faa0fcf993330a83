"""A parcel's label held before a bench camera, drawn from a seed: 2.5 s of 1080p at 30 a second.

    python -m tests.performance.handheld --seeds 0 20 --out FOLDER

writes each sequence as `FOLDER/NNN/00.jpg ... 74.jpg` (grey) and `meta.json`. The label comes into
the picture, is held, and leaves, while the camera focuses; it is turned by any angle, tilted,
blurred by its way during the exposure, and the picture has a sensor's noise, too much or too little
light, sometimes a glare, clutter all around, and went through JPEG. What one seed draws never
changes with time or machine but with this file; seeds for tuning and for judging are kept apart.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from tests.performance import clutter, film, labels, motion
from tests.performance.labels import Grey, Label
from tests.performance.motion import FRAMES, HEIGHT, WIDTH, Shake, View

JUDGING_SEED: Final = 100_000
"""Seeds below are for tuning, from here on for judging. Nobody looks at these while tuning."""
CACHE = Path(__file__).parents[2] / ".cache" / "handheld"

Kind = Literal["waybill", "product", "nothing"]


@dataclass(frozen=True, slots=True)
class Sequence:
    """`jpegs[k]` was taken k/30 s after the begin. `truth` is '' where there is no waybill."""

    seed: int
    kind: Kind
    carrier: str
    truth: str
    also: tuple[str, ...]
    shake: Shake
    views: tuple[View, ...]
    jpegs: tuple[bytes, ...] = field(repr=False)

    def frame(self, index: int) -> Grey:
        """H×W uint8."""
        coded = np.frombuffer(self.jpegs[index], np.uint8)
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)

    @property
    def in_view_frame(self) -> int | None:
        """The first frame that shows all of the main code."""
        return next((index for index, view in enumerate(self.views) if view.in_view), None)


def draw(seed: int, kind: Kind = "waybill", frames: range = range(FRAMES)) -> Sequence:
    """The sequence of `seed`: always the same, to the byte. Only `frames` of it are drawn, the
    others are empty."""
    rng = random.Random(f"{kind} {seed}")
    label = None
    if kind != "nothing":
        label = labels.waybill(rng) if kind == "waybill" else labels.product(rng)
    shake = motion.draw_shake(rng)
    # Who holds a label so that the code is outside the picture knows that it cannot be read.
    while label is not None and not motion.view(label, shake, FRAMES // 2).in_view:
        shake = motion.draw_shake(rng)
    scene = film.Scene(clutter.bench(rng, WIDTH, HEIGHT), label, shake, rng.randrange(1 << 32))
    nothing = Label(np.zeros(0, np.uint8), "", "", (), np.zeros((4, 2), np.float32), 0)
    views = tuple(motion.view(label or nothing, shake, index) for index in range(FRAMES))
    return Sequence(
        seed=seed,
        kind=kind,
        carrier=label.carrier if label else "",
        truth=label.truth if label else "",
        also=label.also if label else (),
        shake=shake,
        views=views,
        jpegs=tuple(
            scene.frame(index, seen) if index in frames else b"" for index, seen in enumerate(views)
        ),
    )


def write(sequence: Sequence, folder: Path) -> None:
    """`folder` gets a JPEG of each frame and `meta.json`, all at once or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        for index, jpeg in enumerate(sequence.jpegs):
            (made / f"{index:02d}.jpg").write_bytes(jpeg)
        meta = asdict(sequence)
        del meta["jpegs"]
        (made / "meta.json").write_text(json.dumps(meta, indent=1))
        if not folder.exists():
            made.rename(folder)


def read(folder: Path) -> Sequence:
    """What `write` wrote."""
    meta = json.loads((folder / "meta.json").read_text())
    meta["also"] = tuple(meta["also"])
    meta["shake"] = Shake(**meta["shake"])
    meta["views"] = tuple(View(**view) for view in meta["views"])
    jpegs = tuple((folder / f"{index:02d}.jpg").read_bytes() for index in range(FRAMES))
    return Sequence(**meta, jpegs=jpegs)


@functools.cache
def _edition() -> str:
    """Of the drawing: a cache of another edition is of no use."""
    sources = (Path(module.__file__ or "") for module in (labels, clutter, motion, film))
    whole = b"".join(path.read_bytes() for path in (*sources, Path(__file__)))
    return hashlib.sha256(whole).hexdigest()[:12]


def cached(seed: int, kind: Kind = "waybill") -> Sequence:
    """The sequence of `seed`, drawn unless it lies in CACHE, where it then lies."""
    folder = CACHE / _edition() / f"{kind}-{seed}"
    if not folder.exists():
        write(draw(seed, kind), folder)
    return read(folder)


def drop_old_cache() -> None:
    """Delete sequences that an older edition has drawn."""
    for folder in CACHE.glob("*"):
        if folder.name != _edition():
            shutil.rmtree(folder)


def pool_of(processes: int) -> ProcessPoolExecutor:
    """Fresh processes: a forked one may wait for ever for OpenCV's threads, which stayed behind."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))


def _write_one(seed: int, kind: Kind, folder: Path) -> str:
    cv2.setNumThreads(1)
    if not folder.exists():
        write(draw(seed, kind), folder)
    made = read(folder)
    held = made.views[FRAMES // 2]
    return f"{folder.name} {made.carrier or kind} {held.module_px} px a module"


def write_all(seeds: range, kind: Kind, out: Path, processes: int) -> Iterator[str]:
    """Write the sequences of `seeds` below `out`; a line for each."""
    with pool_of(processes) as pool:
        jobs = [pool.submit(_write_one, seed, kind, out / f"{seed:03d}") for seed in seeds]
        for job in jobs:
            yield job.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FROM", "TO"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=("waybill", "product", "nothing"), default="waybill")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    for line in write_all(range(*given.seeds), given.kind, given.out, given.processes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
