"""Answers from threads, brought back to the loop: the one place where the bench meets threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
Other = TypeVar("Other")


class Replies:
    """Runs the bench's background work and delivers each answer on the loop that made it.

    Must be made on the running loop. Nothing is swallowed: an error becomes the `bad` reply of
    whoever asked, or a log line with its traceback.
    """

    def __init__(self, workers: int = 2) -> None:
        self.loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="bench")
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(
        self, work: Coroutine[Any, Any, None], bad: Callable[[str], None] | None = None
    ) -> None:
        """Run `work` beside the rest; it is cancelled by `close`.

        An error that ends it goes to `bad` in one line, because somebody may wait for its answer.
        """
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, bad))

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """The result of `work(*args)`, which blocks, from the pool."""
        return await self.loop.run_in_executor(self.pool, work, *args)

    async def attempt(
        self, what: str, otherwise: Other, work: Callable[..., T], *args: Any
    ) -> T | Other:
        """As `run`; an error becomes a log line that names `what`, and the result `otherwise`."""
        try:
            return await self.run(work, *args)
        except Exception:
            log.exception("%s failed", what)
            return otherwise

    def call(self, callback: Callable[..., None], *args: Any) -> None:
        """From any thread: have `callback(*args)` called on the loop, unless it is gone.

        In the context of whoever made this: a callback would otherwise run in the calling
        thread's, where Textual knows no app.
        """
        # It may be closed between a look at it and the call: then nobody waits for the answer.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback, *args, context=self._context)

    def reply(
        self, future: Future[T], good: Callable[[T], None], bad: Callable[[str], None]
    ) -> None:
        """Hand the future's result to `good`, or its error in one line to `bad`, on the loop."""

        def answer() -> None:
            if future.cancelled():  # by `close`
                return
            error = future.exception()
            if error is None:
                good(future.result())
            else:
                log.error("%s", error, exc_info=error)
                bad(str(error))

        future.add_done_callback(lambda _: self.call(answer))

    async def close(self) -> None:
        """Cancel what still runs and let the pool go."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, task: asyncio.Task[None], bad: Callable[[str], None] | None) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a task of the bench failed: %s", error, exc_info=error)
            if bad is not None:
                bad(str(error) or type(error).__name__)
