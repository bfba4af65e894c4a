"""From the state containers of sdc11073 to our report: the only module that knows how the library names things.

Containers are taken as they come (``Any``): they are made by the library from a device's XML, and what a device left
out is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caretwin.ingest.decoded import MDC, UCUM
from caretwin.ingest.doors.sdc.patients import Association, Ended
from caretwin.ingest.doors.sdc.report import Alert, Coded, Metric, Waveform
from caretwin.ingest.doors.sdc.stale import Pace
from caretwin.ingest.doors.sdc.units import unit_of

SYSTEMS: Mapping[str | None, str] = {
    None: MDC,  # the implied coding system of IEEE 11073-10207
    "urn:oid:1.2.840.10004.1.1.1.0.0.1": MDC,
    "urn:oid:2.16.840.1.113883.6.8": UCUM,
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
}
UNKNOWN_ROOT = "urn:ietf:rfc:3986"
"""System of an identifier that is a URI by itself, as FHIR names it."""


def us(seconds: float | None) -> int | None:
    """Seconds of the library as microseconds."""
    return None if seconds is None else round(float(seconds) * 1e6)


def codes(coded: Any) -> tuple[Coded, ...]:
    """All codings of a coded value, the device's own first; nothing for none."""
    if coded is None:
        return ()
    text = next((one.text for one in coded.ConceptDescription if one.text), "") or ""
    return tuple(Coded(one.Code, _system(one.CodingSystem), text) for one in (coded, *coded.Translation))


def _system(uri: str | None) -> str:
    return SYSTEMS.get(uri, uri or MDC)


def unit(coded: Any) -> str:
    """The UCUM unit of a metric's unit code: any of its codings may be the one that we know."""
    found = [unit_of(one.system, one.code) for one in codes(coded)]
    return next((one for one in found if " " not in one), found[0] if found else "")


def device_of(mdib: Any, descriptor: Any) -> str:
    """Handle of the device (mds) that something is part of: up its parents, for the library leaves it open."""
    while descriptor.parent_handle:
        above = mdib.descriptions.handle.get_one(descriptor.parent_handle, allow_none=True)
        if above is None:
            break
        descriptor = above
    return str(descriptor.Handle)


def metric(state: Any, mds: str, operating: str) -> Metric | None:
    """A numeric, string or enumerated metric; None for one that never had a value, and for a distribution.

    mds        the device that it is part of; operating  that device's operating mode: in any but the normal one, no
               value is real
    """
    said, descriptor = state.MetricValue, state.descriptor_container
    if said is None or not hasattr(said, "Value"):
        return None
    number = said.Value if not isinstance(said.Value, str) else None
    method = descriptor.DerivationMethod
    return Metric(
        handle=state.DescriptorHandle,
        mds=mds,
        codes=codes(descriptor.Type),
        unit=unit(descriptor.Unit),
        when=us(said.DeterminationTime),
        version=int(state.StateVersion or 0),
        value=None if number is None else float(number),
        text=said.Value if isinstance(said.Value, str) else "",
        validity=_word(said.MetricQuality.Validity),
        mode=_mode(said, operating),
        active=_word(state.ActivationState) or "On",
        method="manual" if _word(method) == "Man" else "",
    )


def waveform(state: Any, mds: str, operating: str) -> Waveform | None:
    """A block of samples, rounded to the resolution; None without samples, without a time and for an invalid block."""
    said, descriptor = state.MetricValue, state.descriptor_container
    samples = getattr(said, "Samples", None)
    if not samples or said.DeterminationTime is None or not descriptor.SamplePeriod:
        return None
    if _word(said.MetricQuality.Validity) not in ("Vld", "Vldated", "Qst"):
        return None
    digits = _digits(descriptor.Resolution)
    return Waveform(
        handle=state.DescriptorHandle,
        mds=mds,
        codes=codes(descriptor.Type),
        unit=unit(descriptor.Unit),
        when=us(said.DeterminationTime) or 0,
        period_s=float(descriptor.SamplePeriod),
        values=tuple(round(float(one), digits) for one in samples),
        mode=_mode(said, operating),
    )


def alert(state: Any, mds: str, received: int, began: int | None, signals: Mapping[str, str]) -> Alert:
    """An alert condition of a device; began  when it began, if that is known already (us)."""
    descriptor = state.descriptor_container
    when = us(state.DeterminationTime) or received
    limits = getattr(state, "Limits", None)
    begun = when if began is None else began
    return Alert(
        handle=state.DescriptorHandle,
        mds=mds,
        codes=codes(descriptor.Type),
        kind=_word(descriptor.Kind),
        priority=_word(state.ActualPriority) or _word(descriptor.Priority) or "None",
        when=when,
        began=begun,
        ended=None if state.Presence else max(begun, when),
        signals=dict(signals),
        lower=_number(limits, "Lower"),
        upper=_number(limits, "Upper"),
    )


def pace(descriptor: Any) -> Pace:
    """How often a metric is refreshed, as its description says."""
    return Pace(
        descriptor.DeterminationPeriod and float(descriptor.DeterminationPeriod),
        descriptor.LifeTimePeriod and float(descriptor.LifeTimePeriod),
        _word(descriptor.MetricAvailability) == "Cont",
        _word(descriptor.MetricCategory) in ("Set", "Preset"),
    )


def context(state: Any, mds: str) -> Association | Ended:
    """A patient context state of a device: an association, or that there is none."""
    if _word(state.ContextAssociation) != "Assoc":
        return Ended(us(state.BindingEndTime))
    numbers = tuple(_identifier(one) for one in state.Identification)
    return Association(mds, numbers, us(state.BindingStartTime))


def _identifier(one: Any) -> tuple[str, str]:
    root = one.Root or ""
    return (root, one.Extension) if one.Extension else (UNKNOWN_ROOT, root)


def _mode(said: Any, operating: str) -> str:
    quality = _word(said.MetricQuality.Mode) or "Real"
    return quality if quality != "Real" or operating == "Nml" else operating


def _word(enumerated: Any) -> str:
    return "" if enumerated is None else str(getattr(enumerated, "value", enumerated))


def _number(holder: Any, name: str) -> float | None:
    found = getattr(holder, name, None)
    return None if found is None else float(found)


def _digits(resolution: Any) -> int:
    """Decimal places of a resolution (a Decimal): 2 for 0.01 and for 0.05, 0 for 1 and for 5."""
    exponent = resolution.normalize().as_tuple().exponent if resolution else -6
    return max(0, -int(exponent))
