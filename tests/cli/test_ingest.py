"""``caretwin ingest``: what a person who has a table sees, and what becomes of what was refused."""

import re

import pytest
from click.testing import CliRunner

from caretwin.cli import main
from caretwin.record.access import operator
from caretwin.record.record import open_record
from caretwin.record.store import keep
from caretwin.serve.clock import wall
from tests.paths import ROOT

WIDE, LAB = ROOT / "examples/ward_wide.csv", ROOT / "examples/lab_long.csv"


def ingest(*arguments, width=100):
    done = CliRunner().invoke(main, ["ingest", *(str(a) for a in arguments)], env={"COLUMNS": str(width)})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def flat(done):
    """The output without the wrapping."""
    return " ".join(done.output.split())


def outcomes(record):
    found = open_record(record, wall)
    try:
        found.reading(operator()).of([""])
        return {one.number: one.outcome for one in keep.quarantined(found.connection(), waiting=False)}
    finally:
        found.close()


@pytest.mark.parametrize("width", [80, 120])
def test_a_preview_says_what_is_taken_for_what_and_what_is_asked(width):
    done = ingest("preview", WIDE, width=width)
    text = flat(done)
    assert done.exit_code == 0
    for said in (
        "10 rows, 10 columns; semicolons",
        "Row 1 was taken for a title",
        "temperature in °F",
        "24/3/2026 can be nothing else",
        "free text is not read",
        "4 cells will be refused",
        "1 value can never be used",
        "1 heart_rate outside 20 to 250 /min 612 bpm (row 7",
        "The times have no offset from UTC",
    ):
        assert said in text, said
    lines = [line for line in done.output.splitlines() if not line.startswith("  caretwin ")]  # to be copied whole
    assert max(map(len, lines)) <= width
    assert not re.search(r"471[123]", done.output)  # nobody's number is shown


def test_the_spelling_with_an_option_shows_the_same():
    assert ingest("--preview", LAB).output == ingest("preview", LAB).output


def test_times_are_shown_once_the_zone_is_known():
    assert "2026-03-24 08:05Z" in ingest("preview", WIDE, "--zone", "Europe/London").output
    assert "2026-03-24 07:05Z" in ingest("preview", WIDE, "--zone", "Europe/Berlin").output
    assert "2026-03-24" not in ingest("preview", WIDE).output


def test_an_order_that_cannot_be_seen_shows_no_time(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("patient,time,HR\n7,03/04/2020 08:10,80\n")
    text = flat(ingest("preview", file, "--zone", "UTC"))
    assert "3 April with dmy" in text and "2020-04-03" not in text
    assert "2020-03-04 08:10Z" in ingest("preview", file, "--zone", "UTC", "--dates", "mdy").output


def test_a_file_that_is_no_table_is_told_what_to_do(tmp_path):
    file = tmp_path / "a.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0")
    done = ingest("preview", file)
    assert done.exit_code == 1
    assert "save it as .xlsx" in done.output
    assert ingest("preview", tmp_path / "none.csv").exit_code == 1


def test_from_a_table_to_a_record_by_a_mapping_that_was_mended(tmp_path):
    record, mapping = tmp_path / "r.db", tmp_path / "m.toml"
    asked = ingest("load", WIDE, "--record", record)
    assert asked.exit_code == 1 and "which clock" in flat(asked)
    assert not record.exists()
    assert ingest("preview", WIDE, "--zone", "Europe/London", "--write", mapping).exit_code == 0
    done = ingest("load", WIDE, "--record", record, "--mapping", mapping)
    assert done.exit_code == 3
    assert "44 new entries" in done.output and "row 8, column BP" in done.output
    again = ingest("load", WIDE, "--record", record, "--mapping", mapping)
    assert "0 new entries" in again.output and "44 were known already" in again.output
    subjects = CliRunner().invoke(main, ["record", "subjects", str(record)]).output
    assert subjects.count("patient") == 3


def test_a_table_without_questions_needs_no_mapping(tmp_path):
    done = ingest("load", LAB, "--record", tmp_path / "r.db")
    assert done.exit_code == 0, done.output
    assert "10 new entries" in done.output and "1 value has a code that nobody mapped" in done.output


@pytest.mark.parametrize("width", [80, 120])
def test_a_load_says_what_can_never_be_used_and_why(tmp_path, width):
    file = tmp_path / "vitals.csv"
    rows = [f"7,2020-03-27 08:{minute:02},{4000 if minute < 2 else 80},37 Cel\n" for minute in range(30)]
    file.write_text("patient,time,HR,Temp\n" + "".join(rows) + "7,2020-03-27 09:00,80,37 mg\n")
    done = ingest("load", file, "--record", tmp_path / "r.db", "--zone", "UTC", width=width)
    assert done.exit_code == 0, "they are kept: nothing was refused"
    told = flat(done)
    assert "62 new entries" in told and "3 values can never be used" in told
    assert "2 heart_rate outside" in told and "4000" in told
    assert "1 Temp" in told and "wanted Cel" in told and told.index("2 heart_rate") < told.index("1 Temp")
    shown = flat(ingest("preview", file, "--zone", "UTC", width=width))
    assert "3 values can never be used" in shown and "2 heart_rate outside" in shown


def test_rows_with_too_few_or_too_many_cells_are_told_with_their_numbers(tmp_path):
    file = tmp_path / "ragged.csv"
    file.write_text(
        "patient,time,HR,SpO2\n7,2026-03-27 08:10,80,97\n7,2026-03-27 09:10,82\n7,2026-03-27 10:10,81,9,6\n"
    )
    shown = flat(ingest("preview", file, "--zone", "UTC", width=80))
    assert "Row 3 has fewer cells than the header" in shown and "row 4: saw 5 cells" in shown
    done = ingest("load", file, "--zone", "UTC", "--record", tmp_path / "r.db")
    assert done.exit_code == 3 and "ragged.csv: Row 3 has fewer cells" in done.output and "row 4" in done.output
    file.write_text("\n".join(["patient,time,HR,SpO2", *(f"7,2026-03-27 {hour}:10,80" for hour in range(10, 18))]))
    assert "Rows 2, 3, 4, 5, 6 and 3 more have fewer" in flat(ingest("preview", file, "--zone", "UTC"))


def test_a_preview_names_what_is_open(tmp_path):
    file = tmp_path / "long.csv"
    rows = "".join(f"7,2026-03-27 08:10,{code},80,/min,1\n" for code in ("HR", "FOO", "BAR"))
    file.write_text("subject,time,code,value,unit,bananas\n" + rows)
    shown = flat(ingest("preview", file, "--zone", "UTC", "--system", "urn:x", width=80))
    assert "Nothing is open" not in shown
    assert "what FOO, BAR mean" in shown and "what bananas means" in shown
    file.write_text("subject,time,HR\n7,2026-03-27 08:10,80\n8,2026-03-27 08:10,81\n")
    assert "Nothing is open" in ingest("preview", file, "--zone", "UTC", "--system", "urn:x").output


def test_a_weight_in_stone_is_read(tmp_path):
    file = tmp_path / "st.csv"
    file.write_text("subject,time,Weight (st)\n7,2026-03-27 08:10,11.5\n8,2026-03-27 08:10,14\n")
    assert "73.03 kg" in ingest("preview", file, "--zone", "UTC").output


def test_what_was_refused_is_taken_in_after_a_fix_or_dropped_with_a_reason(tmp_path):
    record, mapping, file = tmp_path / "r.db", tmp_path / "m.toml", tmp_path / "t.csv"
    file.write_text(
        "patient,time,HR,status\n7,2020-03-27 08:10,80,final\n8,2020-03-27 08:10,90,eyeballed\n9,never,1,x\n"
    )
    ingest("preview", file, "--zone", "UTC", "--write", mapping)
    assert ingest("load", file, "--record", record, "--mapping", mapping).exit_code == 3
    assert "name the site with --config" in ingest("replay", record).output
    assert "refused again" in ingest("replay", record, "1", "--mapping", mapping).output
    assert outcomes(record)[1].startswith("refused again: t.csv, row 3, column status")
    mapping.write_text(mapping.read_text().replace("# words =", 'words = { eyeballed = "final", x = "final" } #'))
    partly = ingest("replay", record, "--mapping", mapping)
    assert partly.exit_code == 3 and "1 new entry" in partly.output  # row 4 has no time yet
    assert ingest("replay", record, "1", "--drop").exit_code == 2
    assert ingest("replay", record, "1", "--drop", "--reason", "a test row").exit_code == 0
    assert outcomes(record) == {1: "dropped: a test row"}
    assert "nothing waits" in ingest("replay", record, "--mapping", mapping).output
    assert ingest("replay", record, "1", "--mapping", mapping).exit_code == 2


def test_messages_of_a_site_are_replayed_by_its_doors_as_they_are_configured_now(tmp_path):
    record, config = tmp_path / "r.db", tmp_path / "site.toml"
    door = '[record]\nurl = "r.db"\n[doors.elm]\nkind = "rota"\npath = "."\nplace = "elm"\nzone = "Europe/London"\n'
    raw = b"staff,date,start,end\nC1,25/11/2025,07:00,14:00\n"
    found = open_record(record, wall)
    with found.writing(operator(), "write", "") as connection:
        keep.quarantine(connection, wall(), "elm", "no date", "text/csv;file=shifts.csv;saved=1", raw)
    found.close()
    config.write_text(door)
    assert ingest("replay", record, "--config", config).exit_code == 3
    config.write_text(door + 'dates = "dmy"\n')
    done = ingest("replay", record, "--config", config)
    assert done.exit_code == 0
    assert outcomes(record)[1].startswith("accepted: 1 new entry")


def test_every_installed_kind_of_door_is_listed_with_its_settings():
    text = flat(ingest("doors"))
    assert "mqtt" in text and "hl7v2" in text and "tested only against our own sender" in text
    one = flat(ingest("doors", "rota"))
    assert "IANA zone of the home's clocks" in one and "mqtt" not in one
    assert ingest("doors", "telex").exit_code == 2


def test_the_doors_of_a_site_are_tested_with_a_sentence_each(tmp_path):
    config = tmp_path / "site.toml"
    section = '[doors.{0}]\nkind = "rota"\nplace = "elm"\nzone = "Europe/London"\npath = "{1}"\n'
    config.write_text(section.format("good", tmp_path) + section.format("bad", tmp_path / "none"))
    (tmp_path / "shifts.csv").write_text("staff,start,end\n")
    done = ingest("test", config)
    assert done.exit_code == 3
    assert "good (rota): works" in done.output and "bad (rota): does not work: the path is not there" in done.output
    assert ingest("test", config, "good").exit_code == 0
    assert ingest("test", config, "other").exit_code == 2


def test_what_lies_in_a_folder_tells_which_door_reads_it(tmp_path):
    from caretwin.cli.ingest_load import kind_of

    assert kind_of(LAB) == "tables"
    (tmp_path / "clif_patient.csv").write_text("patient_id\n")
    assert kind_of(tmp_path) == "clif"


def test_help_needs_no_table_reader():
    import subprocess
    import sys

    code = (
        "import sys; from caretwin.cli import main\n"
        "try: main(['ingest', '--help'])\nexcept SystemExit: pass\n"
        "bad = {'pandas', 'pyarrow', 'numpy', 'jax', 'openpyxl'} & sys.modules.keys(); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def test_a_mapping_is_claimed_only_when_it_is_written(tmp_path, monkeypatch):
    target = tmp_path / "mapping.toml"
    target.write_text("mine\n")

    def full(self, *arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    done = ingest("preview", WIDE, "--write", target, "--overwrite")
    monkeypatch.undo()
    assert done.exit_code == 1
    assert "holds this mapping" not in done.output and "No space left" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mapping.toml"]
    assert target.read_text() == "mine\n"
    done = ingest("preview", WIDE, "--write", target, "--overwrite")
    assert "holds this mapping" in " ".join(done.output.split()) and "[subject]" in target.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["mapping.toml"]


@pytest.mark.parametrize("arguments", [("preview", WIDE), ("load", LAB, "--record", "none.db"), ("replay", "none.db")])
def test_an_unknown_zone_is_told_with_an_example(arguments):
    done = ingest(*arguments, "--zone", "Europe/Atlantis")
    assert done.exit_code == 2
    assert "there is no zone 'Europe/Atlantis'; write such as Europe/London" in flat(done)


def test_a_header_alone_and_what_is_no_table_are_told_plainly(tmp_path):
    empty, noise = tmp_path / "header.csv", tmp_path / "noise.csv"
    empty.write_text("patient,time,HR\n")
    noise.write_bytes(bytes(range(256)) * 8)
    for file, said in ((empty, "a header and no row"), (noise, "bytes that are no text")):
        for command in (("preview", file), ("load", file, "--record", tmp_path / "r.db")):
            done = ingest(*command)
            assert done.exit_code == 1 and said in flat(done)


def test_a_door_that_is_not_known_is_told_once_with_all_its_messages(tmp_path):
    record = tmp_path / "r.db"
    found = open_record(record, wall)
    for raw in (b"x", b"y", b"z"):
        with found.writing(operator(), "write", "") as connection:
            keep.quarantine(connection, wall(), "elm", "no date", "text/csv", raw)
    found.close()
    done = ingest("replay", record)
    assert done.exit_code == 3
    assert done.output.count("no door 'elm'") == 1 and done.output.startswith("1, 2, 3 ")


@pytest.mark.parametrize("where", ["mysql://ward/db", "http://ward/db", "sqlite:///ward.db"])
def test_an_address_that_is_no_record_is_told_plainly(where):
    for command in (("ingest", "load", str(LAB), "--record", where), ("record", "subjects", where)):
        done = CliRunner().invoke(main, [*command])
        scheme = where.partition("://")[0]
        assert done.exit_code == 1
        assert f"begins with {scheme}://" in done.output and "postgresql://user@host/database" in done.output
        assert "Error: record" in done.output and "DataError" not in done.output


def test_a_mapping_that_somebody_filled_in_is_not_written_over(tmp_path):
    target = tmp_path / "mapping.toml"
    target.write_text("mine\n")
    done = ingest("preview", WIDE, "--write", target)
    assert done.exit_code == 2 and "--overwrite" in done.output
    assert target.read_text() == "mine\n"


LONG = """patient,time,code,value,unit
7,2020-03-27 08:00,CREA-S,1.1,mg/dL
7,2020-03-27 08:10,CREA-S,900,mg/dL
7,2020-03-27 08:10,SKALA,3,
7,2020-03-27 08:10,Temp,37,Cel
"""


def unmapped(record, *more):
    return CliRunner().invoke(main, ["record", "unmapped", str(record), *map(str, more)]).output


def loaded(folder):
    """A record with a table of which two codes are not mapped."""
    (folder / "lab.csv").write_text(LONG)
    done = ingest("load", folder / "lab.csv", "--record", folder / "r.db", "--zone", "UTC")
    assert done.exit_code == 0 and "3 values have a code that nobody mapped" in done.output
    return folder / "r.db"


def filled_in(record, codes):
    unmapped(record, "--csv", codes)
    codes.write_text(codes.read_text().replace("CREA-S,mg/dL,", "CREA-S,mg/dL,creatinine"))


@pytest.mark.parametrize("key", ["", "a key"], ids=["plain", "encrypted"])
@pytest.mark.parametrize("width", [80, 120])
def test_what_came_before_its_code_was_mapped_is_shown_and_then_mapped(tmp_path, monkeypatch, width, key):
    monkeypatch.setenv("CARETWIN_RECORD_KEY", key)
    record, codes = loaded(tmp_path), tmp_path / "codes.csv"
    filled_in(record, codes)
    looked = ingest("remap", record, "--mapping", codes, width=width)
    assert looked.exit_code == 1 and "Map 2 values?" in looked.output, "nobody said yes"
    for said in ("2 local:tables|CREA-S mg/dL tables creatinine mg/dL: 1 of them", "outside 0.1 to 25", "1 code still"):
        assert said in flat(looked), said
    assert "CREA-S" in unmapped(record)
    done = ingest("remap", record, "--mapping", codes, "--yes", width=width)
    assert done.exit_code == 0 and "2 values mapped, 1 of which can never be used" in flat(done)
    left = unmapped(record)
    assert "CREA-S" not in left and "SKALA" in left
    again = ingest("remap", record, "--mapping", codes, width=width)
    assert again.exit_code == 0 and "nothing to map" in again.output
    key_ = CliRunner().invoke(main, ["record", "subjects", str(record)]).output.split("\n")[1].split()[0]
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["record", "show", str(record), key_]).output
    assert "creatinine" in shown and "came as local:tables|CREA-S mg/dL" in " ".join(shown.split())
    reloaded = ingest("load", tmp_path / "lab.csv", "--record", record, "--zone", "UTC")
    assert "0 new entries" in reloaded.output and "CREA-S" not in unmapped(record)
    assert "1 value has a code that nobody mapped" in reloaded.output, "SKALA, and no longer CREA-S"
    assert "each as it was written" in CliRunner().invoke(main, ["record", "verify", str(record)]).output


def test_a_table_that_is_loaded_again_after_a_remap_says_nothing_of_codes_that_are_mapped(tmp_path):
    (tmp_path / "lab.csv").write_text("\n".join(row for row in LONG.splitlines() if "SKALA" not in row) + "\n")
    load = ("load", tmp_path / "lab.csv", "--record", tmp_path / "r.db", "--zone", "UTC")
    assert "2 values have a code that nobody mapped" in ingest(*load).output
    filled_in(tmp_path / "r.db", tmp_path / "codes.csv")
    ingest("remap", tmp_path / "r.db", "--mapping", tmp_path / "codes.csv", "--yes")
    again = ingest(*load).output
    assert "0 new entries" in again and "nobody mapped" not in again and "record unmapped" not in again


def test_codes_that_nobody_needs_leave_the_list(tmp_path):
    record, codes = loaded(tmp_path), tmp_path / "codes.csv"
    codes.write_text("code,channel\nCREA-S,ignore\nSKALA,ignore\n")
    asked = ingest("remap", record, "--mapping", codes)
    assert "Take 2 codes from the list?" in asked.output and "CREA-S" in unmapped(record)
    assert ingest("remap", record, "--mapping", codes, "--yes").exit_code == 0
    assert "CREA-S" not in unmapped(record) and "SKALA" not in unmapped(record)
    assert "nothing to map" in ingest("remap", record, "--mapping", codes).output


def test_a_site_s_doors_bring_their_own_mappings(tmp_path):
    record, config = loaded(tmp_path), tmp_path / "site.toml"
    filled_in(record, tmp_path / "codes.csv")
    section = '[record]\nurl = "r.db"\n[doors.{}]\nkind = "hl7v2"\nport = 0\nmapping = "codes.csv"\n'
    config.write_text(section.format("others"))
    assert "nothing to map" in ingest("remap", record, "--config", config).output
    config.write_text(section.format("tables"))
    assert "2 values mapped" in ingest("remap", record, "--config", config, "--yes").output


def test_a_table_that_is_taken_in_again_by_a_better_mapping_stands_once(tmp_path):
    record, mapping = loaded(tmp_path), tmp_path / "m.toml"
    ingest("preview", tmp_path / "lab.csv", "--zone", "UTC", "--write", mapping)
    mapping.write_text(mapping.read_text() + '\n[[code]]\ncode = "CREA-S"\nchannel = "creatinine"\nunit = "mg/dL"\n')
    assert ingest("remap", record, "--mapping", mapping).exit_code == 1
    assert "ingest load" in ingest("remap", record, "--mapping", mapping).output
    done = ingest("load", tmp_path / "lab.csv", "--record", record, "--mapping", mapping)
    assert "2 new entries" in done.output and "2 were known already" in done.output
    left = unmapped(record)
    assert "CREA-S" not in left and "SKALA" in left
    assert "nothing to map" in ingest("remap", record).output
