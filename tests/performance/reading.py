"""How well and how fast waybills are read, beside the engines alone in the same run; by hand:

    python -m tests.performance.reading --images FOLDER [--images ANOTHER]

Three parts, each a table: single pictures, hand-held sequences as a live camera sees them, and
false accepts. A folder of photographs holds `labels.json`, a list of {"file", "symbology",
"texts", "negative"}; without one, labels are drawn. What is drawn comes from seeds that are kept
for judging; `--tuning` takes those that the reader was tuned with. What reading costs beside
recording is in `whole_bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tests.performance import handheld, reading_false, reading_live, reading_stills
from tests.performance.tables import Section

PARTS = ("stills", "live", "false")
_TELL_EVERY_S = 20.0
_QUICK = {"stills": 30, "sequences": 6, "without": 2, "labels": 200}

T = TypeVar("T")


def told(name: str, count: int, results: Iterator[T]) -> list[T]:
    """All `results`, with a line of progress now and then."""
    began = last = time.monotonic()
    done: list[T] = []
    for result in results:
        done.append(result)
        if (now := time.monotonic()) - last >= _TELL_EVERY_S:
            last = now
            print(f"{name}: {len(done)} of {count}, {now - began:.0f} s", file=sys.stderr)
    return done


def stills(given: argparse.Namespace) -> Iterator[Section]:
    folders: list[tuple[str, list[reading_stills.Still]]] = [
        (f"Pictures of {folder.name}", reading_stills.stills_in(folder)) for folder in given.images
    ]
    if not folders:
        print("no --images FOLDER given: frames of hand-held labels instead", file=sys.stderr)
        first = 0 if given.tuning else handheld.JUDGING_SEED
        folders = [
            ("Single frames, hand-held", reading_stills.drawn_stills(given.stills, first)),
        ]
    for title, listed in folders:
        chosen = listed[:: max(1, len(listed) // given.stills)] if given.quick else listed
        judged = reading_stills.judge_all(chosen, given.processes)
        yield reading_stills.section(title, told(title, len(chosen), judged))


def live(given: argparse.Namespace) -> Iterator[Section]:
    handheld.drop_old_cache()
    takes = reading_live.take_all(
        given.sequences,
        given.without,
        given.processes,
        with_peers=given.peers,
        first=0 if given.tuning else handheld.JUDGING_SEED,
    )
    count = given.sequences + given.without
    yield reading_live.section(told("live", count, takes))


def false(given: argparse.Namespace) -> Iterator[Section]:
    first = 0 if given.tuning else reading_false.SEED
    verdicts = reading_false.judge_all(given.labels, given.processes, first)
    yield reading_false.section(told("false accepts", given.labels, verdicts))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part, not all three")
    parser.add_argument("--stills", type=int, default=200, help="drawn, where no folder is given")
    parser.add_argument("--sequences", type=int, default=200, help="with a waybill")
    parser.add_argument("--without", type=int, default=40, help="sequences without a waybill")
    parser.add_argument(
        "--labels", type=int, default=5000, help="of four frames, for false accepts"
    )
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--tuning", action="store_true", help="the seeds for tuning, not judging")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="live: us alone")
    parser.add_argument("--quick", action="store_true", help="a few of everything, in two minutes")
    parser.add_argument("--json", action="store_true", help="for a program instead of a reader")
    given = parser.parse_args()
    if given.quick:
        for name, few in _QUICK.items():
            setattr(given, name, min(few, getattr(given, name)))
    parts: dict[str, Callable[[argparse.Namespace], Iterator[Section]]] = {
        "stills": stills,
        "live": live,
        "false": false,
    }
    sections: list[Section] = []
    for name in given.only or PARTS:
        for section in parts[name](given):
            sections.append(section)
            if not given.json:
                print(section.markdown(), end="\n\n", flush=True)
    if given.json:
        print(json.dumps({section.title: section.data for section in sections}, indent=1))


if __name__ == "__main__":
    main()
