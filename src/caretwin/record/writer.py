"""Group commit: whatever arrived while the disk was busy goes into the next commit, and is acknowledged after it.

One thread owns the writing. Its queue is bounded: when it is full, those who submit wait or are told so, and the
back-pressure reaches the sender; nothing is dropped in silence.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import NamedTuple

from caretwin.base.errors import CaretwinError
from caretwin.record.access import Actor
from caretwin.record.entry import Batch, Receipt
from caretwin.record.record import Record

MOST_WAITING = 4096
"""Batches that may wait for the disk."""
LOOKS_AGAIN_S = 0.001
"""s after which whoever waits for room looks again."""
MOST_ENTRIES = 20_000
"""Entries in one commit: a larger one would make the first of them wait too long for its acknowledgement."""


class BusyError(CaretwinError):
    """Raised when so much waits for the disk that a sender has to hold on."""


class _Work(NamedTuple):
    actor: Actor
    batch: Batch
    done: Future[Receipt]


class Writer:
    """Commits what many submit. Use it as a context: leaving it commits what still waits.

    Example: ``with Writer(record) as writer: receipt = writer.submit(actor, batch).result()``.
    """

    def __init__(self, record: Record, most_waiting: int = MOST_WAITING) -> None:
        self._record = record
        self._queue: queue.Queue[_Work | None] = queue.Queue(most_waiting)
        self._closed, self._closing = False, threading.Lock()
        self._thread = threading.Thread(target=self._run, name="record-writer", daemon=True)
        self._thread.start()

    def submit(self, actor: Actor, batch: Batch, *, wait_s: float = 0.0) -> Future[Receipt]:
        """Hand a batch over; the future is done when the batch is on the disk, and only then may it be acknowledged.

        wait_s  how long to wait for room (s)
        Raises BusyError when there is none, and RuntimeError after :meth:`close`.
        """
        done: Future[Receipt] = Future()
        try:
            self._put(_Work(actor, batch, done), wait_s)
        except queue.Full as problem:
            raise BusyError(
                "keeping a batch",
                seen=f"{self._queue.maxsize} batches that wait for the disk",
                wanted="a disk that keeps up, or a sender that waits",
                fix="send again later; nothing of this batch was kept or acknowledged",
            ) from problem
        return done

    def _put(self, work: _Work, wait_s: float) -> None:
        """Into the queue, unless it was closed; what waits for room does not keep others from asking."""
        end = time.monotonic() + wait_s
        while True:
            with self._closing:  # so that nothing comes after the end mark, where nobody would ever take it
                if self._closed:
                    raise RuntimeError("the writer is closed: nothing more can be kept")
                try:
                    return self._queue.put_nowait(work)
                except queue.Full:
                    if time.monotonic() >= end:
                        raise
            time.sleep(LOOKS_AGAIN_S)

    def waiting(self) -> int:
        """Batches that wait now."""
        return self._queue.qsize()

    def close(self) -> None:
        """Commit what waits, then end."""
        with self._closing:
            first, self._closed = not self._closed, True
        if first:
            self._queue.put(None)
            self._thread.join()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        more = True
        while more:
            work, more = self._gather()
            if work:
                self._commit(work)

    def _gather(self) -> tuple[list[_Work], bool]:
        """All that waits, up to a commit's size; and whether to go on."""
        found: list[_Work] = []
        entries = 0
        item = self._queue.get()
        while item is not None:
            if item.done.set_running_or_notify_cancel():  # who no longer waits was not told that it is kept
                found.append(item)
                entries += len(item.batch.entries)
            if entries >= MOST_ENTRIES:
                return found, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return found, True
        return found, False

    def _commit(self, work: Sequence[_Work]) -> None:
        """One commit for all; when it fails, each alone, so that a bad batch does not take the others with it."""
        try:
            receipts = self._record.append_all([(one.actor, one.batch) for one in work])
        except Exception as problem:
            if len(work) == 1:
                work[0].done.set_exception(problem)
                return
            for one in work:
                self._commit([one])
            return
        for one, receipt in zip(work, receipts, strict=True):
            one.done.set_result(receipt)
