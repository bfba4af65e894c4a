"""Figures of the server for Prometheus: counts and times, never anything of a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
"""Limits of the histogram of answering times (s); 0.2 is what a what-if may take."""


class Metrics:
    """The figures of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        self.requests = Counter("caretwin_requests", "Requests answered", ["method", "route", "status"], registry=to)
        self.seconds = Histogram(
            "caretwin_request_seconds", "Answering time", ["route"], registry=to, buckets=BUCKETS_S
        )
        self.refused = Counter("caretwin_refused", "Requests refused, by what refused them", ["by"], registry=to)
        self.streams = Gauge("caretwin_streams", "Open streams", ["kind"], registry=to)
        self.sessions = Gauge("caretwin_sessions", "Sessions that are in use", registry=to)
        self.sequence = Gauge("caretwin_record_sequence", "Last sequence number of the record", registry=to)
        self.twins = Gauge("caretwin_twins", "Twins that live", registry=to)
        self.door = Gauge("caretwin_door_count", "What a door counts", ["door", "what"], registry=to)
        self.open = Gauge("caretwin_door_open", "Whether a door can be reached", ["door"], registry=to)

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)
