"""What an OBX becomes: its value, its time, its state, and the name by which its sender will speak of it again."""

import pytest
from tests.ingest.doors.hl7v2_lines import (
    MSH,
    OBR,
    PID,
    decoded,
    door,
    intake_of,
    message,
    obx,
    oru,
    reader,
    refusals,
    value,
    values,
)

from caretwin.base.time import from_microseconds, parse_instant, to_microseconds
from caretwin.ingest.decoded import LOINC, MDC, SNOMED, Code, RefusedError
from caretwin.ingest.doors.hl7v2.times import instant
from caretwin.record.entry import Status

BARE_OBR = "OBR|1|P77|F88|24323-8^Panel^LN"
NO_ORDER = "OBR|1|||24323-8^Panel^LN|||20240301060000+0000"


def us(text: str) -> int:
    return to_microseconds(parse_instant(text))


# values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sent", "read", "comparator"),
    [
        ("NM", "7.4", 7.4, None), ("NM", "-2.0", -2.0, None), ("NM", "0", 0.0, None), ("NM", "+3", 3.0, None),
        ("NM", ".5", 0.5, None), ("NM", "1e3", 1000.0, None), ("NM", "<0.5", 0.5, "<"), ("ST", "<0.5", 0.5, "<"),
        ("ST", ">= 12", 12.0, ">="), ("ST", "7.40", 7.4, None), ("SN", "^7", 7.0, None), ("SN", ">^100", 100.0, ">"),
        ("SN", "<=^0.2", 0.2, "<="), ("SN", "=^4", 4.0, None), ("TX", "12", 12.0, None),
    ],
)  # fmt: skip
def test_a_number_is_read_with_what_bounds_it(kind, sent, read, comparator):
    one = value(oru(obx(sent, kind)))
    assert one.value == read
    assert (one.note or {}).get("comparator") == comparator


@pytest.mark.parametrize(
    ("kind", "sent", "text"),
    [
        ("ST", "haemolysed", "haemolysed"), ("ST", "7,4", "7,4"), ("ST", "1:128", "1:128"), ("SN", "^1^:^128", "1:128"),
        ("SN", "^100^-^200", "100-200"), ("SN", "^2^+", "2+"), ("ST", "positive", "positive"), ("ST", "1_000", "1_000"),
        ("ST", "٣", "٣"), ("ST", "nan", "nan"), ("ST", "inf", "inf"), ("FT", r"one\.br\two", "one\ntwo"),
        ("TX", "a~b", "a\nb"),
        ("DT", "20240229", "2024-02-29"), ("TM", "0610", "0610"),
    ],
)  # fmt: skip
def test_what_is_no_number_stays_a_word(kind, sent, text):
    one = value(oru(obx(sent, kind)))
    assert (one.value, one.note["text"]) == (None, text)


def test_a_number_with_a_comma_is_refused_and_not_kept_as_a_word_that_hides_the_number_before_it():
    found = decoded(oru(obx("7,2", "NM")))
    assert not found.parts
    assert "a decimal point" in str(found.refused[0])


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("NM", "abc"), ("NM", "haemolysed"), ("NM", "1_000"), ("NM", "٣"), ("NM", "---"), ("NM", "<"), ("NM", "nan"),
        ("SN", "^abc"), ("SN", ">^many"), ("SN", "^1^:^x"),
    ],
)  # fmt: skip
def test_a_word_where_a_number_is_announced_is_refused_and_the_rest_of_the_report_is_kept(kind, sent):
    found = decoded(oru(obx(sent, kind), obx("139", code="2951-2^Sodium^LN", unit="mmol/L", number=2)))
    assert [part.value for part in found.parts] == [139.0]
    (refusal,) = found.refused
    assert (refusal.place, refusal.seen) == ("OBX[1]-5", "a word where OBX-2 says a number")
    assert "2.A.47" in refusal.wanted
    assert sent not in str(refusal)


def test_a_word_does_not_hide_the_last_number_of_its_channel(tmp_path):
    number = oru(obx("4.1", code="2823-3^Potassium^LN", unit="mmol/L", time="20240301060000+0000"))
    word = oru(obx("abc", code="2823-3^Potassium^LN", unit="mmol/L", time="20240301061000+0000"), msh=MSH + "|x")
    with intake_of(tmp_path, door()) as (intake, record):
        kept, refused = intake.accept_now(number), intake.accept_now(word)
        assert (kept.result, refused.result) == ("accepted", "refused")
        (last,) = reader(record).latest(kept.receipt.subjects[0], ["potassium"])
        assert (last.value, last.effective) == (4.1, us("2024-03-01T06:00Z"))


def test_a_range_keeps_both_its_ends():
    note = value(oru(obx("^100^-^200", "SN"))).note
    assert (note["low"], note["high"]) == (100.0, 200.0)


@pytest.mark.parametrize(("sent", "status"), [("", "F"), ('""', "F"), ("", "X"), ('""', "C")])
def test_nothing_absent_becomes_zero(sent, status):
    one = value(oru(obx(sent, status=status)))
    assert one.value is None
    assert one.note["absent"]


def test_a_coded_answer_keeps_its_words_and_every_code():
    one = value(oru(obx("260415000^not detected^SCT^ND^none^L~10828004^positive^SCT", "CWE")))
    assert one.note["text"] == "not detected; positive"
    assert [SNOMED, "260415000", "not detected"] in one.note["value_codes"]
    assert ["local:LAB", "ND", "none"] in one.note["value_codes"]


@pytest.mark.parametrize("sent", ["60~120", "1e999", "-1e999"])
def test_a_number_that_cannot_be_one_is_refused(sent):
    ((place, _),) = refusals(oru(obx(sent)))
    assert place == "OBX[1]-5"


@pytest.mark.parametrize("kind", ["ED", "RP", "NA", "MA", "CX", "XPN"])
def test_documents_waveforms_and_names_are_left_and_said_to_be(kind):
    found = decoded(oru(obx("a^b^c", kind)))
    assert (found.parts, found.refused, found.ignored) == ((), (), (f"OBX of type {kind}",))


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("mg/dL", "mg/dL"), ("10*9/L^billion per litre^UCUM", "10*9/L"), ("bpm^beats^L^/min^per minute^UCUM", "/min"),
        ("264864^MDC_DIM_BEAT_PER_MIN^MDC", "/min"), ("266016^MDC_DIM_MMHG^MDC", "mm[Hg]"),
        ("MDC_DIM_PERCENT", "%"), ("1^MDC_DIM_NEW^MDC", "MDC_DIM_NEW"), ("", ""), ("^per hour", "per hour"),
    ],
)  # fmt: skip
def test_the_unit_is_the_coding_that_is_ucum(field, unit):
    assert value(oru(obx(unit=field))).unit == unit


def test_all_codings_of_what_was_observed_are_kept_in_order():
    one = value(oru(obx(code="GLU^Glucose^L^2345-7^Glucose^LN^^^^33747003^Glucose^SCT")))
    assert one.codes == (
        Code("local:LAB", "GLU", "Glucose"), Code(LOINC, "2345-7", "Glucose"), Code(SNOMED, "33747003", "Glucose"),
    )  # fmt: skip


# states --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "status"),
    [
        ("P", Status.PRELIMINARY), ("R", Status.PRELIMINARY), ("S", Status.PRELIMINARY), ("I", Status.PRELIMINARY),
        ("F", Status.FINAL), ("", Status.FINAL), ("X", Status.FINAL), ("C", Status.CORRECTED), ("A", Status.CORRECTED),
        ("D", Status.RETRACTED), ("W", Status.RETRACTED),
    ],
)  # fmt: skip
def test_the_state_of_a_result_is_told(letter, status):
    assert value(oru(obx(status=letter))).status == status


@pytest.mark.parametrize("letter", ["I", "O", "N", "U"])
def test_a_state_without_a_value_says_nothing_to_keep(letter):
    found = decoded(oru(obx("", status=letter)))
    assert (found.parts, found.refused) == ((), ())
    assert found.ignored


def test_an_unknown_state_is_refused():
    assert refusals(oru(obx(status="Q"))) == [("OBX[1]-11", "a state that is none")]


def test_without_a_state_of_its_own_a_result_has_that_of_its_report():
    preliminary = OBR.replace("|||F", "|||P")
    assert value(oru(obx(status=""), obr=preliminary)).status == Status.PRELIMINARY


# times ---------------------------------------------------------------------------------------------------------------


def test_the_time_of_the_observation_comes_before_that_of_the_order():
    assert value(oru(obx(time="20240301055500+0000"))).effective == us("2024-03-01T05:55Z")
    assert value(oru(obx())).effective == us("2024-03-01T06:00Z")


def test_the_time_of_the_result_is_the_version_and_is_kept():
    one = value(oru(obx()))
    assert one.version == one.note["issued"] == us("2024-03-01T06:10Z")
    assert value(oru(obx(time="20240301060000Z"[:-1] + "+0000"), obr=BARE_OBR)).version == us("2024-03-01T06:15Z")


def test_a_specimen_tells_when_it_was_taken():
    spm = "SPM|1|||BLD^Blood^L|||||||||||||20240301054500+0000"
    one = value(message(MSH, PID, BARE_OBR, obx(), spm))
    assert (one.effective, one.note["specimen"]) == (us("2024-03-01T05:45Z"), "Blood")


def test_a_result_whose_sample_has_no_time_is_placed_when_it_was_reported_and_says_so():
    reported = "OBR|1|P77|F88|24323-8^Panel^LN" + "|" * 18 + "20240301061000+0000"
    one = value(oru(obx(time="20240301"), obr=reported))
    assert one.effective == us("2024-03-01T06:10Z")
    assert "OBR-22" in one.note["time"]


def test_what_stands_in_for_a_time_must_be_of_the_day_that_is_said():
    reported = "OBR|1|P77|F88|24323-8^Panel^LN" + "|" * 18 + "20240302061000+0000"
    assert refusals(oru(obx(time="20240301"), obr=reported)) == [("OBX[1]-14", "a date without a time of day")]


@pytest.mark.parametrize("time", ["20240301", "202403", "2024", "2024030106"])
def test_a_date_alone_is_no_instant(time):
    ((place, seen),) = refusals(oru(obx(time=time), obr=BARE_OBR))
    assert (place, "without a time of day" in seen) == ("OBX[1]-14", True)


def test_a_message_time_is_never_taken_for_the_time_of_an_observation():
    ((place, seen),) = refusals(oru(obx(), obr=BARE_OBR))
    assert (place, seen) == ("OBX[1]-14", "no time in OBX-14, OBR-7, SPM-17, OBR-22")


def test_the_hour_that_autumn_shows_twice_is_refused_and_not_guessed():
    ((_, seen),) = refusals(oru(obx(time="20241027013000")), zone="Europe/London")
    assert "showed twice" in seen
    assert values(oru(obx(time="20241027013000+0100")), zone="Europe/London")


def test_a_time_without_an_offset_is_of_the_zone_of_the_feed():
    summer = oru(obx(time="20240701120000"))
    assert value(summer, zone="Europe/London").effective == us("2024-07-01T11:00Z")
    assert value(summer).effective == us("2024-07-01T12:00Z")  # the offset of MSH-7
    assert refusals(oru(obx(time="20240701120000"), msh=MSH.replace("+0000", "")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("202403010610+0530", "2024-03-01T00:40Z"), ("20240301061000.1234-0500", "2024-03-01T11:10:00.123400Z"),
        ("20240229235959+0000", "2024-02-29T23:59:59Z"),
    ],
)  # fmt: skip
def test_times_are_read_to_the_microsecond(text, expected):
    assert from_microseconds(instant(text, "").us) == parse_instant(expected)


@pytest.mark.parametrize("text", ["20240230061000+0000", "20240301256000+0000", "yesterday", "00000101000000+0000",
                                  "20240301061000+9900", "99991231235959-1200", "2024-03-01T06:10Z"])  # fmt: skip
def test_what_is_no_time_has_no_instant_and_says_why(text):
    assert instant(text, "").us is None
    assert instant(text, "").trouble


# names: resends, corrections, distinct readings -----------------------------------------------------------------------


def test_the_same_result_in_another_message_is_the_same_in_all_that_counts():
    first, again = oru(obx()), oru(obx(), msh=MSH.replace("M1", "M2").replace("0615", "0625"))
    assert value(first) == value(again)


def test_a_repeated_vital_sign_in_a_new_message_keeps_its_first_version():
    """A gateway repeats the last cuff pressure each minute: MSH-7 is new, and nothing else is."""
    from tests.ingest.doors.hl7v2_lines import door

    made = door()
    first = oru(obx("118"), obr=NO_ORDER)
    later = oru(obx("118"), obr=NO_ORDER, msh=MSH.replace("M1", "M2").replace("0615", "0616"))
    changed = oru(obx("119"), obr=NO_ORDER, msh=MSH.replace("M1", "M3").replace("0615", "0617"))
    again = oru(obx("119"), obr=NO_ORDER, msh=MSH.replace("M1", "M4").replace("0615", "0618"))
    one, two, three, four, five = (made.decode(raw, "").parts[0] for raw in (first, later, changed, first, again))
    assert one == two
    assert three.version > one.version
    assert four.version == one.version  # late, and older than what was said since
    assert five == three


def test_a_corrected_result_has_the_name_of_the_one_that_it_corrects():
    wrong, right = value(oru(obx("7.4"))), value(oru(obx("4.7", status="C"), msh=MSH.replace("0615", "0915")))
    assert right.source_id == wrong.source_id
    assert (right.version, right.status) > (wrong.version, wrong.status)


@pytest.mark.parametrize(
    "other",
    [
        oru(obx(), obr=OBR.replace("F88", "F89")), oru(obx(code="2345-7^Glucose^LN")), oru(obx(sub="2")),
        oru(obx(time="20240301060100+0000")), oru(obx(), pid=PID.replace("1234", "1235")),
        oru(obx(), msh=MSH.replace("LAB", "LAB2")), oru(obx(), pid=PID.replace("NORTH", "SOUTH")),
        oru(obx(time="20240301060000.5+0000")),
    ],
    ids=["order", "code", "sub-identifier", "time", "patient", "sender", "authority", "half a second"],
)  # fmt: skip
def test_distinct_readings_have_distinct_names(other):
    assert value(other).source_id != value(oru(obx())).source_id


def test_an_order_is_known_by_its_fillers_number_whoever_placed_it():
    assert value(oru(obx(), obr=OBR.replace("P77", ""))).source_id == value(oru(obx())).source_id


def test_where_order_numbers_are_never_used_again_a_correction_may_move_to_another_patient():
    raw, moved = oru(obx()), oru(obx(status="C"), pid=PID.replace("1234", "1235"))
    assert value(raw, unique_orders=True).source_id == value(moved, unique_orders=True).source_id


def test_an_nhs_number_that_is_learnt_later_does_not_rename_a_result():
    for kind in ("MR", "PI"):
        alone = PID.replace("NORTH^MR", f"NORTH^{kind}")
        both = alone.replace("1234^", "9434765919^^^NHS^NH~1234^")
        assert value(oru(obx(), pid=both)).source_id == value(oru(obx(), pid=alone)).source_id


def test_a_result_without_any_time_of_its_own_is_named_by_its_order_and_not_by_when_it_was_reported():
    bare = "OBR|1|P77|F88|24323-8^Panel^LN" + "|" * 18
    first, corrected = (value(oru(obx(), obr=bare + time)) for time in ("20240301061000+0000", "20240301091000+0000"))
    assert first.source_id == corrected.source_id
    nameless = "OBR|1|||24323-8^Panel^LN" + "|" * 18
    one, two = (value(oru(obx(), obr=nameless + time)) for time in ("20240301061000+0000", "20240301091000+0000"))
    assert one.source_id != two.source_id


def test_lines_of_one_text_are_told_apart_by_their_order():
    lines = values(oru(obx("a", "TX"), obx("", "TX"), obx("a", "TX")))
    assert len({one.source_id for one in lines}) == 3


def test_a_number_twice_in_one_message_is_one_reading_and_two_numbers_are_two():
    same, other = values(oru(obx("80"), obx("80"))), values(oru(obx("80"), obx("85")))
    assert len({one.source_id for one in same}) == 1
    assert len({one.source_id for one in other}) == 2


def test_a_correction_behind_its_original_in_one_message_corrects_it():
    first, second = values(oru(obx("80"), obx("85", status="C")))
    assert first.source_id == second.source_id


# devices and several patients -----------------------------------------------------------------------------------------

PCD_MSH = r"MSH|^~\&|AT_Gateway^1234567890ABCDEF^EUI-64|ICU|||20240301061500+0000||ORU^R01^ORU_R01|G1|P|2.6|||NE|AL"
MDS = "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||MON^^00A0370012345678^EUI-64"
HEART_RATE = "147842^MDC_ECG_HEART_RATE^MDC"
BPM = "264864^MDC_DIM_BEAT_PER_MIN^MDC"


def pcd(*lines: str, order: str = "AB^GW") -> bytes:
    return message(PCD_MSH, PID, f"OBR|1|{order}1|{order}2|182777000^monitoring^SCT|||20240301061000+0000", *lines)


def test_a_bedside_gateway_tells_which_channel_of_which_monitor_spoke():
    raw = pcd(MDS, obx("72", code=HEART_RATE, unit=BPM, sub="1.7.4.147842", status="R"))
    found = decoded(raw)
    (one,) = found.parts
    assert one.codes[0][:2] == (MDC, "147842")
    assert (one.device, one.unit, one.status) == ("00A0370012345678/1.7.4.147842", "/min", Status.PRELIMINARY)
    assert found.ignored == ("description of a device",)


def test_two_channels_with_one_code_are_two_devices():
    raw = pcd(*(obx(v, code=HEART_RATE, unit=BPM, sub=f"1.{n}.1.1") for n, v in ((1, "72"), (2, "73"))))
    assert len({(one.device, one.source_id) for one in values(raw)}) == 2


def test_a_devices_reading_is_not_renamed_by_the_number_of_the_report_that_repeats_it():
    line = obx("72", code=HEART_RATE, unit=BPM, sub="1.1.1.1", time="20240301060900+0000")
    assert value(pcd(line)).source_id == value(pcd(line, order="CD^GW")).source_id


def test_each_result_belongs_to_the_patient_before_it():
    other = PID.replace("1234", "5678")
    found = values(message(MSH, PID, OBR, obx("1"), other, OBR, obx("2")))
    assert [(one.subject.identifiers[0].value, one.value) for one in found] == [("1234", 1.0), ("5678", 2.0)]


def test_nothing_of_one_patient_is_lent_to_the_next():
    """Neither the monitor that the first is connected to, nor the time of their order."""
    other, order = PID.replace("1234", "5678"), "OBR|1|||A^B^L|||20240301061000+0000"
    pulse = obx("72", code=HEART_RATE, unit=BPM, sub="1.7.4.1", time="20240301061000+0000")
    first, second = values(message(PCD_MSH, PID, order, MDS, pulse, other, order, pulse))
    assert first.device == "00A0370012345678/1.7.4.1"
    assert second.device == "1.7.4.1"
    assert refusals(message(MSH, PID, OBR, obx("1"), other, obx("2")))[0][0] == "OBX[2]-14"


def test_results_of_an_unknown_patient_are_not_given_to_the_one_before():
    found = decoded(message(MSH, PID, OBR, obx("1"), "PID|2||", OBR, obx("2")))
    assert [part.value for part in found.parts] == [1.0]
    assert found.refused[0].place == "PID[2]-3"


def test_a_result_without_a_code_is_refused_and_an_empty_line_is_not():
    assert refusals(oru(obx(code=""))) == [("OBX[1]-3", "no code")]
    assert refusals(oru(obx("", code=""))) == []


def test_only_live_messages_are_taken_in_unless_the_site_says_otherwise():
    training = MSH.replace("|P|", "|T|")
    with pytest.raises(RefusedError) as caught:
        decoded(oru(obx(), msh=training))
    assert caught.value.refusal.place == "MSH[1]-11"
    assert values(oru(obx(), msh=training), processing="PT")
