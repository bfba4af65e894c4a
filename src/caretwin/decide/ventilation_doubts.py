"""When the ventilator question is not answered: what is missing, what makes a plateau meaningless, what lies out of
reach."""

from caretwin.decide.bedside_now import Bedside, assumptions, doubts, imaging, latest

OLDEST_OXYGEN_H, OLDEST_GAS_H = 4.0, 12.0
"""h after which SpO2 or PaO2, and PaCO2 or end-tidal CO2, no longer say where the patient is (assumed)."""
OLD_PLATEAU_H = 24.0
UNKNOWN = "nothing in the record says that this person is ventilated"
ALONE = "this patient is not ventilated at the time of the question"


def silences(bedside: Bedside) -> list[str]:
    """Why no setting is advised; empty when there is nothing against it."""
    record, now = bedside.record, bedside.now
    mode = _charted_mode(bedside)
    if mode == 0.0:
        return [UNKNOWN if _mode_said(bedside) is None else ALONE]
    if mode == 7.0:
        return ["ventilation is non-invasive: leaks and effort make volumes and pressures unknown"]
    found = doubts(bedside)
    if float(bedside.settings.mode) > 3.5:
        found.append(
            "the patient breathes with the ventilator (assisted mode): effort makes plateau and driving pressure "
            "meaningless"
        )
    if latest(record, "plateau_pressure", now) is None:
        found.append("no plateau pressure was ever measured: compliance is that of a typical patient")
    oxygen = [latest(record, name, now, OLDEST_OXYGEN_H) for name in ("oxygen_saturation", "arterial_oxygen_pressure")]
    if not any(oxygen):
        found.append(f"neither SpO2 nor an arterial gas in the last {OLDEST_OXYGEN_H:g} h")
    gas = [
        latest(record, name, now, OLDEST_GAS_H)
        for name in ("arterial_carbon_dioxide_pressure", "end_tidal_carbon_dioxide")
    ]
    if not any(gas):
        found.append(f"neither PaCO2 nor end-tidal CO2 in the last {OLDEST_GAS_H:g} h: ventilation cannot be judged")
    if not bedside.oxygen_known:
        found.append("the inspired fraction of oxygen is not charted")
    return found


def _charted_mode(bedside: Bedside) -> float:
    said = _mode_said(bedside)
    return float(bedside.settings.mode) if said is None else said


def _mode_said(bedside: Bedside) -> float | None:
    """The mode as it is charted; None where none is."""
    signal = bedside.record.settings.get("ventilator_mode")
    if signal is None or not len(signal):
        return None
    from numpy import array, isnan

    held = float(signal.held_at(array([bedside.now]))[0])
    return None if isnan(held) else held


def warnings(bedside: Bedside) -> list[str]:
    """What belongs to the answer: assumptions, and what would make it wrong (of a ventilator where there is one)."""
    found = assumptions(bedside) + imaging(bedside)
    if float(bedside.settings.mode) == 0.0:
        return found
    plateau = latest(bedside.record, "plateau_pressure", bedside.now)
    if plateau is not None and bedside.now - plateau[0] > OLD_PLATEAU_H:
        found.append(f"the last plateau pressure is {bedside.now - plateau[0]:.0f} h old")
    if latest(bedside.record, "mean_arterial_pressure", bedside.now, 4.0) is None:
        found.append("no arterial pressure in the last 4 h: what a change does to it is a guess")
    if float(bedside.settings.relaxed) == 0.0:
        found.append(
            "without relaxation the patient may trigger breaths above the set rate: a lower rate need not be less"
        )
    if float(bedside.settings.inspiratory_fraction) == 0.0:
        found.append("the inspiratory time is not charted: a usual I:E is assumed, and peak pressure and power with it")
    found += [
        "wrong if secretions, a bronchospasm, a pneumothorax or a turned patient changes the lung after the last datum",
        "wrong if the patient starts to breathe against the ventilator; effort is not in these pressures",
        "one PEEP step cannot tell who recruits: look at SpO2, driving pressure and arterial pressure after the change",
        "PaCO2 needs half an hour and more to settle: a gas drawn after 20 min is not the new steady state",
    ]
    return found
