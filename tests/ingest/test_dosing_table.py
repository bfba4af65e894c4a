"""A ward's table is read as meant, and every slip is named with its row, its column and what to do about
it."""

from pathlib import Path

import pytest

from caretwin.ingest.dosing_table import read_dosing_table
from caretwin.ingest.findings import TableError
from caretwin.ingest.hints import DrugHints
from caretwin.record.dosing import DosingRecord
from caretwin.record.finding import Finding

EXAMPLES = Path(__file__).parents[2] / "examples"
HEADER = "time,kind,name,value,unit,duration,note\n"
DOSE = "0,dose,vancomycin,1000,mg,1 h,\n"
VANCOMYCIN = DrugHints(
    drug="vancomycin",
    dose_unit="mg",
    channel_units={"level": "mg/L"},
    covariate_units={"WT": "kg", "HT": "cm", "SCR": "mg/dL", "AGE": "a", "FEMALE": "1", "DIAL": "1"},
    usual_dose=(250.0, 3000.0),
    inputs=("central",),
)


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str | bytes, **options: object) -> DosingRecord:
        path = tmp_path / "patient.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_dosing_table(path, **({"hints": VANCOMYCIN, "strict": False} | options))  # type: ignore[arg-type]

    return reading


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, [str(f) for f in findings]
    return findings[0]


# What is read


def test_the_example_reads_without_a_warning() -> None:
    record = read_dosing_table(EXAMPLES / "vancomycin_two_levels.csv", hints=VANCOMYCIN)
    assert [(d.time_h, d.amount, d.duration_h) for d in record.doses] == [
        (0.5, 1750, 2), (12.5, 1000, 1), (24.5, 1000, 1), (36.5, 1000, 1),
    ]  # fmt: skip
    assert [(v.time_h, v.value, v.unit) for v in record.levels] == [
        (24.0, 14.8, "mg/L"),
        (48.0, 17.2, "mg/L"),
    ]
    assert [c.value for c in record.covariate("SCR")] == [1.2, 1.4, 1.5]
    assert record.covariate("FEMALE")[0].value == 0.0
    assert record.covariate("MIC")[0].unit == "mg/L"
    assert not record.errors and not record.warnings


def test_the_example_of_mistakes_shows_all_of_them_at_once() -> None:
    with pytest.raises(TableError) as caught:
        read_dosing_table(EXAMPLES / "vancomycin_with_mistakes.csv", hints=VANCOMYCIN)
    errors = [f for f in caught.value.findings if f.severity == "error"]
    assert [(f.row, f.column) for f in errors] == [
        (7, "unit"), (8, "time"), (9, "unit"), (10, "duration"), (12, "value"), (13, "unit"),
    ]  # fmt: skip
    message = str(caught.value)
    assert message.startswith("vancomycin_with_mistakes.csv\n  6 errors")
    assert message.count("seen ") == message.count("fix ") == len(caught.value.findings)


def test_hours_and_clock_times_give_the_same_intervals(read) -> None:
    hours = read(HEADER + DOSE + "11.5,level,,14,mg/L,,\n")
    clock = read(
        "# zone: Europe/Zurich\n" + HEADER + "2026-03-01 8:00,dose,,1000,mg,1,\n2026-03-01T19:30,level,,14,mg/L,,\n"
    )
    assert hours.levels[0].time_h - hours.doses[0].time_h == clock.levels[0].time_h - clock.doses[0].time_h == 11.5
    assert hours.origin is None
    assert clock.origin is not None and clock.origin.isoformat() == "2026-03-01T07:00:00+00:00"


def test_a_night_in_which_the_clock_changes_has_its_true_length(read) -> None:
    record = read(
        "# zone: Europe/Zurich\n" + HEADER + "2026-03-28 20:00,dose,,1000,mg,1,\n2026-03-29 08:00,level,,14,mg/L,,\n"
    )
    assert record.levels[0].time_h == 11.0


def test_a_separate_date_column_is_joined_to_the_time(read) -> None:
    record = read(
        "# zone: UTC\ndate,time,kind,value,unit\n2026-03-01,08:00,dose,1000,mg\n2026-03-01,20:00,level,9,mg/L\n"
    )
    assert record.levels[0].time_h == 12.0


@pytest.mark.parametrize(("text", "hours"), [("1.5 h", 1.5), ("90 min", 1.5), ("1:30", 1.5), ("2", 2.0), ("", 0.0)])
def test_an_infusion_time_is_read_as_people_write_it(read, text: str, hours: float) -> None:
    assert read(HEADER + f"0,dose,,1000,mg,{text},\n").doses[0].duration_h == pytest.approx(hours)


def test_a_rate_with_a_duration_is_the_amount_it_makes(read) -> None:
    dose = read(HEADER + "0,dose,,50,mg/h,24 h,\n").doses[0]
    assert (dose.amount, dose.unit, dose.duration_h) == (1200.0, "mg", 24.0)
    assert read(HEADER + "0,dose,,1,mg/min,1 h,\n").doses[0].amount == pytest.approx(60.0)


def test_grams_become_the_milligrams_of_the_drug_file_and_the_conversion_is_noted(read) -> None:
    record = read(HEADER + "0,dose,,1.5,g,1 h,\n")
    assert record.doses[0].amount == pytest.approx(1500.0)
    assert "1500 mg" in only(record.findings).fix


def test_a_level_in_micromoles_becomes_milligrams_by_the_molar_mass(read) -> None:
    """Vancomycin, C66H75Cl2N9O24: 1449.3 g/mol, so 10 umol/L are 14.49 mg/L."""
    level = read(HEADER + DOSE + "11,level,,10,umol/L,,\n").levels[0]
    assert level.value == pytest.approx(14.493, rel=1e-3)
    assert level.unit == "mg/L"


def test_creatinine_in_micromoles_becomes_milligrams_per_decilitre(read) -> None:
    assert read(HEADER + "0,covariate,creatinine,88.4,umol/L,,\n").covariates[0].value == pytest.approx(1.0, rel=1e-3)


def test_a_level_below_the_limit_is_censored_not_half_the_limit(read) -> None:
    below, above = read(HEADER + DOSE + "11,level,,<2.0,mg/L,,\n12,level,,>80,mg/L,,\n").levels
    assert (below.censoring, below.value, below.limit) == ("below", 2.0, 2.0)
    assert (above.censoring, above.limit) == ("above", 80.0)


def test_words_are_flags(read) -> None:
    record = read(HEADER + "0,covariate,sex,female,,,\n0,covariate,dialysis,no,,,\n")
    assert [(c.name, c.value) for c in record.covariates] == [("FEMALE", 1.0), ("DIAL", 0.0)]


def test_a_covariate_without_a_time_holds_from_the_start_and_that_is_said(read) -> None:
    record = read(HEADER + ",covariate,weight,70,kg,,\n5,dose,,1000,mg,1,\n")
    assert record.covariates[0].time_h == 5.0
    assert only(record.findings).severity == "info"


def test_what_was_received_later_was_not_known_before(read) -> None:
    record = read("time,kind,value,unit,received\n0,dose,1000,mg,\n10,level,12,mg/L,14\n")
    assert record.known_by(13.0).levels == ()
    assert len(record.known_by(14.0).levels) == 1


def test_two_nonmem_subjects_are_not_one_patient() -> None:
    with pytest.raises(TableError, match="2 subjects"):
        read_dosing_table(EXAMPLES / "two_subjects_nonmem.csv")


def test_one_nonmem_subject_is_one_patient(read) -> None:
    record = read("ID,TIME,AMT,RATE,DV,MDV,EVID\n7,0,1000,500,.,1,1\n7,12,.,.,9.5,0,0\n")
    assert record.subject == "7"
    assert record.doses[0].duration_h == 2.0
    assert record.levels[0].unit is None


# How spreadsheets save


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_part_of_the_first_column(read, encoding: str) -> None:
    assert len(read((HEADER + DOSE).encode(encoding)).doses) == 1


def test_semicolons_and_decimal_commas_are_read_together(read) -> None:
    record = read("sep=;\ntime;kind;value;unit\n0;dose;1000;mg\n11,5;level;14,8;mg/L\n")
    assert (record.levels[0].time_h, record.levels[0].value) == (11.5, 14.8)


def test_a_decimal_comma_between_commas_is_explained(read) -> None:
    quoted = only(read(HEADER + DOSE + '11,level,,"14,8",mg/L,,\n').errors)
    assert "14.8 or 148" in quoted.fix
    bare = only(read("time,kind,value,unit\n0,dose,1000,mg\n11,level,14,8,mg/L\n").errors)
    assert "decimal comma" in bare.seen


def test_a_thousands_point_among_decimal_commas_is_not_guessed(read) -> None:
    record = read("time;kind;value;unit\n0;dose;1.500;mg\n11,5;level;14,8;mg/L\n")
    assert "1500" in only(record.errors).fix


def test_windows_letters_are_read_and_noted(read) -> None:
    record = read((HEADER + "0,covariate,creatinine,90,µmol/L,,\n").encode("cp1252"))
    assert record.covariates[0].value == pytest.approx(1.018, rel=1e-3)
    assert any("UTF-8" in f.seen for f in record.findings)


def test_comments_and_blank_rows_are_skipped_and_row_numbers_are_the_spreadsheets(read) -> None:
    record = read("# a remark\n" + HEADER + "\n,,,,,,\n" + DOSE)
    assert record.doses[0].row == 5
    assert record.findings == ()


def test_a_note_may_hold_commas_and_line_breaks(read) -> None:
    record = read(HEADER + '0,dose,,1000,mg,1,"slow, paused\nand resumed"\n5,dose,,500,mg,1,\n')
    assert "paused" in record.doses[0].note
    assert record.doses[1].row == 4


def test_an_unknown_column_is_reported(read) -> None:
    assert "ward" in only(read("time,kind,value,unit,ward\n0,dose,1000,mg,7B\n").findings).seen


# What is wrong

BAD_CELLS = [
    ("0,dose,,1000,mgg,1 h,", "unit", "mgg", "mg"),
    ("0,dose,,1000,,1 h,", "unit", "without a unit", "mg"),
    ("0,dose,,1,dose,1 h,", "unit", "holds no milligrams", "order"),
    ("0,dose,,15,mg/kg,1 h,", "unit", "per body weight", "multiply"),
    ("0,dose,,50,mg/h,,", "duration", "without a duration", "duration"),
    ("0,dose,,1000,mg,-1,", "duration", "less than zero", "sign"),
    ("0,dose,,-1000,mg,1,", "value", "less than zero", "sign"),
    ("0,dose,,one gram,mg,1,", "value", "one gram", "number"),
    ("0,dose,,nan,mg,1,", "value", "nan", "number"),
    ("0,dose,,1000 mg,mg,1,", "value", "1000 mg", "1000 here and mg in the column unit"),
    ("0,dose,,1000,mg,fast,", "duration", "fast", "hours"),
    ("0,dose,,,mg,1,", "value", "nothing", "delete the row"),
    ("0,dose,,1000,mL,1,", "unit", "volume", "check"),
    (",dose,,1000,mg,1,", "time", "no time", "hours"),
    ("2026-03-01,dose,,1000,mg,1,", "time", "2026-03-01", "time of day"),
    ("08:00,dose,,1000,mg,1,", "time", "08:00", "date"),
    ("01.03.2026 08:00,dose,,1000,mg,1,", "time", "01.03.2026", "day and month"),
    ("soon,dose,,1000,mg,1,", "time", "soon", "hours"),
    ("0,does,,1000,mg,1,", "kind", "does", "dose"),
    ("0,,,1000,mg,1,", "kind", "nothing", "#"),
    ("0,covariate,,70,kg,,", "name", "no name", "name"),
    ("0,covariate,sex,x,,,", "value", "x", "female or male"),
    ("0,covariate,weight,70,,,", "unit", "without a unit", "kg"),
    ("0,covariate,weight,70,cm,,", "unit", "a length", "kg"),
    ("0,covariate,weight,0,kg,,", "value", "0 kg", "correct"),
    ("0,covariate,height,1.75,cm,,", "value", "1.75 cm", "175 cm"),
    ("0,covariate,age,300,years,,", "value", "300", "90"),
    ("0,covariate,creatinine,90,mg/dL,,", "unit", "90 mg/dL", "umol/L"),
    ("0,covariate,creatinine,0.9,umol/L,,", "unit", "0.9 umol/L", "mg/dL"),
    ("0,covariate,creatinine,138,g/L,,", "unit", "mg/dL", "correct the value"),
]


@pytest.mark.parametrize(("row", "column", "seen", "fix"), BAD_CELLS)
def test_a_bad_cell_is_an_error_with_its_place_and_its_fix(read, row: str, column: str, seen: str, fix: str) -> None:
    error = only(read(HEADER + row + "\n").errors)
    assert error.column == column
    assert seen in error.seen
    assert fix in error.fix or fix in error.wanted
    assert error.row == 2


def test_clock_times_without_a_zone_are_one_error_for_the_whole_table(read) -> None:
    record = read(HEADER + "2026-03-01 08:00,dose,,1000,mg,1,\n2026-03-01 20:00,dose,,1000,mg,1,\n")
    assert "zone: Europe/Zurich" in only(record.errors).fix
    assert not read(
        HEADER + "2026-03-01 08:00,dose,,1000,mg,1,\n2026-03-01T20:00Z,dose,,1000,mg,1,\n", zone="UTC"
    ).errors


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("# zone: Europe/Zurih\n" + HEADER + 2 * "2026-03-01 08:00,dose,,1000,mg,1,\n", "# zone: Europe/Zurih"),
        (HEADER, "a header line and no rows"),
    ],
)
def test_what_is_wrong_with_the_whole_table_is_said_once(read, text: str, seen: str) -> None:
    with pytest.raises(TableError) as error:
        read(text)
    assert [finding.seen for finding in error.value.findings] == [seen]


def test_hours_among_clock_times_are_refused(read) -> None:
    record = read(
        "# zone: UTC\n"
        + HEADER
        + "2026-03-01 08:00,dose,,1000,mg,1,\n2026-03-01 20:00,dose,,900,mg,1,\n24,level,,9,mg/L,,\n"
    )
    assert "one kind of time" in only(record.errors).wanted


def test_an_hour_that_the_clock_showed_twice_is_not_guessed(read) -> None:
    record = read("# zone: Europe/Zurich\n" + HEADER + "2026-10-25 02:30,dose,,1000,mg,1,\n")
    assert "twice" in only(record.errors).seen


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("time,kind,value\n0,dose,1000\n")
    with pytest.raises(TableError, match="a column 'unit'"):
        read_dosing_table(path)


def test_an_empty_file_is_an_error_and_not_a_patient(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("# only a remark\n")
    with pytest.raises(TableError, match="empty table"):
        read_dosing_table(path)


def test_a_level_before_any_dose_is_a_contradiction(read) -> None:
    error = only(read(HEADER + "1,level,,14,mg/L,,\n2,dose,,1000,mg,1,\n").errors)
    assert (error.row, error.column) == (2, "time")
    assert "no dose at all" in only(read(HEADER + "1,level,,14,mg/L,,\n").errors).seen


def test_an_undetectable_level_before_the_first_dose_is_fine(read) -> None:
    assert not read(HEADER + "-1,level,,<2,mg/L,,\n" + DOSE).findings


def test_a_dose_that_could_not_be_read_does_not_make_its_level_early(read) -> None:
    errors = read(HEADER + "0,dose,,1,dose,1,\n11,level,,14,mg/L,,\n").errors
    assert only(errors).row == 2


def test_a_repeated_dose_needs_a_word(read) -> None:
    assert "repeat" in only(read(HEADER + DOSE + DOSE).errors).fix
    assert not read(HEADER + DOSE + "0,dose,vancomycin,1000,mg,1 h,repeat: given twice\n").errors


def test_a_repeated_level_is_a_warning(read) -> None:
    record = read(HEADER + DOSE + "11,level,,14,mg/L,,\n11,level,,14,mg/L,,\n")
    assert only(record.warnings).row == 4
    assert not record.errors


def test_infusions_that_overlap_are_a_warning(read) -> None:
    record = read(HEADER + "0,dose,,1000,mg,4 h,\n2,dose,,500,mg,1 h,\n")
    assert "runs until 4 h" in only(record.warnings).seen


def test_a_level_drawn_in_an_infusion_is_a_warning(read) -> None:
    record = read(HEADER + "0,dose,,1000,mg,2 h,\n1,level,,60,mg/L,,\n")
    assert "line" in only(record.warnings).fix


def test_rows_out_of_order_are_sorted_and_reported(read) -> None:
    record = read(HEADER + "12,dose,,1000,mg,1,\n0,dose,,900,mg,1,\n")
    assert [d.time_h for d in record.doses] == [0.0, 12.0]
    assert only(record.warnings).row == 3


@pytest.mark.parametrize(
    "rows",
    [
        "0,covariate,weight,180,kg,,\n0,covariate,height,170,cm,,\n",
        "0,covariate,weight,263,kg,,\n",
        "0,covariate,weight,80,kg,,\n24,covariate,weight,176,kg,,\n",
    ],
)
def test_a_weight_that_looks_like_pounds_is_a_warning(read, rows: str) -> None:
    warning = only(read(HEADER + rows).warnings)
    assert "looks like pounds" in warning.seen
    assert "lb" in warning.fix


def test_a_weight_in_pounds_is_converted_with_a_note(read) -> None:
    record = read(HEADER + "0,covariate,weight,180,lb,,\n")
    assert record.covariates[0].value == pytest.approx(81.65, abs=0.01)
    assert "81.65 kg" in only(record.findings).fix


def test_a_possible_weight_is_left_alone(read) -> None:
    assert not read(
        HEADER + "0,covariate,weight,120,kg,,\n0,covariate,height,170,cm,,\n9,covariate,weight,126,kg,,\n"
    ).findings


def test_a_height_in_inches_is_noticed_in_an_adult(read) -> None:
    assert "inches" in only(read(HEADER + "0,covariate,age,50,a,,\n0,covariate,height,68,cm,,\n").warnings).seen
    assert not read(HEADER + "0,covariate,age,1,a,,\n0,covariate,height,75,cm,,\n").findings


def test_grams_written_as_milligrams_are_noticed(read) -> None:
    assert "thousandfold" in only(read(HEADER + "0,dose,,1,mg,1 h,\n").warnings).fix


def test_rows_about_another_drug_are_reported_and_not_used(read) -> None:
    record = read(HEADER + DOSE + "1,dose,gentamicin,400,mg,1,\n")
    assert len(record.doses) == 1
    assert "gentamicin" in only(record.warnings).seen


def test_an_oral_dose_is_no_infusion(read) -> None:
    record = read("time,kind,value,unit,route\n0,dose,125,mg,oral\n")
    assert only(record.errors).column == "route"
    assert "central" in only(record.errors).wanted


def test_no_row_vanishes_without_a_word(read) -> None:
    """Every row is either a value of the record or named in a finding."""
    rows = [row for row, *_ in BAD_CELLS] + [
        "5,dose,,1000,mg,1 h,",
        "9,level,,14,mg/L,,",
        "9,covariate,weight,70,kg,,",
    ]
    record = read(HEADER + "\n".join(rows) + "\n")
    used = {item.row for item in (*record.doses, *record.levels, *record.covariates)}
    named = {finding.row for finding in record.findings}
    assert used | named >= set(range(2, len(rows) + 2))
