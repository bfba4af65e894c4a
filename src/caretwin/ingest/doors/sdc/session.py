"""One connection to an SDC device, for reading: subscriptions, the mirror of its description, and whether it still
holds.

The consumer is made without the services by which a device can be set, so that nothing here can set one.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.ingest.doors.sdc.feed import Feed

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of itself: commlog
    from sdc11073 import observableproperties
    from sdc11073.certloader import SSLContextContainer, mk_ssl_contexts_from_folder
    from sdc11073.consumer.consumerimpl import SdcConsumer, default_components_factory
    from sdc11073.consumer.request_handler_deferred import DispatchKeyRegistryDeferred
    from sdc11073.definitions_sdc import SdcV1Definitions
    from sdc11073.httpserver.httprequesthandler import DispatchingRequestHandler
    from sdc11073.mdib.consumermdib import ConsumerMdib

logging.getLogger("sdc").addHandler(logging.NullHandler())  # else its errors go to stderr, with what was in the message

# The library answers each report in two small packets and lets the second wait for the device's acknowledgement, which
# a device holds back for 40 ms: a device that reports synchronously then gets rid of 22 reports a second, not hundreds.
DispatchingRequestHandler.disable_nagle_algorithm = True

READ_ONLY = frozenset({"GetServiceClient", "StateEventClient", "ContextServiceClient", "WaveformClient",
                       "DescriptionEventClient"})  # fmt: skip
"""Services that we use: none of them sets anything but the context service, of which only reports are asked for."""
TRIES = 3
"""Consumers that are made until one has whole schemas (assumed)."""
SOCKET_TIMEOUT_S = 5
"""s that a device may take to answer."""


class Connect(NamedTuple):
    """How to reach a device: its address, the TLS contexts (None: plain), whether its XML is checked by the schema."""

    address: str
    tls: SSLContextContainer | None = None
    validate: bool = True


def tls_contexts(folder: str | Path) -> SSLContextContainer:
    """TLS contexts from a folder with userkey.pem, usercert.pem and cacert.pem; both sides must have a certificate.

    Raises OSError for a missing file, ssl.SSLError for one that cannot be read.
    """
    return mk_ssl_contexts_from_folder(folder)


class Session:
    """An open connection; open one with :meth:`open`, which blocks for as long as the device takes to answer.

    endpoint  the endpoint reference that the device gives itself
    """

    def __init__(self, consumer: Any, mdib: Any, feed: Feed) -> None:
        self._consumer, self._mdib, self.feed = consumer, mdib, feed
        self._over = ""

    @classmethod
    def open(cls, to: Connect, feed_of: Callable[[str], Feed]) -> Session:
        """Connect, subscribe, read what the device holds, and follow it from then on.

        feed_of  the feed of a device by its endpoint reference
        Raises whatever the library raises: connection, TLS, HTTP and XML errors of many kinds.
        """
        consumer = _whole(lambda: _consumer(to))
        try:
            consumer.start_all(not_subscribed_actions=_periodic())
            mdib = ConsumerMdib(consumer, max_realtime_samples=1)
            host = consumer.host_description.relationship.Host
            session = cls(consumer, mdib, feed_of(host.EndpointReference.Address))
            session._follow()
        except BaseException:
            _stop(consumer, unsubscribe=True)
            raise
        return session

    def _follow(self) -> None:
        """Read the description, bind, and take in what is held, with no report in between: a report that came first
        would be attributed before it is known who is there.

        Strong references: the library's own are weak, and a callback that nobody holds is not called any more.
        """
        mdib, feed = self._mdib, self.feed
        bind = observableproperties.strongbind
        mdib.init_mdib()
        with mdib.mdib_lock:
            bind(mdib, metrics_by_handle=self._guarded(lambda said: feed.metrics(mdib, said.values())))
            bind(mdib, alert_by_handle=self._guarded(lambda said: feed.alerts(mdib, said.values())))
            bind(mdib, context_by_handle=self._guarded(lambda _: feed.contexts(mdib)))
            bind(mdib, waveform_by_handle=self._guarded(lambda said: feed.waveforms(mdib, said.values())))
            bind(mdib, description_modifications=self._guarded(lambda _: feed.snapshot(mdib)))
            bind(mdib, sequence_or_instance_id_changed_event=lambda _: self._end("the device began anew"))
            bind(self._consumer, subscription_end_data=lambda _: self._end("the device ended a subscription"))
            feed.snapshot(mdib)

    def _guarded(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """A callback whose failure ends the session, and is seen: the library would log it, and go on without."""

        def taken(said: Any) -> None:
            try:
                take(said)
            except Exception as problem:  # whatever a device can leave out or put in
                self._end(f"a report could not be read: {type(problem).__name__}")

        return taken

    def _end(self, why: str) -> None:
        self._over = self._over or why

    def lost(self) -> str:
        """Why the connection no longer holds; "" while it does. Asks the device about each subscription."""
        if not self._over:
            try:
                self._end(self._asked())
            except Exception as problem:  # whatever an answer can be but right
                self._end(f"the device does not answer for its subscriptions: {type(problem).__name__}")
        return self._over

    def _asked(self) -> str:
        subscriptions = list(self._consumer._subscription_mgr.subscriptions.values())
        if not subscriptions or not self._consumer.all_subscribed:
            return "not every subscription was accepted"
        for one in subscriptions:
            if not one.is_subscribed or one.get_status() <= 0:
                return "a subscription is no longer known to the device"
        return ""

    def close(self) -> None:
        """End the subscriptions and the threads."""
        _stop(self._consumer, unsubscribe=not self._over)


def _consumer(to: Connect) -> SdcConsumer:
    """A consumer; forced, for else the library falls back to plain HTTP where a certificate does not fit."""
    return SdcConsumer(
        to.address, SdcV1Definitions, to.tls, validate=to.validate, components=_components(),
        socket_timeout=SOCKET_TIMEOUT_S, force_ssl_connect=to.tls is not None or to.address.startswith("https"),
    )  # fmt: skip


def _whole(make: Callable[[], SdcConsumer]) -> SdcConsumer:
    """A consumer whose XML schemas are whole: while other threads parse, libxml2 skips an import now and then, and what
    is right is then said to be invalid.
    """
    consumer = make()
    for _ in range(TRIES - 1):
        if not any(one._xml_schema.error_log for one in (consumer.msg_reader, consumer.msg_factory)):
            break
        consumer = make()
    return consumer


def words(problem: BaseException) -> str:
    """What went wrong, in words; no value stands in them. The library's errors about messages say nothing as texts."""
    cause = getattr(problem, "reason", "") and problem.__cause__
    said = re.sub(r": '[^']*' is", ": what is said is", str(cause)) if cause else str(problem)
    reason = str(getattr(problem, "reason", ""))
    return ": ".join(filter(None, (type(problem).__name__, reason, said[:200])))


class _Dispatcher(DispatchKeyRegistryDeferred):
    """The library's, but its thread can end: else each connection that was ever made would keep one."""

    def _read_queue(self) -> None:
        while (task := self._queue.get()) is not None:
            handle, request, action = task
            try:
                handle(request)
            except Exception:  # a report that cannot be handled must not end the reading of others
                logging.getLogger(__name__).exception("a report was not handled: %s", action)

    def end(self) -> None:
        """End the thread, after what still waits."""
        self._queue.put(None)


def _components() -> Any:
    components = default_components_factory()
    components.action_dispatcher_class = _Dispatcher
    handlers = {one for one in components.service_handlers if one.__name__ in READ_ONLY}
    components.service_handlers = handlers
    return components


def _periodic() -> list[str]:
    """Actions that are not subscribed: periodic reports repeat what the episodic ones said."""
    actions = SdcV1Definitions.Actions
    return [
        actions.PeriodicMetricReport, actions.PeriodicAlertReport, actions.PeriodicComponentReport,
        actions.PeriodicOperationalStateReport, actions.PeriodicContextReport, actions.SystemErrorReport,
    ]  # fmt: skip


def _stop(consumer: Any, unsubscribe: bool) -> None:
    """Stop a consumer, also one that is half made or whose device is gone: it may fail in as many ways as it can
    start.
    """
    try:
        consumer.stop_all(unsubscribe=unsubscribe)
    except Exception as problem:
        logging.getLogger(__name__).info("closing a connection: %s", type(problem).__name__)
    consumer._services_dispatcher.end()
