"""A NONMEM table becomes records: additional doses expanded, covariates kept with their times, traps refused."""

import csv
from pathlib import Path

import pytest
from tests.paths import shared, shared_root

from caretwin.ingest.findings import TableError
from caretwin.ingest.nonmem_table import read_nonmem, read_nonmem_with_findings
from caretwin.record.dosing import DosingRecord

HEADER = "ID,TIME,AMT,RATE,EVID,MDV,CMT,DV,II,ADDL,SS,CENS,OCC,WT\n"


@pytest.fixture
def read(tmp_path: Path):
    def reading(text: str) -> list[DosingRecord]:
        path = tmp_path / "data.csv"
        path.write_text(text)
        return read_nonmem(path)

    return reading


def test_additional_doses_are_expanded(read) -> None:
    (record,) = read(HEADER + "1,0,100,50,1,1,1,.,12,3,.,.,2,70\n")
    assert [d.time_h for d in record.doses] == [0, 12, 24, 36]
    assert {(d.amount, d.duration_h, d.unit, d.occasion, d.compartment) for d in record.doses} == {(100, 2, None, 2, 1)}


def test_columns_in_any_case_and_order_and_a_point_is_missing(read) -> None:
    (record,) = read("dv,Time,id,amt,evid\n.,0,3,100,1\n5.5,4,3,.,0\n")
    assert record.subject == "3"
    assert [(v.time_h, v.value) for v in record.levels] == [(4.0, 5.5)]


def test_an_observation_in_compartment_two_is_a_level(read) -> None:
    (record,) = read(HEADER + "1,0,100,.,1,1,1,.,.,.,.,.,.,70\n1,2,.,.,0,0,2,8,.,.,.,.,.,70\n")
    assert record.levels[0].channel == "level"


def test_covariates_keep_the_time_of_every_row(read) -> None:
    (record,) = read(
        HEADER + "1,0,100,.,1,1,1,.,.,.,.,.,.,70\n1,2,.,.,2,1,1,.,.,.,.,.,.,72\n1,5,.,.,0,0,1,4,.,.,.,.,.,.\n"
    )
    assert [(c.time_h, c.value, c.unit) for c in record.covariate("WT")] == [
        (0.0, 70.0, None),
        (2.0, 72.0, None),
    ]


def test_minus_two_asks_the_model_for_the_duration(read) -> None:
    (record,) = read(HEADER + "1,0,100,-2,1,1,2,.,.,.,.,.,.,70\n")
    assert record.doses[0].modelled_duration


def test_a_duration_column_serves_as_well_as_a_rate(read) -> None:
    (record,) = read("ID,TIME,AMT,DUR,DV\n1,0,100,4,.\n")
    assert record.doses[0].duration_h == 4.0


def test_file_order_is_kept_where_times_are_equal(read) -> None:
    (record,) = read(HEADER + "1,0,100,.,1,1,1,.,.,.,.,.,.,70\n1,0,50,.,1,1,2,.,.,.,.,.,.,70\n")
    assert [d.amount for d in record.doses] == [100, 50]


def test_censored_observations(read) -> None:
    (record,) = read(
        HEADER + "1,0,100,.,1,1,1,.,.,.,.,.,.,70\n1,2,.,.,0,0,1,2,.,.,.,1,.,70\n1,3,.,.,0,0,1,80,.,.,.,-1,.,70\n"
    )
    assert [(v.censoring, v.limit) for v in record.levels] == [("below", 2.0), ("above", 80.0)]


def test_a_missing_dependent_variable_is_no_observation(read) -> None:
    (record,) = read(HEADER + "1,0,100,.,1,1,1,.,.,.,.,.,.,70\n1,2,.,.,0,1,1,9,.,.,.,.,.,70\n")
    assert record.levels == ()


def test_endpoints_go_to_their_channels(read) -> None:
    (record,) = read("ID,TIME,AMT,DV,DVID\n1,0,100,.,cp\n1,2,.,9,cp\n1,24,.,44,pca\n")
    assert [v.channel for v in record.levels] == ["level", "effect"]


def test_steady_state_becomes_earlier_doses_and_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "ss.csv"
    path.write_text(HEADER + "1,0,100,.,1,1,1,.,12,.,1,.,.,70\n")
    (record,), findings = read_nonmem_with_findings(path)
    assert record.doses[0].time_h == -720.0
    assert record.doses[-1].time_h == 0.0
    assert "steady state" in findings[0].fix


def test_subjects_come_in_order_of_first_appearance(read) -> None:
    records = read("ID,TIME,AMT,DV\nb,0,1,.\na,0,1,.\nb,2,.,3\n")
    assert [r.subject for r in records] == ["b", "a"]
    assert len(records[0].levels) == 1


REFUSED = [
    ("1,0,100,.,4,1,1,.,.,.,.,.,.,70", "EVID 4"),
    ("1,0,100,.,3,1,1,.,.,.,.,.,.,70", "EVID 3"),
    ("1,0,100,-1,1,1,1,.,.,.,.,.,.,70", "RATE -1"),
    ("1,0,100,-7,1,1,1,.,.,.,.,.,.,70", "RATE -7"),
    ("1,0,100,.,1,1,1,.,.,3,.,.,.,70", "ADDL 3"),
    ("1,0,100,.,1,1,1,.,.,.,1,.,.,70", "SS 1"),
    ("1,0,100,.,1,1,1,.,12,.,2,.,.,70", "SS 2"),
    ("1,0,-5,.,1,1,1,.,.,.,.,.,.,70", "a dose of -5"),
    ("1,x,100,.,1,1,1,.,.,.,.,.,.,70", "'x'"),
    ("1,0,abc,.,1,1,1,.,.,.,.,.,.,70", "'abc'"),
    ("1,5,.,.,0,0,1,4,.,.,.,7,.,70", "7"),
    ("1,5,.,.,0,0,1,4,.,.,.,.,.,70\n1,4,.,.,0,0,1,4,.,.,.,.,.,70", "4 h after 5 h"),
]


@pytest.mark.parametrize(("row", "seen"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_row(read, row: str, seen: str) -> None:
    with pytest.raises(TableError) as caught:
        read(HEADER + row + "\n")
    assert seen in str(caught.value)
    assert all(f.row is not None for f in caught.value.findings if f.severity == "error")


def test_text_in_a_covariate_column_is_reported_once(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("ID,TIME,AMT,DV,SEX\n1,0,1,.,M\n1,2,.,3,M\n")
    (record,), findings = read_nonmem_with_findings(path)
    assert record.covariates == ()
    assert findings[0].column == "sex" and findings[0].severity == "warning"


def test_a_table_of_something_else_is_refused(read) -> None:
    with pytest.raises(TableError, match="at least TIME, AMT and DV"):
        read("name,age\nx,3\n")


FOLDER = shared_root().joinpath("reference", "dosing", "B_posologyr_cc0", "data")
PUBLISHED = sorted(path.name for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_posologyr_tables_are_read_whole(name: str) -> None:
    """CC0 tables of Pharmaceutics 2022;14:442: 20 subjects, a dose at 0 h, and seven more from 72 h, every 24 h."""
    path = shared("reference", "dosing", "B_posologyr_cc0", "data", name)
    records = read_nonmem(path)
    routes = 2 if name == "data_to_fit006_dist.csv" else 1
    assert len(records) == 20
    assert all(len(r.doses) == 8 * routes for r in records)
    with path.open() as lines:  # a level: EVID 0 and not marked missing
        observed = sum(row["evid"] == "0" and row["mdv"] == "0" for row in csv.DictReader(lines))
    assert sum(len(r.levels) for r in records) == observed
    assert all(v.channel == "level" for r in records for v in r.levels)
    assert sum(d.modelled_duration for d in records[0].doses) == 8 * (routes - 1)


LONG = "ID,TIME,AMT,DV,EVID\n{a},0,500,.,1\n{a},10,.,8,0\n{b},0,700,.,1\n{b},12,.,9,0\n"


@pytest.mark.parametrize(("a", "b"), [("12345678", "12345679"), ("100000000000000001", "100000000000000002")])
def test_people_with_long_numbers_are_not_merged(tmp_path, a, b):
    path = tmp_path / "long.csv"
    path.write_text(LONG.format(a=a, b=b))
    assert [record.subject for record in read_nonmem(path)] == [a, b]


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ("1,0,500,.,1,.,.\n1,5,500,8,0,.,.\n", "amt"),  # EVID 0 with an amount
        ("1,0,500,5,1,.,.\n1,5,.,8,0,.,.\n", "dv"),  # EVID 1 with an observation
        ("1,0,500,.,1,.,.\n1,0,500,.,1,.,.\n1,5,.,8,0,.,.\n", "amt"),  # the same dose twice
    ],
)
def test_a_number_that_is_not_used_or_counted_twice_is_said(tmp_path, rows, column):
    path = tmp_path / "odd.csv"
    path.write_text("ID,TIME,AMT,DV,EVID,RATE,DUR\n" + rows)
    _, findings = read_nonmem_with_findings(path)
    assert [f.column for f in findings if f.severity == "warning"] == [column]


def test_a_rate_and_a_duration_that_contradict_each_other_are_refused(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("ID,TIME,AMT,DV,EVID,RATE,DUR\n1,0,1000,.,1,1000,2\n1,5,.,8,0,.,.\n")
    with pytest.raises(TableError, match="beside DUR 2"):
        read_nonmem(path)


def said(tmp_path: Path, text: str) -> list[tuple[int | None, str]]:
    path = tmp_path / "data.csv"
    path.write_text(text)
    _, findings = read_nonmem_with_findings(path)
    return [(f.row, f.seen) for f in findings if f.severity == "warning"]


def test_a_level_of_zero_after_a_dose_is_asked_about_and_one_before_is_not(tmp_path: Path) -> None:
    rows = "1,0,.,0,0\n1,0,100,1,.\n1,4,.,0,5\n1,24,.,0,0\n"
    assert said(tmp_path, "ID,TIME,AMT,EVID,DV\n" + rows) == [(5, "a measured level of 0 after a dose")]


def test_a_level_below_its_limit_is_not_taken_for_a_zero(tmp_path: Path) -> None:
    rows = "1,0,100,1,.,0,.\n1,24,.,0,0,1,0.5\n"
    assert said(tmp_path, "ID,TIME,AMT,EVID,DV,CENS,LLOQ\n" + rows) == []


def test_rows_of_a_subject_that_are_not_together_are_one_subject_and_said_once(tmp_path: Path) -> None:
    rows = "1,0,100,1,.\n2,0,100,1,.\n1,4,.,0,5\n2,4,.,0,6\n1,8,.,0,3\n"
    assert said(tmp_path, "ID,TIME,AMT,EVID,DV\n" + rows) == [
        (4, "a row of subject 1 after rows of others"),
        (5, "a row of subject 2 after rows of others"),
    ]
