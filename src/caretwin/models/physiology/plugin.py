"""The one door through which the rest of caretwin reaches physiology; found by its entry point, never by import."""

from caretwin.models.physiology import (
    bedside_channels,
    bedside_state,
    blood_gas,
    conditions,
    parameters,
    present_circulation,
    vasoactive,
)
from caretwin.models.physiology import cardiorespiratory as coupled
from caretwin.models.physiology import glucose as insulin_glucose
from caretwin.models.physiology.derived import READ, ahead
from caretwin.models.physiology.individual import values_of
from caretwin.models.physiology.readings import COLUMNS, readings


class Physiology:
    """The bedside models and the values that go into them."""

    channels = bedside_channels.CHANNELS
    noise = bedside_channels.NOISE
    personal = parameters.PERSONAL
    Settings = bedside_state.Settings
    Infusions = vasoactive.Infusions
    blood_gas = blood_gas
    reading_columns = COLUMNS
    readings = staticmethod(readings)
    read_ahead = READ
    ahead = staticmethod(ahead)
    shift = staticmethod(conditions.shift)
    blood_lost = staticmethod(conditions.blood_lost)
    usual_blood = staticmethod(present_circulation.usual_blood)
    conditions = staticmethod(conditions.names)
    values_of = staticmethod(values_of)

    def cardiorespiratory(self) -> coupled.Cardiorespiratory:
        """Lung, gases, circulation, drugs, fluids and kidney as one model."""
        return coupled.cardiorespiratory()

    def body(self, **person: float) -> parameters.Body:
        """See :func:`.parameters.body`."""
        return parameters.body(**person)  # type: ignore[arg-type]

    def glucose(self) -> insulin_glucose.Glucose:
        """Glucose, insulin and nutrition with an insulin sensitivity that wanders."""
        return insulin_glucose.Glucose.of()


plugin = Physiology()
