"""What the names of columns mean: who, when, what, and in which unit. A name that could be two things is in no list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from caretwin.base.errors import CaretwinError
from caretwin.ingest.bedside.names import AMBIGUOUS, BLOOD_PRESSURE, channel_of, plain
from caretwin.ingest.bedside.units import ucum
from caretwin.ingest.doors.tables.languages import ambiguous_words, bare, channel_words, in_any_spelling, with_languages
from caretwin.ingest.doors.tables.mapping import PAIR
from caretwin.record.vocabulary import by_code, vocabulary

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "heart_rate": ("heartrate", "heart rate ecg", "hf"),
    "pulse_rate": ("pulse rate", "pr", "pulse ox rate"),
    "systolic_pressure": (
        "sys",
        "sys bp",
        "bp sys",
        "systolic bp",
        "bp systolic",
        "blood pressure systolic",
        "nibp sys",
        "abp sys",
        "nibps",
        "sap",
        "systolic pressure",
    ),
    "diastolic_pressure": (
        "dia",
        "dia bp",
        "bp dia",
        "diastolic bp",
        "bp diastolic",
        "blood pressure diastolic",
        "nibp dia",
        "abp dia",
        "nibpd",
        "dap",
        "diastolic pressure",
    ),
    "mean_arterial_pressure": ("mean bp", "bp mean", "mean arterial pressure", "nibpm", "abpm", "mbp"),
    "respiratory_rate": ("resp", "resprate", "respirations", "respiration", "respiration rate", "breaths", "af"),
    "oxygen_saturation": ("o2sat", "o2 sat", "sats", "sp02", "oxygen sat", "oxygen saturation spo2"),
    "temperature": ("temperature body", "t core", "tympanic temperature", "temp tympanic"),
    "weight": ("wt", "body weight", "bodyweight", "daily weight"),
    "height": ("ht", "body height"),
    "body_mass_index": ("bmi",),
    "early_warning_score": ("news", "news2", "news2 total", "news score", "news2 score", "ews"),
    "pain_score": ("pain", "pain nrs", "pain level"),
    "potassium": ("k", "k+", "serum potassium"),
    "sodium": ("na", "na+", "serum sodium"),
    "chloride": ("cl", "cl-"),
    "urea_nitrogen": ("bun", "blood urea nitrogen"),
    "bilirubin": ("bili", "total bilirubin", "bilirubin total", "tbili"),
    "white_cells": ("wbc", "wcc", "white cell count", "white blood cells", "leukocytes", "leucocytes"),
    "platelets": ("plt", "platelet count", "plts"),
    "c_reactive_protein": ("crp",),
    "steps": ("step count",),
    "sleep_duration": ("sleep", "hours slept"),
    "fluid_intake": ("intake", "oral intake", "fluids drunk"),
    "bed_occupied": ("in bed", "bed occupancy"),
    "room_humidity": ("humidity", "relative humidity", "rh"),
    "room_temperature": ("room temp", "air temperature"),
    "room_carbon_dioxide": ("co2", "room co2"),
    "glasgow_coma_scale": ("gcs total", "glasgow coma score"),
    "arterial_saturation": ("arterial o2 saturation",),
    "glucose": ("cbg", "capillary glucose", "bm", "blood glucose level"),
}
"""Words beside those of bedside_names. Our own judgement."""
TIME = with_languages("time", (
    "charttime", "chart time", "recorded dttm", "lab collect dttm", "collect dttm",
    "collected", "collection time", "collect time", "collected at",
    "sample time", "specimen time", "sampled", "effective", "effective time", "observation time", "obs time",
    "observed at", "measured at", "taken", "taken at", "recorded", "recorded at", "recorded time", "event time",
    "timestamp", "datetime", "date time", "date/time", "date & time", "time", "when", "zeit", "zeitpunkt",
    "observation date", "chart date", "date", "day", "datum", "at",
))  # fmt: skip
"""Names of the time at which a row was true, the surest first."""
ISSUED = with_languages("issued", (
    "result time", "resulted", "resulted at", "result date", "reported", "reported at", "issued", "issued at",
    "verified", "verified at", "authorised", "authorised at", "available", "available at", "storetime", "store time",
    "lab result dttm", "published", "received", "received at",
))  # fmt: skip
VERSION = with_languages(
    "version",
    ("updated", "updated at", "modified", "modified at", "last modified", "last updated", "version", "revision"),
)
SUBJECT = with_languages("subject", (
    "nhs number", "nhs no", "nhs", "patient id", "patientid", "patient number", "patient no", "subject id",
    "subject", "subject key", "mrn", "hospital number", "hospital no", "person id", "patient", "resident id",
    "resident", "resident number", "participant", "participant id", "stay id", "icustay id", "hadm id",
    "hospitalization id", "encounter id", "case", "case id", "pid", "fallnummer", "room id", "room", "place", "bed id",
    "bed", "id",
))  # fmt: skip
"""Names of whom a row is about, the surest first."""
NAMES_OF_PEOPLE = with_languages("names_of_people", (
    "patient name", "surname", "forename", "first name", "last name", "full name", "given name", "family name",
    "address", "postcode", "zip", "phone", "telephone", "email", "next of kin", "gp",
))  # fmt: skip
CODE = with_languages("code", (
    "code", "loinc", "loinc code", "item", "itemid", "item id", "parameter", "analyte", "test", "test name", "what",
    "observation", "variable", "measure", "measurement name", "channel", "vital category", "vital name", "lab name",
    "lab category", "label", "name", "sign", "type",
))  # fmt: skip
VALUE = with_languages("value", (
    "valuenum", "numeric value", "value numeric", "lab value numeric", "vital value", "result value", "value",
    "result", "reading", "measurement", "wert",
))  # fmt: skip
UNIT = with_languages("unit", ("unit", "units", "uom", "valueuom", "unit of measure", "reference unit", "einheit"))
STATUS = with_languages("status", ("status", "result status", "state", "row status"))
IDENTITY = ("row id", "rowid", "result id", "observation id", "record id", "labevent id", "entry id", "sample id", "id")
DEVICE = with_languages("device", ("device", "device id", "monitor", "sensor", "sensor id", "meter", "source device"))
SEX = with_languages("sex", ("sex", "gender", "geschlecht"))
BIRTH = with_languages("birth", ("birth date", "date of birth", "dob", "birthdate", "born"))
FREE_TEXT = with_languages("free_text", ("note", "notes", "comment", "comments", "remark", "remarks"))
_BRACKET = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_LAST = re.compile(r"(.+?)[\s_,;]+([^\s_,;]+)")
_RESIDENTS = ("resident", "bewohner")
_PLACES = ("room", "place", "flat", "apartment")


class Heading(NamedTuple):
    """A column's name: the channel that it means (None: none, or two), the unit in it, and what is left open.

    ambiguous  what it could be, where it could be two things; qualifier  words in brackets that are no unit
    """

    channel: str | None
    unit: str = ""
    ambiguous: str = ""
    qualifier: str = ""


def heading(text: str) -> Heading:
    """What a column's name says.

    >>> heading("Temp (°F)")[:2], heading("weight_kg")[:2]
    (('temperature', '°F'), ('weight', 'kg'))
    """
    whole = channel_named(text)
    if whole is not None:
        return Heading(whole)
    bracket = _BRACKET.fullmatch(text)
    if bracket is not None:
        stem = channel_named(bracket[1])
        unit = bracket[2] if is_unit(bracket[2], stem or "") else ""
        open_ = "" if stem else could_be(bracket[1])
        return Heading(stem, unit, open_, "" if unit else bracket[2])
    last = _LAST.fullmatch(text)
    if last is not None and (stem := channel_named(last[1])) is not None and is_unit(last[2], stem):
        return Heading(stem, last[2])
    return Heading(None, "", could_be(text))


def could_be(text: str) -> str:
    """What a name could be that is two things; "" for any other."""
    name = plain(text).strip(" .:")
    return AMBIGUOUS.get(name) or in_any_spelling(ambiguous_words(), name) or ""


def channel_named(text: str) -> str | None:
    """The channel that a name, or a standard code, means; PAIR for a blood pressure; None for none, or two."""
    name = plain(text).strip(" .:")
    if name in BLOOD_PRESSURE:
        return PAIR
    if could_be(text) and text.strip() not in vocabulary():
        return None
    known = (
        channel_of(name)
        or _by_name().get(name)
        or _by_code().get(text.strip())
        or in_any_spelling(channel_words(), name)
    )
    return PAIR if known == "blood_pressure" else known


@cache
def _by_name() -> Mapping[str, str]:
    own = {plain(name): name for name in vocabulary()}
    return {word: name for name, words in SYNONYMS.items() for word in words} | own


@cache
def _by_code() -> Mapping[str, str]:
    return {code: name for (_, code), name in by_code().items()}


@cache
def is_unit(text: str, channel: str) -> bool:
    """Whether a text is a unit that we can read, of a channel."""
    try:
        ucum(text, channel)
    except CaretwinError:
        return False
    return bool(text.strip())


def rank(text: str, names: tuple[str, ...]) -> int | None:
    """How sure a name is one of these: 0 is surest, None: it is not.

    >>> rank("Date of Birth", BIRTH), rank("Chart_Time", TIME), rank("Ward", SUBJECT)
    (1, 1, None)
    """
    name = plain(re.sub(r"\s*[(\[][^()\[\]]*[)\]]\s*$", "", text)).strip(" .:#")
    return next((names.index(one) for one in (name, bare(name)) if one in names), None)


def kind_of(text: str) -> str:
    """Whether a subject column is about patients, residents or places."""
    name = plain(text)
    if any(word in name for word in _RESIDENTS):
        return "resident"
    return "place" if any(word in name for word in _PLACES) else "patient"
