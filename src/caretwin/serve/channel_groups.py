"""Channels as people at a bedside sort them: vital signs, laboratory, ventilator, drugs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from caretwin.record.vocabulary import Term, vocabulary
from caretwin.serve.replay_plan import DEVICES, LABORATORY, MONITORED

Group = Literal["vital", "laboratory", "ventilator", "drug", "other"]
VENTILATOR = frozenset(
    {
        "fio2", "peep", "tidal_volume_set", "respiratory_rate_set", "inspiratory_pressure", "pressure_support",
        "inspiratory_time", "inspiratory_flow", "ventilator_mode", "oxygen_flow", "prone",
    }
)  # fmt: skip
CARE = frozenset({"renal_replacement", "urine_output", "non_aerated_tissue_fraction"})
VITAL = MONITORED | {"glasgow_coma_scale", "sedation_score", "pulse_rate", "cardiac_output", "early_warning_score"}
CHEMISTRY = frozenset(
    {
        "potassium", "sodium", "chloride", "urea", "urea_nitrogen", "bilirubin", "white_cells", "platelets",
        "c_reactive_protein",
    }
)  # fmt: skip
WORDS: Mapping[str, str] = {
    "fio2": "FiO2", "peep": "PEEP", "total_peep": "total PEEP", "ventilator_mode": "ventilator mode",
    "arterial_ph": "arterial pH", "arterial_oxygen_pressure": "arterial PO2",
    "arterial_carbon_dioxide_pressure": "arterial PCO2", "end_tidal_carbon_dioxide": "end-tidal CO2",
    "room_carbon_dioxide": "room CO2", "c_reactive_protein": "C-reactive protein",
}  # fmt: skip


def group_of(name: str) -> Group:
    """The group of a channel; "other" for what none of them has, and for codes that nobody mapped.

    >>> group_of("heart_rate"), group_of("lactate"), group_of("peep"), group_of("norepinephrine")
    ('vital', 'laboratory', 'ventilator', 'drug')
    """
    if name in VITAL:
        return "vital"
    if name in LABORATORY or name in CHEMISTRY:
        return "laboratory"
    if name in VENTILATOR or (name in DEVICES and name not in CARE):
        return "ventilator"
    term = vocabulary().get(name)
    return "drug" if term is not None and term.kind == "setting" and name not in CARE else "other"


def title_of(name: str) -> str:
    """A channel in words: "mean arterial pressure", "FiO2"; a code that nobody mapped as it was sent."""
    return WORDS.get(name, name.replace("_", " ") if name in vocabulary() else name)


def kind_of(term: Term | None) -> Literal["observation", "setting", "infusion"]:
    """How a channel is drawn: points, what holds until it is set anew, or what runs."""
    if term is None or term.kind == "observation":
        return "observation"
    return "infusion" if group_of(term.name) == "drug" else "setting"
