"""Drawing in a process of its own: its libraries load, and its pictures grow, while the answer is being computed."""

import gc
import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType

from caretwin.review.drawings import Drawing


class DrawingProcess:
    """Draws what it is given, one after the other.

    Example: ``with DrawingProcess() as artist: artist.begin({"samples": drawing}); artist.finished()["samples"]``.
    """

    def __init__(self) -> None:
        self._begun: dict[str, tuple[Drawing, Future[str] | None]] = {}
        self._pool: ProcessPoolExecutor | None = None
        try:
            # A fresh interpreter: a copy of this one would share locks with the threads that compute.
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
            with _deaf_to_interrupts():
                self._pool.submit(_load)
        except (OSError, ImportError):
            return  # a machine that allows no second process still gets its report

    def __enter__(self) -> "DrawingProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, drawings: Mapping[str, Drawing]) -> None:
        """Start drawing; returns at once."""
        for name, drawing in drawings.items():
            try:
                self._begun[name] = drawing, self._pool.submit(_draw, drawing) if self._pool is not None else None
            except BrokenExecutor:
                self._begun[name] = drawing, None

    def finished(self) -> dict[str, str]:
        """SVG texts by name, when all are there."""
        return {name: _result(*begun) for name, begun in self._begun.items()}


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started here leaves Ctrl-C to the one that started it, which ends it too."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone may say it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(drawing: Drawing, future: "Future[str] | None") -> str:
    try:
        return _draw(drawing) if future is None else future.result()
    except BrokenExecutor:
        return _draw(drawing)


def _load() -> None:
    gc.disable()  # the process ends with its drawings
    from caretwin.review import figures  # noqa: F401


def _draw(drawing: Drawing) -> str:
    from caretwin.review.figures import draw

    return draw(drawing)
