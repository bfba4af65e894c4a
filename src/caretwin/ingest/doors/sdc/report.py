"""What an SDC device said, as JSON: the form in which a report is decoded, kept in quarantine and replayed.

A device's report is XML that means something only together with the device's description and the reports before it.
So what is needed of those stands in the report: codes and units of each state, who was associated with the device and
when, since when an alarm is on. Times are microseconds UTC, by the device's clock unless said otherwise.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from caretwin.ingest.decoded import MDC, Refusal, RefusedError

MEDIA = "application/vnd.caretwin.sdc+json"
"""Media type of a report in this form."""
Instant = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""us since 1970, within the years 1 to 9999."""
Version = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Coded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code with its system (a URI, or ``"local:..."``) and the device's word for it."""

    code: str
    system: str = MDC
    text: str = ""


class Patient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is or was associated with a device.

    mds          the device of the box (a gateway may speak for several beds)
    identifiers  (system, value) as the device has them; none: it knows that somebody is there, not who
    since, until when the association held: from, and up to but not including; None: still holds
    """

    mds: str
    identifiers: tuple[tuple[str, str], ...]
    since: Instant
    until: Instant | None = None

    def unnamed(self) -> Patient:
        """That somebody was associated, and no longer who; whoever is associated now keeps the name."""
        return self if self.until is None else msgspec.structs.replace(self, identifiers=())


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value.

    when      determination time; None: the device did not say
    version   state version: orders statements about one determination
    validity  ``Vld``, ``Qst``, ``Inv``, ... (IEEE 11073-10207, MeasurementValidity)
    mode      ``Real``, ``Test`` or ``Demo`` (GenerationMode), or the device's operating mode where it is not normal
    active    ``On``, ``Off``, ``StndBy``, ... (ComponentActivation)
    """

    handle: str
    mds: str
    codes: tuple[Coded, ...]
    unit: str
    when: Instant | None
    version: Version = 0
    value: float | None = None
    text: str = ""
    validity: str = "Vld"
    mode: str = "Real"
    active: str = "On"
    method: str = ""


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert condition that is or was present.

    kind      ``Phy``, ``Tec`` or ``Oth``; priority  ``None``, ``Lo``, ``Me`` or ``Hi``
    when      time of this statement; began, ended  of the condition
    signals   presence of its signals by manifestation: ``{"Aud": "On", "Vis": "Latch"}``
    lower, upper  alarm limits, where it has them, in the unit of what it watches
    """

    handle: str
    mds: str
    codes: tuple[Coded, ...]
    kind: str
    priority: str
    when: Instant
    began: Instant
    ended: Instant | None = None
    signals: dict[str, str] = msgspec.field(default_factory=dict)
    lower: float | None = None
    upper: float | None = None


class Waveform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block of samples. when  time of the first; period_s  s between two; values  rounded to the resolution."""

    handle: str
    mds: str
    codes: tuple[Coded, ...]
    unit: str
    when: Instant
    period_s: Annotated[float, msgspec.Meta(gt=0, le=3600)]
    values: tuple[float, ...]
    mode: str = "Real"


class Stale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that was not refreshed in time. since  its determination; until  when the next came, None: not yet."""

    handle: str
    mds: str
    codes: tuple[Coded, ...]
    limit_s: float
    since: Instant
    until: Instant | None = None


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device said at once.

    provider  its endpoint reference; sequence, version  which state of its description and values this is
    received  when it came (us, our clock)
    patients  who is or was associated with it, as far back as matters for what is said here
    """

    provider: str
    received: Instant
    patients: tuple[Patient, ...] = ()
    metrics: tuple[Metric, ...] = ()
    alerts: tuple[Alert, ...] = ()
    waveforms: tuple[Waveform, ...] = ()
    stale: tuple[Stale, ...] = ()
    sequence: str = ""
    version: Version = 0

    def of_who_is_there(self) -> Report:
        """The same, without the names of those who are no longer with the device."""
        return msgspec.structs.replace(self, patients=tuple(one.unnamed() for one in self.patients))


def write(report: Report) -> bytes:
    """A report as JSON."""
    return msgspec.json.encode(report)


def read(raw: bytes) -> Report:
    """A report from JSON. Raises RefusedError for whatever is not one."""
    try:
        return msgspec.json.decode(raw, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        seen = str(problem) if isinstance(problem, msgspec.ValidationError) else "bytes that are no JSON"
        raise RefusedError(
            Refusal(
                "SDC report",
                seen[:200],
                "a report as this door writes it",
                "replay it unchanged; a device itself speaks to the door, not through files",
                "structure",
            )
        ) from problem
