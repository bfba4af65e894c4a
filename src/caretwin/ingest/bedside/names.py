"""What people and systems call the channels of a bedside record: words, abbreviations and LOINC codes.

A word that could be two channels is in none of the lists, and is answered with both names.
"""

from __future__ import annotations

import re

from caretwin.record.bedside import channels

SYNONYMS = {
    "heart_rate": ("hr", "pulse", "heart rate"),
    "systolic_pressure": ("sbp", "systolic", "abp systolic", "nibp systolic", "systolic blood pressure"),
    "diastolic_pressure": ("dbp", "diastolic", "abp diastolic", "nibp diastolic", "diastolic blood pressure"),
    "mean_arterial_pressure": ("map", "mean", "mean pressure", "abp mean", "nibp mean", "mean blood pressure"),
    "central_venous_pressure": ("cvp",),
    "cardiac_output": ("co", "hzv"),
    "respiratory_rate": ("rr", "resp rate", "breathing rate", "rr total", "rate total"),
    "oxygen_saturation": ("spo2", "pulse oximetry", "pulse oximeter", "sat"),
    "temperature": ("temp", "body temperature", "core temperature"),
    "arterial_oxygen_pressure": ("pao2", "po2", "arterial po2", "po2 arterial"),
    "arterial_carbon_dioxide_pressure": ("paco2", "pco2", "arterial pco2", "pco2 arterial"),
    "arterial_ph": ("ph", "arterial ph", "ph arterial"),
    "arterial_saturation": ("sao2", "so2 arterial", "arterial saturation"),
    "central_venous_saturation": ("scvo2",),
    "base_excess": ("be", "base excess"),
    "bicarbonate": ("hco3", "hco3-", "bicarb"),
    "lactate": ("lac",),
    "haemoglobin": ("hb", "hgb", "hemoglobin"),
    "albumin": ("alb",),
    "creatinine": ("crea", "scr", "serum creatinine"),
    "glucose": ("bg", "blood glucose", "blood sugar", "glu"),
    "end_tidal_carbon_dioxide": ("etco2", "end-tidal co2"),
    "plateau_pressure": ("pplat", "plateau"),
    "peak_pressure": ("ppeak", "pip", "peak", "peak inspiratory pressure"),
    "mean_airway_pressure": ("pmean", "mpaw", "paw mean"),
    "total_peep": ("peep total", "peeptot"),
    "minute_ventilation": ("ve", "mv", "minute volume"),
    "tidal_volume": ("vt", "vt measured", "vte", "tidal volume observed", "expired tidal volume"),
    "non_aerated_tissue_fraction": ("non-aerated lung", "ct non-aerated"),
    "urine_output": ("urine", "diuresis"),
    "glasgow_coma_scale": ("gcs",),
    "sedation_score": ("rass",),
    "fio2": ("inspired oxygen", "fio2 set"),
    "peep": ("peep set",),
    "tidal_volume_set": ("vt set", "set vt", "set tidal volume"),
    "respiratory_rate_set": ("rr set", "set rr", "set rate", "rate set", "set respiratory rate"),
    "inspiratory_pressure": ("pinsp", "pc above peep", "pressure control"),
    "pressure_support": ("ps", "psv level", "ps above peep"),
    "inspiratory_time": ("ti", "ti set"),
    "inspiratory_flow": ("flow set", "peak flow set"),
    "ventilator_mode": ("mode", "ventilation mode"),
    "oxygen_flow": ("o2 flow", "oxygen"),
    "norepinephrine": ("noradrenaline", "norepi", "ne", "levophed"),
    "epinephrine": ("adrenaline", "epi"),
    "phenylephrine": ("neosynephrine",),
    "dopamine": (),
    "dobutamine": ("dobu",),
    "milrinone": (),
    "vasopressin": ("argipressin", "adh"),
    "propofol": (),
    "fentanyl": (),
    "midazolam": (),
    "dexmedetomidine": ("precedex",),
    "neuromuscular_block": ("relaxant", "paralysis"),
    "insulin": ("insulin infusion", "insulin rate"),
    "insulin_bolus": ("insulin iv bolus",),
    "insulin_subcutaneous_rapid": ("insulin sc", "insulin subcutaneous"),
    "insulin_subcutaneous_long": ("insulin glargine", "insulin nph"),
    "enteral_glucose": ("enteral carbohydrate", "feed glucose"),
    "parenteral_glucose": ("dextrose", "iv glucose", "glucose infusion"),
    "crystalloid": ("saline", "ringer", "balanced crystalloid"),
    "colloid": (),
    "red_cells": ("packed cells", "prbc"),
    "prone": ("prone position",),
    "renal_replacement": ("crrt", "cvvh", "cvvhd", "cvvhdf"),
}
PERSON = {
    "sex": "sex", "gender": "sex", "age": "age", "height": "height", "length": "height",
    "weight": "weight", "body weight": "weight", "race": "race", "ethnicity": "ethnicity",
}  # fmt: skip
LOINC = {
    "11557-6": "arterial_carbon_dioxide_pressure",  # carbon dioxide in blood, the specimen not named
    "11556-8": "arterial_oxygen_pressure",
    "2339-0": "glucose",
    "2524-7": "lactate",
    "59408-5": "oxygen_saturation",
}
"""Codes beside those in bedside_channels.toml."""
MODES = {
    "off": 0, "none": 0, "extubated": 0, "spontaneous": 0, "not ventilated": 0,
    "volume control": 1, "vc": 1, "vcv": 1, "ac/vc": 1, "cmv": 1, "ippv": 1, "assist control volume control": 1,
    "pressure control": 2, "pc": 2, "pcv": 2, "ac/pc": 2, "bipap invasive": 2,
    "prvc": 3, "pressure-regulated volume control": 3, "autoflow": 3, "apv": 3, "vc+": 3,
    "pressure support": 4, "ps": 4, "psv": 4, "cpap": 4, "cpap/psv": 4,
    "simv": 5, "volume support": 6, "vs": 6, "niv": 7, "nippv": 7, "non-invasive": 7, "bipap": 7,
}  # fmt: skip
AMBIGUOUS = {
    "bp": "systolic_pressure and diastolic_pressure (write 120/80), or mean_arterial_pressure",
    "tidal volume": "tidal_volume (measured) or tidal_volume_set",
    "rate": "heart_rate, respiratory_rate or respiratory_rate_set",
    "pressure": "mean_arterial_pressure, plateau_pressure or another pressure",
    "saturation": "oxygen_saturation (pulse oximeter) or arterial_saturation (co-oximeter)",
    "tv": "tidal_volume (measured) or tidal_volume_set",
}
BLOOD_PRESSURE = ("bp", "blood pressure", "abp", "nibp", "rr riva-rocci")


def plain(text: str) -> str:
    """A name in small letters, with single spaces for underscores and blanks."""
    return " ".join(text.lower().replace("_", " ").split())


def channel_of(text: str) -> str | None:
    """The channel that a name or a LOINC code means, None when it is unknown or could be two.

    >>> channel_of("Noradrenaline"), channel_of("19834-1"), channel_of("VT set"), channel_of("tidal volume")
    ('norepinephrine', 'respiratory_rate_set', 'tidal_volume_set', None)
    """
    name = plain(text)
    if text.strip() in channels():
        return text.strip()
    if re.fullmatch(r"\d{1,7}-\d", name):
        return _by_loinc().get(name)
    if name in AMBIGUOUS:
        return None
    return _by_name().get(name)


def _by_name() -> dict[str, str]:
    own = {plain(name): name for name in channels()}
    return own | {word: name for name, words in SYNONYMS.items() for word in words}


def _by_loinc() -> dict[str, str]:
    return {c.loinc: name for name, c in channels().items() if c.loinc is not None} | LOINC
