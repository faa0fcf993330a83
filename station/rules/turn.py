"""One call of `station.session.step` at work: the state so far and the commands so far.

The rules write into a `Turn`; nobody outside of `step` ever sees one. Knows no rule but how alarms
stack.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from station.rules.commands import Command, Cue, FileNote, Log, Say
from station.rules.events import Moment
from station.rules.state import Active, Alarm, Camera, Phase, State
from storage.records import Note

ALARMS_MAX = 20


class Turn:
    """One call of `step` at work: the state so far and the commands so far."""

    __slots__ = ("at", "commands", "state")

    def __init__(self, state: State, at: Moment) -> None:
        self.state = state
        self.at = at
        self.commands: list[Command] = []

    @property
    def active(self) -> Active:
        """The session at hand, for rules that run only while there is one."""
        if self.state.active is None:
            raise LookupError("no session at hand")
        return self.state.active

    def at_hand(self, session: str) -> Active | None:
        """The session at hand if it is the one that a reply names."""
        active = self.state.active
        return active if active is not None and active.session == session else None

    @property
    def recording(self) -> bool:
        """True while clips may be started: a session is at hand and not yet ending."""
        return self.state.phase in (Phase.OPENING, Phase.RECORDING)

    def set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def edit(self, **changes: Any) -> None:
        """Change the session at hand."""
        self.set(active=replace(self.active, **changes))

    def put_camera(self, camera: Camera) -> None:
        """Put `camera` in the place of the one of its name."""
        known = self.state.cameras
        self.set(cameras=tuple(camera if old.name == camera.name else old for old in known))

    def do(self, command: Command) -> None:
        self.commands.append(command)

    def say(self, key: str, cue: Cue = Cue.NONE, *, quiet: bool = False, **params: str) -> None:
        self.do(Say(key, tuple(params.items()), cue, quiet))

    def log(self, text: str) -> None:
        self.do(Log(text))

    def note(self, what: str, text: str) -> None:
        self.do(FileNote(self.active.session, Note(self.at.utc, what, text)))

    def alarm(self, key: str, **params: str) -> None:
        """Raise an alarm, or renew the open one about the same thing; heard in either case."""
        alarm = Alarm(key, tuple(params.items()))
        about = (key, alarm.params[:1])
        others = [known for known in self.state.alarms if (known.key, known.params[:1]) != about]
        if len(others) >= ALARMS_MAX:
            others.remove(next((known for known in others if not known.blocks), others[0]))
        self.set(alarms=(*others, alarm))
        self.do(Say(key, alarm.params, Cue.ALARM))

    def take_back(self, key: str) -> None:
        """Take back the alarms `key`: what they were about is over."""
        self.set(alarms=tuple(alarm for alarm in self.state.alarms if alarm.key != key))
