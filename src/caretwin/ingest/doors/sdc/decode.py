"""From a report of an SDC device to coded values and events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from caretwin.ingest.decoded import Code, CodedValue, Decodable, Decoded
from caretwin.ingest.doors.sdc.patients import owner
from caretwin.ingest.doors.sdc.report import Alert, Coded, Metric, Report, Stale, Waveform
from caretwin.record.entry import Event, SubjectRef

GOOD = frozenset({"Vld", "Vldated"})
ABSENT: Mapping[str, str] = {
    "Ong": "measurement ongoing",
    "Calib": "calibration ongoing",
    "Inv": "invalid",
    "Oflw": "above the measurable range",
    "Uflw": "below the measurable range",
    "NA": "not available",
}
"""Validities under which a number is no measurement, in words (IEEE 11073-10207, MeasurementValidity)."""
PRIORITIES: Mapping[str, str] = {"Hi": "high", "Me": "medium", "Lo": "low", "None": "none"}
KINDS: Mapping[str, str] = {"Phy": "physiological", "Tec": "technical", "Oth": "other"}


@dataclass
class Decoder:
    """Decodes one report.

    source     of its events: the door and the device
    fixed      whose things are that the device gives to nobody
    demo       whether values of a demonstration or a test may be taken for values
    waveforms  whether sample blocks are kept
    left       what was not kept, by reason
    """

    source: str
    fixed: SubjectRef | None = None
    demo: bool = False
    waveforms: bool = False
    left: Counter[str] = field(default_factory=Counter)

    def decode(self, report: Report) -> Decoded:
        """Everything that it says of somebody whom we know; reasons of what is left out, with how often."""
        parts = [*self._metrics(report), *self._alerts(report), *self._stale(report), *self._waveforms(report)]
        ignored = tuple(f"{count} x {reason}" for reason, count in sorted(self.left.items()))
        return Decoded(tuple(parts), message=f"{report.sequence}#{report.version}", ignored=ignored)

    def _whose(self, report: Report, mds: str, when: int) -> SubjectRef | None:
        found = owner(report.patients, mds, when, self.fixed)
        if found.subject is None:
            self.left[found.reason] += 1
        return found.subject

    def _real(self, mode: str) -> bool:
        if mode == "Real" or self.demo:
            return True
        self.left[f"mode {mode}, not real"] += 1
        return False

    def _metrics(self, report: Report) -> Iterator[Decodable]:
        for metric in report.metrics:
            when = report.received if metric.when is None else metric.when
            if self._real(metric.mode) and (subject := self._whose(report, metric.mds, when)):
                yield _value(metric, subject, when, report)

    def _alerts(self, report: Report) -> Iterator[Decodable]:
        for alert in report.alerts:
            if subject := self._whose(report, alert.mds, alert.began):
                name = f"{alert.handle}@{alert.began}"
                yield Event(
                    subject, "device_alert", alert.began, self._source(report), _alert_body(alert), alert.ended, name,
                    alert.when,
                )  # fmt: skip

    def _stale(self, report: Report) -> Iterator[Decodable]:
        for one in report.stale:
            if subject := self._whose(report, one.mds, one.since):
                name = f"stale:{one.handle}@{one.since}"
                body = {**_code(one), "limit_s": one.limit_s}
                yield Event(
                    subject, "signal_stale", one.since, self._source(report), body, one.until, name, one.until or 0
                )

    def _waveforms(self, report: Report) -> Iterator[Decodable]:
        if not self.waveforms:
            self.left["waveform block, not asked for"] += len(report.waveforms)
            self.left += Counter()  # drops a zero
            return
        for wave in report.waveforms:
            if self._real(wave.mode) and (subject := self._whose(report, wave.mds, wave.when)):
                stop = wave.when + round(len(wave.values) * wave.period_s * 1e6)
                name = f"{wave.handle}@{wave.when}"
                yield Event(
                    subject, "waveform", wave.when, self._source(report), _wave_body(wave), stop, name, wave.when
                )

    def _source(self, report: Report) -> str:
        return f"{self.source}/{short(report.provider)}"


def short(provider: str) -> str:
    """An endpoint reference without what every one begins with."""
    return provider.removeprefix("urn:uuid:")


def _value(metric: Metric, subject: SubjectRef, when: int, report: Report) -> CodedValue:
    name = "" if metric.when is None else f"{metric.handle}@{metric.when}"
    note = _note(metric)
    kept = metric.value if not note.get("absent") else None
    return CodedValue(
        subject, tuple(Code(one.system, one.code, one.text) for one in metric.codes), when, kept, metric.unit, name,
        metric.version, device=short(report.provider), note=note or None, place=f"metric {metric.handle}",
    )  # fmt: skip


def _note(metric: Metric) -> dict[str, Any]:
    note: dict[str, Any] = {}
    if metric.active != "On":
        note["absent"] = f"the measurement is {metric.active}"
    elif metric.validity not in GOOD and metric.validity != "Qst":
        note["absent"] = ABSENT.get(metric.validity, f"validity {metric.validity}")
    elif metric.text:
        note["text"] = metric.text
    elif metric.value is None:
        note["absent"] = "the device shows no value"
    if metric.validity == "Qst":
        note["questionable"] = True
    if metric.mode != "Real":
        note["mode"] = metric.mode
    if metric.method:
        note["method"] = metric.method
    if metric.when is None:
        note["time"] = "received: the device did not say when"
    return note


def _code(said: Alert | Stale | Waveform) -> dict[str, Any]:
    """The code as an event says it: the device's first, with its word for it."""
    first = said.codes[0] if said.codes else Coded("unknown", "")
    return {"code": {"system": first.system, "code": first.code, "display": first.text}, "handle": said.handle}


def _alert_body(alert: Alert) -> dict[str, Any]:
    body = {
        **_code(alert),
        "priority": PRIORITIES.get(alert.priority, alert.priority),
        "kind": KINDS.get(alert.kind, alert.kind),
        "signals": dict(alert.signals),
    }
    limits = {"lower": alert.lower, "upper": alert.upper}
    return body | {name: value for name, value in limits.items() if value is not None}


def _wave_body(wave: Waveform) -> dict[str, Any]:
    body = {**_code(wave), "unit": wave.unit, "period_s": wave.period_s, "values": list(wave.values)}
    return body if wave.mode == "Real" else body | {"mode": wave.mode}
