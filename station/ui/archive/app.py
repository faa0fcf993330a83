"""The terminal app of an archive: who is there, which screen stands, and what every screen shares.

Starts without OpenCV, without pictures and without asking the archive anything: the first picture
waits for none of it. What blocks (SQL, hashing, packing) runs on other threads.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType

from station.ui.archive.keys import told_keys
from station.ui.archive.words import Words, languages, words_for
from storage.errors import ArchiveError
from storage.later import Right
from storage.people import RIGHTS

if TYPE_CHECKING:
    from textual.screen import Screen

    from station.config import Config
    from storage.archive import Archive
    from storage.later import Actor

log = logging.getLogger(__name__)

NOTICE_S: Final = 6.0


class ArchiveApp(App[None]):
    """The archive in a terminal. `actor` is who uses it, None until somebody has signed in."""

    CSS_PATH = Path(__file__).with_name("archive.tcss")
    TITLE = "PackWitness"
    NOTIFICATION_TIMEOUT = NOTICE_S
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "key.help"),
        Binding("ctrl+p", "command_palette", "key.palette", priority=True),
        Binding("f9", "speak", "key.language"),
        Binding("ctrl+q", "quit", "key.quit", priority=True),
    ]

    def __init__(
        self, config: Config, archive: Archive, actor: Actor | None, words: Words | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.archive = archive
        self.actor = actor
        self.words = words or words_for(config.bench.language)

    def on_mount(self) -> None:
        if self.config.search.middle and self.archive.writable:
            self._index = threading.Thread(target=self._index_middle, daemon=True)
            self._index.start()
        self._begin()

    def _index_middle(self) -> None:
        """The index that `[search] middle` asks for, in small steps; it goes on the next time."""
        try:
            self.archive.index_middle()
        except ArchiveError as error:  # the archive was closed meanwhile, above all
            log.info("the middle of numbers is not indexed yet: %s", error)

    def _begin(self) -> None:
        """Ask who is there, or show the archive."""
        if self.actor is None:
            from station.ui.archive.signin import SignIn

            self.push_screen(SignIn(self.archive, self.words), self._signed_in)
        else:
            from station.ui.archive.search import SearchScreen

            self.push_screen(SearchScreen(self.archive, self.config, self.actor, self.words))
            self.call_after_refresh(self._settle)

    def _signed_in(self, actor: Actor | None) -> None:
        self.actor = actor
        if actor is None:
            self.exit()
        else:
            self._begin()

    def _settle(self) -> None:
        """After the first picture: what is loaded by now stays, and is not walked again."""
        if not self.is_headless:
            gc.collect()
            gc.freeze()

    def may(self, right: Right) -> bool:
        """Whether the person's role has the right; the archive asks again when it is used."""
        return self.actor is not None and right in RIGHTS[self.actor.role]

    def say(self, key: str, params: Iterable[tuple[str, str]] = (), *, bad: bool = False) -> None:
        """Tell the person something that passes."""
        severity: Any = "error" if bad else "information"
        self.notify(self.words.text(key, params), severity=severity, markup=False)

    def fail(self, error: BaseException) -> None:
        """Tell the person what did not work, in the words of the error."""
        log.info("%s", error, exc_info=error)
        self.notify(str(error), severity="error", timeout=2 * NOTICE_S, markup=False)

    # ------------------------------------------------------------------ keys

    async def action_press(self, key: str) -> None:
        """Do what a key would; for clicks on the line of keys."""
        self.simulate_key(key)

    def action_help(self) -> None:
        """Every key of the screen that is shown."""
        from station.ui.archive.help import HelpScreen

        self.push_screen(HelpScreen(self.words, self.screen))

    def action_speak(self) -> None:
        """The next language, on every screen."""
        known = languages()
        self.words.speak(known[(known.index(self.words.language) + 1) % len(known)])
        for screen in self.screen_stack:
            screen.refresh(recompose=True)

    def sign_out(self) -> None:
        """Ask who is there again; nothing of what the last person saw stays on the screen."""
        self.actor = None
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._begin()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of the screen that stands, in the palette."""
        for binding, description in told_keys(screen, self.words):
            key = binding.key
            yield SystemCommand(description, key, lambda key=key: self.simulate_key(key))
