"""What one device has said so far, as far as it gives meaning to what it says next; makes the reports.

A feed outlives its connections: whose values they are, when an alarm began, what was said already and how fresh each
signal is must not depend on whether the cable was out for a minute. It is called by threads of the library and by
ours, one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

from caretwin.ingest.doors.sdc import states
from caretwin.ingest.doors.sdc.patients import Associations
from caretwin.ingest.doors.sdc.report import Alert, Metric, Report, Stale, Waveform
from caretwin.ingest.doors.sdc.stale import FreshnessClock, limit

SILENT = frozenset({"Off", ""})


class Feed:
    """One device.

    provider  its endpoint reference; clock  us UTC now; expected_s  s between values where it does not say
    send      takes a report, and whether it may be dropped when there is no room
    """

    def __init__(
        self, provider: str, clock: Callable[[], int], expected_s: float, send: Callable[[Report, bool], object]
    ) -> None:
        self.provider, self._clock, self._expected_s, self._send = provider, clock, expected_s, send
        self._people, self._fresh = Associations(), FreshnessClock()
        self._alerts: dict[str, Alert] = {}
        self._said: dict[str, tuple[int | None, int]] = {}
        self._latest = 0
        self._lock = threading.Lock()

    def snapshot(self, mdib: Any) -> None:
        """Take in all that a device holds: at a connection, and after a change of its description."""
        held = list(mdib.states.objects)
        times = [when for one in held if (when := _time(one)) is not None]
        with self._lock:
            self._latest = max(self._latest, *times) if times else self._latest
            self._meet(mdib)
            values = [one for one in held if one.is_metric_state and _time(one) is not None]
            # an undated value of a snapshot may be from yesterday: only what comes after it can be dated by its arrival
            self._report(mdib, metrics=self._metrics(mdib, values), alerts=self._alarms(mdib, held))

    def metrics(self, mdib: Any, said: Iterable[Any]) -> None:
        """Metric states changed."""
        with self._lock:
            self._meet(mdib)
            self._report(mdib, metrics=self._metrics(mdib, said))

    def alerts(self, mdib: Any, said: Iterable[Any]) -> None:
        """Alert states changed."""
        with self._lock:
            self._meet(mdib)
            self._report(mdib, alerts=self._alarms(mdib, said))

    def contexts(self, mdib: Any) -> None:
        """Context states changed: patients are looked up before every report, so this only ends what must end now."""
        with self._lock:
            self._meet(mdib)

    def waveforms(self, mdib: Any, said: Iterable[Any]) -> None:
        """Samples came."""
        blocks = [block for one in said if (block := states.waveform(one, *_device(mdib, one))) is not None]
        if blocks:
            with self._lock:
                self._meet(mdib)
                self._report(mdib, waveforms=blocks, droppable=True)

    def tick(self) -> None:
        """Look at the clocks: signals that were not refreshed in time are reported stale."""
        with self._lock:
            due = self._fresh.due(self._clock())
            if due:
                patients = self._people.patients()
                self._send(Report(self.provider, self._clock(), patients, stale=tuple(due)), False)

    def forget(self) -> None:
        """Forget who was here before, and their alarms: somebody was erased, and an alarm's end would write them back.

        Who is associated now stays, with what was said: a device that says more of somebody tells it anew.
        """
        with self._lock:
            gone = [one for one in self._people.ended if one.until is not None]
            self._people.ended = [one.unnamed() for one in gone]
            self._alerts = {
                handle: alert
                for handle, alert in self._alerts.items()
                if not any(one.mds == alert.mds and one.since <= alert.began < (one.until or 0) for one in gone)
            }

    def stale(self) -> list[str]:
        """Names of the signals that are stale now."""
        with self._lock:
            return self._fresh.stale()

    def associated(self) -> bool:
        """Whether somebody is associated with the device now."""
        with self._lock:
            return bool(self._people.open)

    def _meet(self, mdib: Any) -> None:
        """Who is there now, before anything is attributed."""
        found = {
            one.Handle: states.context(one, states.device_of(mdib, one.descriptor_container))
            for one in mdib.context_states.objects
            if _is_patient(one)
        }
        for mds in self._people.see(found, self._latest):
            self._fresh.forget(mds)

    def _metrics(self, mdib: Any, said: Iterable[Any]) -> list[tuple[Metric, Stale | None]]:
        """Values that were not said yet, each with the end of a staleness that it brings."""
        found = []
        for state in said:
            metric = states.metric(state, *_device(mdib, state))
            if metric is None or self._said.get(metric.handle) == (metric.when, metric.version):
                continue
            renewed = self._refresh(metric, state)
            self._said[metric.handle] = (metric.when, metric.version)
            found.append((metric, renewed))
        return found

    def _refresh(self, metric: Metric, state: Any) -> Stale | None:
        """A new determination restarts the signal's clock; a repetition of the last one does not."""
        now = self._clock()
        when = now if metric.when is None else metric.when
        before = self._said.get(metric.handle)
        if before is not None and before[0] == metric.when and metric.when is not None:
            return None
        self._latest = max(self._latest, when)
        pace = states.pace(state.descriptor_container)
        allowed = limit(pace, metric.codes, self._expected_s)
        return self._fresh.refresh(metric.handle, metric.mds, metric.codes, allowed, when, now)

    def _alarms(self, mdib: Any, said: Iterable[Any]) -> list[Alert]:
        """Conditions that began, changed or ended, and those whose signals changed."""
        handles: dict[str, None] = {}
        for state in said:
            if state.is_alert_condition:
                handles[state.DescriptorHandle] = None
            elif state.is_alert_signal:
                handles[state.descriptor_container.ConditionSignaled] = None
        return [alert for handle in handles if handle and (alert := self._alarm(mdib, handle)) is not None]

    def _alarm(self, mdib: Any, handle: str) -> Alert | None:
        state = mdib.states.descriptor_handle.get_one(handle, allow_none=True)
        known = self._alerts.get(handle)
        if state is None or (known is None and not state.Presence):
            return None
        signals = _signals(mdib, handle)
        again = known is not None and known.ended is not None and bool(state.Presence)
        began = None if known is None or again else known.began
        mds, _ = _device(mdib, state)
        found = states.alert(state, mds, self._clock(), began, signals)
        if known is not None and not again and known.ended is not None:
            found = structs.replace(found, ended=known.ended)
        if found.ended is None or set(signals.values()) - SILENT:
            self._alerts[handle] = found
        else:
            self._alerts.pop(handle, None)
        # a self-check says the same at a new time: only a difference is news
        return None if known is not None and structs.replace(found, when=known.when) == known else found

    def _report(
        self,
        mdib: Any,
        metrics: Iterable[tuple[Metric, Stale | None]] = (),
        alerts: Iterable[Alert] = (),
        waveforms: Iterable[Waveform] = (),
        droppable: bool = False,
    ) -> None:
        metrics, alerts, waveforms = list(metrics), tuple(alerts), tuple(waveforms)
        if not (metrics or alerts or waveforms):
            return
        report = Report(
            provider=self.provider,
            received=self._clock(),
            patients=self._people.patients(),
            metrics=tuple(metric for metric, _ in metrics),
            alerts=alerts,
            waveforms=waveforms,
            stale=tuple(renewed for _, renewed in metrics if renewed is not None),
            sequence=str(mdib.sequence_id or ""),
            version=int(mdib.mdib_version or 0),
        )
        self._send(report, droppable)


def _time(state: Any) -> int | None:
    return states.us(getattr(getattr(state, "MetricValue", None), "DeterminationTime", None))


def _is_patient(state: Any) -> bool:
    return bool(state.descriptor_container.NODETYPE.localname == "PatientContextDescriptor")


def _device(mdib: Any, state: Any) -> tuple[str, str]:
    """The device (mds) that a state is of, and its operating mode; normal where it does not say."""
    handle = states.device_of(mdib, state.descriptor_container)
    mode = getattr(mdib.states.descriptor_handle.get_one(handle, allow_none=True), "OperatingMode", None)
    return handle, "Nml" if mode is None else str(getattr(mode, "value", mode))


def _signals(mdib: Any, condition: str) -> dict[str, str]:
    """Presence of the signals of a condition by manifestation; of several of one kind the loudest."""
    order = ("Off", "Ack", "Latch", "On")
    found: dict[str, str] = {}
    for state in mdib.states.objects:
        descriptor = state.descriptor_container
        if state.is_alert_signal and descriptor.ConditionSignaled == condition:
            kind, presence = str(descriptor.Manifestation), str(state.Presence)
            found[kind] = max(found.get(kind, "Off"), presence, key=order.index)
    return found
