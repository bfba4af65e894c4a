"""A SIMULATOR of a bedside monitor with a ventilator that speaks IEEE 11073 SDC: for demonstrations, replays and tests.

It measures nothing. It publishes the values that it is given, calls itself a simulator in its model, its type and its
address, and marks every value as demonstration data, which the door takes only where its section says ``demo = true``.
It is a real SDC provider all the same: discovery, description, subscriptions and reports go over sockets, made by the
provider side of sdc11073 3.0.0, of which the role providers (settings, alarms that work by themselves) are no part.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from types import TracebackType
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of itself: commlog
    from sdc11073.certloader import SSLContextContainer
    from sdc11073.location import SdcLocation
    from sdc11073.mdib.providermdib import ProviderMdib
    from sdc11073.provider.providerimpl import SdcProvider, provider_components_sync_factory
    from sdc11073.wsdiscovery import WSDiscovery
    from sdc11073.xml_types import pm_types
    from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

LOOPBACK = "127.0.0.1"
CHANNELS: Mapping[str, tuple[str, float]] = {
    "heart_rate": ("hr", 1.0),
    "oxygen_saturation": ("spo2", 1.0),
    "pulse_rate": ("pulse", 1.0),
    "respiratory_rate": ("rr", 1.0),
    "end_tidal_carbon_dioxide": ("etco2", 1.0),
    "systolic_pressure": ("abp_sys", 1.0),
    "diastolic_pressure": ("abp_dia", 1.0),
    "mean_arterial_pressure": ("abp_mean", 1.0),
    "central_venous_pressure": ("cvp", 1.0),
    "temperature": ("temp", 1.0),
    "peak_pressure": ("peak", 1.0),
    "plateau_pressure": ("plateau", 1.0),
    "tidal_volume": ("vte", 1000.0),  # L in the record, mL on the device
    "minute_ventilation": ("mv", 1.0),
    "peep": ("peep", 1.0),
    "fio2": ("fio2", 100.0),  # a fraction in the record, % on the device
}
"""Channels that it shows: handle of the metric, and what a value in the record's unit is multiplied by."""
WAVE = "abp_wave"


class _Unannounced:
    """In place of a discovery: a device that can only be reached by its address."""

    active_address = LOOPBACK

    def publish_service(self, epr: str, types: Any, scopes: Any, x_addrs: Any) -> None:
        """Nothing is announced."""

    def clear_service(self, epr: str) -> None:
        """Nothing was announced."""


class SimulatedMonitor:
    """A simulated monitor; use it as a context. Loopback only.

    endpoint      its endpoint reference; made anew when not given
    place         where it says it stands: ``{"fac": "H1", "bed": "7"}``
    discoverable  whether it answers WS-Discovery on the loopback interface
    mode          ``Demo``; ``Real`` only in tests of what real values become
    tls           contexts of its certificate; None: plain HTTP
    period_s      s between its values as it says itself; None: 1 s. A chart that is played through it is no monitor
    """

    def __init__(
        self,
        endpoint: str = "",
        place: Mapping[str, str] | None = None,
        *,
        discoverable: bool = False,
        mode: str = "Demo",
        tls: SSLContextContainer | None = None,
        period_s: float | None = None,
    ) -> None:
        self._mode = pm_types.GenerationMode(mode)
        self._discovery = WSDiscovery(LOOPBACK) if discoverable else _Unannounced()
        self._mdib = ProviderMdib.from_string((files(__package__) / "provider.xml").read_bytes())
        for descriptor in self._mdib.descriptions.objects if period_s is not None else ():
            if getattr(descriptor, "DeterminationPeriod", None) is not None:
                descriptor.DeterminationPeriod = period_s
        model = ThisModelType("caretwin", "https://example.org/simulator", "SIMULATOR of a bedside monitor", "1")
        device = ThisDeviceType("SIMULATED monitor, no measurements", "1", "0")
        number = uuid.UUID(endpoint) if endpoint else uuid.uuid4()
        self._provider = SdcProvider(
            self._discovery, model, device, self._mdib, number, ssl_context_container=tls, socket_timeout=5,
            max_subscription_duration=30, components=provider_components_sync_factory(),
        )  # fmt: skip
        self._place = SdcLocation(**(place or {"fac": "simulation", "bed": "1"}))

    @property
    def endpoint(self) -> str:
        """Its endpoint reference, ``urn:uuid:...``."""
        return str(self._provider.epr_urn)

    @property
    def address(self) -> str:
        """Where it is reached, once it runs: what the door's setting ``provider`` wants."""
        return str(self._provider.get_xaddrs()[0])

    def __enter__(self) -> SimulatedMonitor:
        if isinstance(self._discovery, WSDiscovery):
            self._discovery.start()
        self._provider.start_all(start_rtsample_loop=False)
        self._provider.set_location(self._place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, *, goodbye: bool = True) -> None:
        """Switch it off; without a goodbye its subscribers are not told, as when a plug is pulled."""
        self._provider.stop_all(send_subscription_end=goodbye)
        if isinstance(self._discovery, WSDiscovery):
            self._discovery.stop()

    def forget_subscribers(self) -> None:
        """Lose all subscriptions without a word, as a device that was restarted inside."""
        for manager in self._provider._subscriptions_managers.values():
            with manager._subscriptions.lock:
                manager._subscriptions.clear()

    # what it shows -------------------------------------------------------------------------------------------------

    def publish(self, values: Mapping[str, float | None], at: int, validity: str = "Vld") -> None:
        """Show values by channel, in the record's units, determined at a time (us); None: there is none now."""
        with self._mdib.metric_state_transaction(set_determination_time=False) as transaction:
            for channel, value in values.items():
                handle, factor = CHANNELS[channel]
                state = transaction.get_state(handle)
                number = None if value is None else Decimal(f"{value * factor:.6g}")
                self._set(state, number, at, validity if value is not None else "NA")

    def say(self, handle: str, text: str, at: int) -> None:
        """Show a word, such as the ventilator's mode under ``vent_mode``."""
        with self._mdib.metric_state_transaction(set_determination_time=False) as transaction:
            self._set(transaction.get_state(handle), text, at, "Vld")

    def wave(self, samples: Sequence[float], at: int) -> None:
        """Send a block of the arterial pressure curve (mmHg, 125 Hz) whose first sample was at a time (us)."""
        with self._mdib.rt_sample_state_transaction() as transaction:
            state = transaction.get_state(WAVE)
            if state.MetricValue is None:
                state.mk_metric_value()
            state.MetricValue.Samples = [Decimal(f"{one:.6g}") for one in samples]
            self._stamp(state, at, "Vld")

    def alarm(self, handle: str, present: bool, at: int, signal: str = "") -> None:
        """An alarm condition (``hr_high``, ``probe_off``) begins or ends at a time (us).

        signal  presence of its audible and visible signals: "On", "Off", "Latch", "Ack"; "": On while it is present
        """
        with self._mdib.alert_state_transaction(set_determination_time=False) as transaction:
            state = transaction.get_state(handle)
            state.ActivationState = pm_types.AlertActivation.ON
            state.Presence, state.DeterminationTime = present, at / 1e6
            for kind in ("aud", "vis"):
                shown = transaction.get_state(f"{handle}_{kind}")
                shown.ActivationState = pm_types.AlertActivation.ON
                shown.Presence = pm_types.AlertSignalPresence(signal or ("On" if present else "Off"))

    def _set(self, state: Any, value: Decimal | str | None, at: int, validity: str) -> None:
        if state.MetricValue is None:
            state.mk_metric_value()
        state.MetricValue.Value = value
        self._stamp(state, at, validity)

    def _stamp(self, state: Any, at: int, validity: str) -> None:
        state.ActivationState = pm_types.ComponentActivation.ON
        state.MetricValue.DeterminationTime = at / 1e6
        state.MetricValue.MetricQuality.Validity = pm_types.MeasurementValidity(validity)
        state.MetricValue.MetricQuality.Mode = self._mode

    # whom it is connected to ---------------------------------------------------------------------------------------

    def admit(self, identifiers: Sequence[tuple[str, str]], at: int | None) -> None:
        """Associate a patient from a time on (us; None: the device does not say since when); ends who was before.

        identifiers  (system, number)
        """
        with self._mdib.context_state_transaction() as transaction:
            self._leave(transaction, at)
            state = transaction.mk_context_state("patient", set_associated=True)
            state.BindingStartTime = None if at is None else at / 1e6
            state.Identification = _numbers(identifiers)

    def rename(self, identifiers: Sequence[tuple[str, str]]) -> None:
        """Change the identifiers of who is associated, in place: what no device should do to change its patient."""
        with self._mdib.context_state_transaction() as transaction:
            for one in self._associated():
                transaction.get_context_state(one.Handle).Identification = _numbers(identifiers)

    def discharge(self, at: int | None) -> None:
        """End the association at a time (us; None: the device does not say when)."""
        with self._mdib.context_state_transaction() as transaction:
            self._leave(transaction, at)

    def _leave(self, transaction: Any, at: int | None) -> None:
        for one in self._associated():
            state = transaction.get_context_state(one.Handle)
            state.ContextAssociation = pm_types.ContextAssociation.DISASSOCIATED
            state.UnbindingMdibVersion = transaction.new_mdib_version
            state.BindingEndTime = None if at is None else at / 1e6

    def _associated(self) -> list[Any]:
        held = self._mdib.context_states.descriptor_handle.get("patient", [])
        return [one for one in held if one.ContextAssociation == pm_types.ContextAssociation.ASSOCIATED]


def _numbers(identifiers: Sequence[tuple[str, str]]) -> list[Any]:
    return [pm_types.InstanceIdentifier(system, extension_string=value) for system, value in identifiers]
