"""The words people write in tables and the ones caretwin uses: kinds of rows, covariates, flags, routes."""

from __future__ import annotations

KINDS = {
    "dose": "dose", "given": "dose", "administration": "dose", "infusion": "dose", "bolus": "dose",
    "drug": "dose",
    "level": "level", "concentration": "level", "conc": "level", "sample": "level", "tdm": "level",
    "covariate": "covariate", "lab": "covariate", "patient": "covariate", "vital": "covariate",
    "cov": "covariate",
    "mic": "mic",
}  # fmt: skip

COVARIATES = {
    "weight": "WT", "body weight": "WT", "wt": "WT", "bw": "WT", "bodyweight": "WT",
    "height": "HT", "ht": "HT", "length": "HT",
    "age": "AGE", "postmenstrual age": "PMA", "pma": "PMA", "gestational age": "GA",
    "sex": "FEMALE", "gender": "FEMALE", "female": "FEMALE", "male": "FEMALE",
    "creatinine": "SCR", "serum creatinine": "SCR", "scr": "SCR", "crea": "SCR", "creat": "SCR", "cr": "SCR",
    "creatinine clearance": "CRCL", "crcl": "CRCL", "clcr": "CRCL", "egfr": "EGFR", "gfr": "EGFR",
    "dialysis": "DIAL", "haemodialysis": "DIAL", "hemodialysis": "DIAL", "dial": "DIAL",
    "renal replacement": "CRRT", "rrt": "CRRT", "crrt": "CRRT", "cvvh": "CRRT",
    "mic": "MIC", "minimum inhibitory concentration": "MIC",
    "albumin": "ALB", "alb": "ALB", "pao2/fio2": "PF", "pf": "PF", "apache": "APACHE", "apache ii": "APACHE",
    "body surface area": "BSA", "bsa": "BSA", "fat-free mass": "FFM", "ffm": "FFM",
}  # fmt: skip

SUBSTANCES = {"SCR": "creatinine"}

EXAMPLE_UNITS = {
    "WT": "kg", "HT": "cm", "AGE": "a", "PMA": "wk", "GA": "wk", "SCR": "mg/dL", "CRCL": "mL/min",
    "EGFR": "mL/min",
    "MIC": "mg/L", "ALB": "g/L", "PF": "mm[Hg]", "BSA": "m2", "FFM": "kg", "APACHE": "1",
}  # fmt: skip

TRUE_WORDS = {"yes", "y", "true", "1", "1.0", "on"}
FALSE_WORDS = {"no", "n", "false", "0", "0.0", "off"}
FEMALE_WORDS = {"female", "f", "woman", "w"}
MALE_WORDS = {"male", "m", "man"}
FLAGS = {"FEMALE", "DIAL", "CRRT"}

ROUTES = {
    "iv": "central", "intravenous": "central", "infusion": "central", "bolus": "central",
    "iv push": "central",
    "central": "central",
    "oral": "depot", "po": "depot", "by mouth": "depot", "enteral": "depot", "tablet": "depot", "im": "depot",
    "sc": "depot", "subcutaneous": "depot", "intramuscular": "depot", "depot": "depot",
}  # fmt: skip


def covariate_name(text: str) -> str:
    """The covariate a word means; an unknown word in capitals.

    >>> covariate_name("Serum Creatinine"), covariate_name("apgar")
    ('SCR', 'APGAR')
    """
    return COVARIATES.get(" ".join(text.lower().replace("_", " ").split()), text.strip().upper().replace(" ", "_"))


def flag_value(written_name: str, text: str) -> float | None:
    """0 or 1 for a word such as male or yes, None when the text is no such word.

    >>> flag_value("sex", "F"), flag_value("dialysis", "no"), flag_value("weight", "78")
    (1.0, 0.0, None)
    """
    word, name = text.strip().lower(), written_name.strip().lower()
    if name in {"sex", "gender"}:
        return 1.0 if word in FEMALE_WORDS else 0.0 if word in MALE_WORDS else None
    if word in TRUE_WORDS or word in FALSE_WORDS:
        if name == "male":
            return float(word in FALSE_WORDS)
        return float(word in TRUE_WORDS) if covariate_name(name) in FLAGS or word.isalpha() else None
    return None
