"""`packwitness scale`: what the scale at the bench says, live or once.

Part of `station.cli`, which adds it to its group.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from station.console import told
from station.options import FAILED, Number, as_json_option, site
from station.scale.weight import SPOKEN, Spoken, Weight

if TYPE_CHECKING:
    from station.config import Config
    from station.config_trade import ScaleConfig
    from station.scale.reader import ScaleReader

ONCE_S: Final = 10.0
"""So long `--json` waits for a weight at rest, where nothing else is asked for."""
POLL_S: Final = 0.2
_FAULTS: Final = {
    "overload": "overload: more lies on it than it can weigh",
    "underload": "underload: less than nothing lies on it; zero it",
    "unit": "it shows no kg, g, lb or oz: change its unit",
}
_NO_PORT: Final = (
    "no scale is named: give --port serial:/dev/ttyUSB0?baud=9600, or set port in [scale] of the "
    "configuration; 'packwitness scanner --list' names the serial ports"
)


@click.command()
@click.option("--port", metavar="PORT", help="serial:/dev/ttyUSB0?baud=9600, serial:COM3, ...")
@click.option(
    "--protocol", type=click.Choice(["auto", *SPOKEN]), help="What it speaks, if not as configured."
)
@click.option("--seconds", type=Number(0.1, 86_400), help="End after so long.")
@click.option("--simulate", type=click.Choice(SPOKEN), help="A simulated scale that speaks this.")
@as_json_option
@site
def scale(
    config: Config,
    port: str | None,
    protocol: str | None,
    seconds: float | None,
    simulate: Spoken | None,
    as_json: bool,
) -> int:
    """Show what the scale says as it says it, and which protocol that was, until Ctrl-C.

    With --json the first weight at rest is printed, and that is all. Fails where there was none.
    """
    if simulate is not None and port is not None:
        raise click.UsageError("--simulate brings a port of its own: leave --port out")
    chosen = {"port": port, "protocol": protocol}
    given = {key: value for key, value in chosen.items() if value is not None}
    if simulate is None:
        return _listen(config.scale.model_copy(update=given), seconds, as_json=as_json)
    try:
        from station.scale.simulated import SimulatedScale
    except ImportError as error:
        raise click.UsageError("--simulate needs pseudo terminals: not on Windows") from error

    with SimulatedScale(simulate) as simulated:
        given["port"] = f"serial:{simulated.path}"
        settings = config.scale.model_copy(update=given)
        return _listen(settings, seconds, as_json=as_json, play=simulated.play)


def _listen(
    settings: ScaleConfig,
    seconds: float | None,
    *,
    as_json: bool,
    play: Callable[[float], None] | None = None,
) -> int:
    from station.scale.reader import ScaleReader
    from station.stopping import stopped_by_signals

    if not settings.port:
        raise click.UsageError(_NO_PORT)
    said: queue.Queue[Weight | str] = queue.Queue()
    try:
        reader = ScaleReader(settings, said.put, said.put)
    except ValueError as error:
        raise click.UsageError(f"--port, or [scale] port: {error}") from error
    heard = _Heard(settings.port, reader, as_json=as_json)
    if seconds is None and as_json:
        seconds = ONCE_S
    with stopped_by_signals() as stopped:
        reader.start()
        try:
            _hear(heard, said, seconds, stopped, play)
        finally:
            reader.stop()
    return heard.end()


def _hear(
    heard: _Heard,
    said: queue.Queue[Weight | str],
    seconds: float | None,
    stopped: threading.Event,
    play: Callable[[float], None] | None,
) -> None:
    began_s = time.monotonic()
    while not (stopped.is_set() or heard.enough):
        passed_s = time.monotonic() - began_s
        if seconds is not None and passed_s >= seconds:
            return
        if play is not None:
            play(passed_s)
        with contextlib.suppress(queue.Empty):
            heard.take(said.get(timeout=POLL_S))


class _Heard:
    """What was said so far, and its output."""

    def __init__(self, port: str, reader: ScaleReader, *, as_json: bool) -> None:
        self._port = port
        self._reader = reader
        self._as_json = as_json
        self._spoken: Spoken | None = None
        self._at_rest: Weight | None = None
        self._why = "nothing was weighed: nothing arrived, or it never came to rest"

    @property
    def enough(self) -> bool:
        """Whether everything has come that was asked for."""
        return self._as_json and self._at_rest is not None

    def take(self, what: Weight | str) -> None:
        if isinstance(what, str):
            self._state(what)
            return
        if what.stable:
            self._at_rest = what
        if what.fault:
            self._why = _FAULTS[what.fault]
        if self._as_json:
            return
        if self._reader.spoken != self._spoken:
            self._spoken = self._reader.spoken
            told(f"{self._port}: it speaks {self._spoken}")
        click.echo(_line(what))

    def end(self) -> int:
        """The exit code."""
        at_rest = self._at_rest
        if self._as_json:
            entry = {
                "port": self._port,
                "protocol": self._reader.spoken,
                "grams": at_rest.grams if at_rest else None,
                "stable": at_rest is not None,
            }
            click.echo(json.dumps(entry if at_rest else {**entry, "why": self._why}))
        elif at_rest is None:
            told(f"{self._port}: {self._why}")
        return FAILED if at_rest is None else 0

    def _state(self, why: str) -> None:
        if why:
            self._why = why
        if not self._as_json:
            told(f"{self._port}: {why or 'it is there; Ctrl-C ends this'}")


def _line(weight: Weight) -> str:
    if weight.fault:
        return _FAULTS[weight.fault]
    return f"{weight.grams:>9} g  {'at rest' if weight.stable else 'moving'}"


COMMANDS: Final[tuple[click.Command, ...]] = (scale,)
