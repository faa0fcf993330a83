"""What commands print besides JSON: faults, tables, a bar. Light, for it is always loaded."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from storage.records import Session

PROGRAM: Final = "packwitness"
_HEADINGS: Final = (
    "TRACKING NUMBER", "PASS", "KIND", "STATUS", "OPENED", "BENCH", "PACKER", "VIDEO", "SHOTS",
)  # fmt: skip


def told(message: str) -> None:
    """Print each line of `message` on stderr, marked as this program's."""
    for line in message.splitlines() or [""]:
        click.echo(f"{PROGRAM}: {harmless(line)}", err=True)


def not_found(text: str, archive: Path) -> str:
    """What to say when the archive knows nothing of `text`."""
    return (
        f"no session of {text[:40]!r} in {archive}: give the whole tracking number, its last 4 or "
        "more characters, or an order id"
    )


def one_number(text: str, among: Iterable[str]) -> None:
    """Refuse `text` that means several waybills: the tracking numbers `among`, of which each may
    come more than once. Raises click.UsageError, which names them."""
    numbers = list(dict.fromkeys(among))
    if len(numbers) > 1:
        listed = ", ".join(numbers[:5]) + (", ..." if len(numbers) > 5 else "")
        raise click.UsageError(f"{text[:40]!r} means {len(numbers)} waybills: name one of {listed}")


def session_table(sessions: Sequence[Session]) -> str:
    """One line for each session, local times, under headings."""
    rows = [_HEADINGS, *(_row(session) for session in sessions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(session: Session) -> tuple[str, ...]:
    shots = f"{len({shot.slot for shot in session.shots})}"
    if session.missing:
        shots += f", missing {', '.join(session.missing)}"
    seconds = sum(clip.duration_ms for clip in session.clips) / 1000
    return (
        harmless(session.waybill.number),
        str(session.pass_no),
        session.kind.value,
        session.status.value,
        session.opened_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        harmless(session.bench),
        harmless(session.packer) or "-",
        f"{seconds:.0f} s" if session.clips else "none",
        harmless(shots),
    )


@contextmanager
def progress_bar(
    label: str, *, quiet: bool, in_bytes: bool = False, timed: bool = False
) -> Iterator[Callable[[int, int], None] | None]:
    """Gives the callback (done, all) that moves a bar on stderr; None unless that is a terminal.
    One of bytes also tells how fast it goes, that and a `timed` one how long it takes yet."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    begun_s = time.monotonic()
    shown, shown_s, width = -1, begun_s, 0

    def move(done: int, everything: int) -> None:
        nonlocal shown, shown_s, width
        percent, now_s = 100 * done // max(1, everything), time.monotonic()
        if percent != shown or ((in_bytes or timed) and now_s - shown_s >= 1):
            shown, shown_s = percent, now_s
            line = f"{label} {'#' * (percent // 4):25} {percent:3} %"
            if in_bytes:
                line += pace(done, everything, now_s - begun_s)
            elif timed:
                line += left(done, everything, now_s - begun_s)
            width = max(width, len(line))
            click.echo(f"\r{line:{width}}", err=True, nl=False)

    try:
        yield move
    finally:
        click.echo("\r" + " " * width + "\r", err=True, nl=False)


def pace(done_bytes: int, all_bytes: int, passed_s: float) -> str:
    """How fast it went so far and how long the rest takes at that, after the first second."""
    if passed_s < 1 or not done_bytes:
        return ""
    rate = done_bytes / passed_s
    return f"  {rate / 1_000_000:.0f} MB/s,{left(done_bytes, all_bytes, passed_s)[1:]}"


def left(done: int, everything: int, passed_s: float) -> str:
    """How long the rest takes at the pace so far, after the first second."""
    if passed_s < 1 or not done:
        return ""
    minutes, seconds = divmod(round((everything - done) * passed_s / done), 60)
    hours, minutes = divmod(minutes, 60)
    return f"  {hours}:{minutes:02}:{seconds:02} left"


def harmless(text: str) -> str:
    """`text` without anything that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
