"""The table respiratory_support of one CLIF hospitalisation as settings and observations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from caretwin.ingest.bedside.ventilator import SupportRow, VentilatorChart
from caretwin.ingest.clif.tables import Columns
from caretwin.ingest.findings import Findings
from caretwin.record.bedside import Signal

SETTINGS = {
    "tidal_volume_set": ("tidal_volume_set", 0.001),
    "resp_rate_set": ("respiratory_rate_set", 1.0),
    "pressure_control_set": ("inspiratory_pressure", 1.0),
    "pressure_support_set": ("pressure_support", 1.0),
    "flow_rate_set": ("inspiratory_flow", 1.0),
    "inspiratory_time_set": ("inspiratory_time", 1.0),
    "peep_set": ("peep", 1.0),
}
"""Channel and factor from the unit of the CLIF data dictionary (mL, L/min, cmH2O, s) to that of the channel."""
OBSERVATIONS = {
    "tidal_volume_obs": ("tidal_volume", 0.001),
    "resp_rate_obs": ("respiratory_rate", 1.0),
    "plateau_pressure_obs": ("plateau_pressure", 1.0),
    "peak_inspiratory_pressure_obs": ("peak_pressure", 1.0),
    "peep_obs": ("total_peep", 1.0),
    "minute_vent_obs": ("minute_ventilation", 1.0),
    "mean_airway_pressure_obs": ("mean_airway_pressure", 1.0),
}


class Ventilation(NamedTuple):
    """Settings and observations by channel."""

    settings: dict[str, Signal]
    observations: dict[str, Signal]


def ventilation(rows: Columns | None, findings: Findings) -> Ventilation:
    """Read the rows of one hospitalisation; what was inferred goes to the findings."""
    if rows is None:
        return Ventilation({}, {})
    order = np.argsort(rows["recorded_h"], kind="stable")
    order = order[np.isfinite(rows["recorded_h"][order])]
    rows = {name: column[order] for name, column in rows.items()}
    chart = VentilatorChart(findings)
    for row in _each(rows):
        chart.read(row)
    chart.report()
    observed = {}
    for column, (channel, factor) in OBSERVATIONS.items():
        seen = np.isfinite(rows[column])
        if seen.any():
            observed[channel] = Signal.of(rows["recorded_h"][seen], rows[column][seen] * factor)
    return Ventilation(chart.signals(), observed)


def _each(rows: Columns) -> Iterator[SupportRow]:
    for i, hour in enumerate(rows["recorded_h"]):
        name, category = rows["mode_name"][i], rows["mode_category"][i]
        yield SupportRow(
            float(hour),
            rows["device_category"][i],
            f"{name} {category}".strip() if category or name != "standby" else "",
            float(rows["fio2_set"][i]),
            float(rows["lpm_set"][i]),
            float(rows["peak_inspiratory_pressure_set"][i]),
            {
                channel: float(rows[column][i]) * factor
                for column, (channel, factor) in SETTINGS.items()
                if np.isfinite(rows[column][i])
            },
        )
