"""How fast the bench answers, in a real terminal; by hand, on a quiet machine:

    python -m tests.performance.bench --samples 200

The real app and screen, with live pictures on both camera tiles, on a bench that answers itself:
cameras, encoder and archive have benchmarks of their own. Times are from the last byte that is
typed to the program's own note, or to the first byte of the picture that shows it. Goals are those
of the project; ratios against a Textual app that shows one word outlast the machine.
"""

from __future__ import annotations

import argparse
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from station.simulated import ups_numbers
from tests.station.ui.terminal import Terminal, terminal

CHARACTER_S = 0.002
RECORDING = b"48;2;0;89;168"
READY = b"48;2;59;66;82"
PLAIN_APP = """
from textual.app import App
from textual.widgets import Static
class Plain(App):
    CSS = "Static { background: #3b4252; }"
    def compose(self): yield Static("READY")
Plain().run()
"""


def show(what: str, values_ms: list[float], goal: str = "") -> None:
    ordered = sorted(values_ms)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(
        f"{what:<46} median {statistics.median(ordered):7.2f}  p95 {p95:7.2f}"
        f"  max {ordered[-1]:7.2f} ms   {goal}"
    )


def scan(bench: Terminal, text: str) -> int:
    """Type `text` as a scanner does; the monotonic ns of its Enter."""
    for character in text:
        bench.type(character.encode())
        time.sleep(CHARACTER_S)
    return bench.type(b"\r")


def painted(bench: Terminal, color: bytes, since_ns: int, patience_s: float = 3.0) -> int:
    """The monotonic ns at which `color` was printed first after `since_ns`."""
    deadline_s = time.monotonic() + patience_s
    seen = 0
    while time.monotonic() < deadline_s:
        while seen < len(bench.printed):
            at_ns, chunk = bench.printed[seen]
            if at_ns >= since_ns and color in chunk:
                return at_ns
            seen += 1
        time.sleep(0.001)
    raise SystemExit(f"the screen never showed {color.decode()}")


def answers(folder: Path, samples: int) -> None:
    """Enter to handler, Enter to banner, key latency, with two live tiles."""
    numbers = ups_numbers(3)
    with terminal(folder / "answers", "--film") as bench:
        handled, shown, keys, typed = [], [], [], []
        for _ in range(samples):
            entered_ns = scan(bench, next(numbers))
            shown.append((painted(bench, RECORDING, entered_ns) - entered_ns) / 1e6)
            handled.append((bench.notes("scan")[-1][0] - entered_ns) / 1e6)
            time.sleep(0.05)
            painted(bench, READY, scan(bench, "RESET"))
            bench.printed.clear()
            time.sleep(0.05)
        for place in range(samples):
            count = len(bench.notes("key"))
            typed_ns = bench.type(b"7" if place % 2 else b"\x7f")
            bench.wait_for("key", count + 1)
            keys.append((bench.notes("key")[count][0] - typed_ns) / 1e6)
            time.sleep(0.06)
            if place % 2:
                arrived = [at for at, chunk in bench.printed if at > typed_ns and b"Typed" in chunk]
                typed += [(arrived[0] - typed_ns) / 1e6] if arrived else []
            bench.printed.clear()
        bench.type(b"\x7f")
        time.sleep(0.1)
        show("Enter to handler", handled, "goal: median 5, p95 20")
        show("Enter to banner", shown, "goal: median 30, p95 60")
        show("key to handler, two live tiles at 10 fps", keys, "goal: p95 20")
        show("key to entry line (waits for a burst's end)", typed)


def cpu_share(folder: Path, name: str, seconds: float, *options: str) -> float:
    """CPU of the program while nobody touches it, as a share of one core."""
    with terminal(folder / name, *options) as bench:
        program = psutil.Process(bench.program.pid)
        time.sleep(1.0)
        before, begin_s = program.cpu_times(), time.monotonic()
        time.sleep(seconds)
        after, end_s = program.cpu_times(), time.monotonic()
    spent_s = after.user + after.system - before.user - before.system
    return float(spent_s / (end_s - begin_s))


def preview(folder: Path, seconds: float) -> None:
    """What two live tiles cost, and what the screen costs the camera's thread."""
    still = cpu_share(folder, "still", seconds)
    live = cpu_share(folder, "live", seconds, "--film")
    print(f"{'preview, two tiles at 10 fps, 120x34':<46} {100 * (live - still):5.1f}% of a core"
          f"   (idle screen {100 * still:.1f}%)   goal: 10%")  # fmt: skip
    for name, options in (("quiet", ["--film"]), ("stalled", ["--film", "--stall"])):
        with terminal(folder / name, *options) as bench:
            time.sleep(seconds)
        taken = [1000 * offer_s for offer_s in bench.notes("offers")[0][1]][30:]
        taken = [offer_ms for offer_ms in taken if offer_ms > 0.1]
        show(f"picture on the camera's thread, screen {name}", taken, "goal: stalled - quiet <= 5")


def first_paint(folder: Path, rounds: int) -> None:
    """From start to the first picture, beside a Textual app with one word."""
    ours, plain = [], []
    for place in range(rounds):
        begin_ns = time.monotonic_ns()
        with terminal(folder / f"start-{place}") as bench:
            ours.append((painted(bench, READY, begin_ns) - begin_ns) / 1e6)
        plain.append(plain_first_paint())
    show("start to first picture", ours, "goal: 1000")
    ratio = statistics.median(ours) / statistics.median(plain)
    show("  a Textual app with one word", plain, f"ratio {ratio:.2f}")


def plain_first_paint() -> float:
    master, slave = pty.openpty()
    begin_s = time.monotonic()
    program = subprocess.Popen(
        [sys.executable, "-c", PLAIN_APP],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )  # fmt: skip
    os.close(slave)
    printed = b""
    while READY not in printed:
        printed += os.read(master, 65_536)
    spent_ms = 1000 * (time.monotonic() - begin_s)
    program.kill()
    program.wait()
    os.close(master)
    return spent_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=8.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answers(Path(folder), chosen.samples)
        preview(Path(folder), chosen.seconds)
        first_paint(Path(folder), 3)


if __name__ == "__main__":
    main()
