"""One camera on the bench screen: its live picture, how it is, and what is wrong in words.

Shows what `station.ui.look` makes of the camera. Decides nothing.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from station.rules.state import Camera
from station.ui import look
from station.ui.labels import Line
from station.ui.messages import Catalogue, shown
from station.ui.picture import CameraTile


class CameraFrame(Vertical):
    """The picture in a frame; `extra` ones leave where there is room for one camera only."""

    def __init__(self, camera: str, *, extra: bool) -> None:
        super().__init__(id=f"frame-{camera}", classes="camera -extra" if extra else "camera")
        self._camera = camera

    def compose(self) -> ComposeResult:
        yield CameraTile(self._camera)
        yield Line(classes="cause")
        yield Line(classes="warning")

    def show(self, words: Catalogue, camera: Camera, fps: float) -> None:
        """Show how the camera is; `fps` is what it delivers now."""
        now = look.camera_look(camera)
        self.set_class(now.tone == "stop", "down")
        self.set_class(now.tone == "check", "warned")
        self.query_one(CameraTile).darken(not camera.up)
        title = f"{camera.name} {now.sign}"
        if camera.up:
            title += f" {words.text('label.fps', [('fps', f'{fps:.0f}')])}"
        if now.reads:
            title += f" ✔ {now.reads}"
        if self.border_title != title:
            self.border_title = title
        told = "\n".join(f"▲ {line}" for line in faults_in_words(words, now))
        self.query_one(".warning", Line).show(told)
        cause = f"✖ {words.text('label.no_picture')}\n{shown(camera.cause)}"
        self.query_one(".cause", Line).show(cause)


def faults_in_words(words: Catalogue, now: look.CameraLook) -> list[str]:
    """What is wrong with a camera, a line for each, the worst first."""
    return [words.text(f"label.{key}", params) for key, params in now.faults]


def in_a_line(words: Catalogue, camera: Camera) -> str:
    """How a camera is, for a screen that has no room for its picture."""
    now = look.camera_look(camera)
    faults = faults_in_words(words, now)
    told = faults[0] if faults else now.reads and f"✔ {now.reads}"
    return f"{now.sign} {camera.name} {told if camera.up else shown(camera.cause)}".rstrip()
