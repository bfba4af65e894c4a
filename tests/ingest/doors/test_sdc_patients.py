"""Nobody gets another person's values: not at a change of patient, not late, not by a device's mistake."""

from hypothesis import given
from hypothesis import strategies as st

from caretwin.ingest.doors.sdc.patients import Association, Associations, Ended, owner
from caretwin.ingest.doors.sdc.report import Patient
from caretwin.record.entry import Identifier, SubjectRef

ADA, BEN = (("urn:h", "ada"),), (("urn:h", "ben"),)
BED = SubjectRef((Identifier("urn:beds", "7"),), "place")
CARL = SubjectRef((Identifier("urn:h", "carl"),))


def who(patients: tuple[Patient, ...], when: int, fixed: SubjectRef | None = None, mds: str = "m") -> str:
    found = owner(patients, mds, when, fixed)
    return found.subject.identifiers[0].value if found.subject else f"nobody: {found.reason}"


def test_a_value_belongs_to_whom_the_device_was_connected_to_when_it_was_measured() -> None:
    patients = (Patient("m", ADA, 100, 200), Patient("m", BEN, 200))
    assert [who(patients, when) for when in (100, 199, 200, 300)] == ["ada", "ada", "ben", "ben"]
    assert who(patients, 99).startswith("nobody")


def test_between_two_patients_values_are_nobodys_or_the_beds() -> None:
    patients = (Patient("m", ADA, 100, 200), Patient("m", BEN, 300))
    assert who(patients, 250).startswith("nobody")
    assert who(patients, 250, BED) == "7"


def test_a_device_that_is_always_one_persons_is_not_once_it_names_another() -> None:
    assert who((), 5, CARL) == "carl"
    assert who((Patient("m", ADA, 100, 200),), 250, CARL).startswith("nobody")


def test_two_at_once_are_nobody_even_in_a_bed_that_is_known() -> None:
    patients = (Patient("m", ADA, 100), Patient("m", BEN, 150))
    assert who(patients, 120) == "ada"
    assert who(patients, 160, BED).startswith("nobody: two")


def test_a_gateway_keeps_its_beds_apart() -> None:
    patients = (Patient("m", ADA, 0), Patient("n", BEN, 0))
    assert (who(patients, 5), who(patients, 5, mds="n")) == ("ada", "ben")
    assert who(patients, 5, mds="o").startswith("nobody")


def test_an_identifier_that_cannot_be_right_is_left_out_and_the_others_hold() -> None:
    wrong = ("https://fhir.nhs.uk/Id/nhs-number", "9434765918")
    assert who((Patient("m", (wrong, *ADA), 0),), 5) == "ada"
    assert who((Patient("m", (wrong,), 0),), 5).startswith("nobody: a patient without")


def test_an_undated_association_begins_after_all_that_was_said_before() -> None:
    people = Associations()
    people.see({"a": Association("m", ADA)}, latest=100)
    assert who(people.patients(), 100).startswith("nobody")
    assert who(people.patients(), 101) == "ada"


def test_a_change_under_the_same_handle_is_a_change_of_person() -> None:
    people = Associations()
    people.see({"a": Association("m", ADA, 50)}, latest=60)
    assert people.see({"a": Association("m", BEN, 50)}, latest=100) == {"m"}
    assert [who(people.patients(), when) for when in (60, 100, 101)] == ["ada", "ada", "ben"]


def test_one_more_number_is_the_same_person() -> None:
    people = Associations()
    people.see({"a": Association("m", ADA, 50)}, latest=60)
    assert people.see({"a": Association("m", (*ADA, ("urn:x", "9")), 50)}, latest=100) == set()
    assert who(people.patients(), 55) == "ada"


def test_a_device_that_forgot_its_patient_has_none() -> None:
    people = Associations()
    people.see({"a": Association("m", ADA, 50)}, latest=60)
    people.see({}, latest=100)
    assert (who(people.patients(), 100), who(people.patients(), 101)[:6]) == ("ada", "nobody")


STEPS = st.lists(
    st.tuples(st.sampled_from(["ada", "ben", "none", "value"]), st.booleans(), st.integers(1, 9), st.booleans()),
    max_size=25,
)


@given(STEPS)
def test_whatever_the_order_nobody_gets_anothers_value(steps: list[tuple[str, bool, int, bool]]) -> None:
    """Truth: who lay there at each time. The device reports changes with or without times, in new states or in place;
    values may be late. A value that is given to somebody is theirs.
    """
    people, states, now, latest, handle = Associations(), {}, 10, 10, 0
    truth: list[tuple[int, str]] = [(0, "none")]
    for what, dated, step, in_place in steps:
        now += step
        if what == "value":
            when = now - step // 2  # may be older than what was said last
            people.see(states, latest)
            lay_there = [name for since, name in truth if since <= when][-1]
            found = who(people.patients(), when)
            assert found.startswith("nobody") or found == lay_there
            latest = max(latest, when)
            continue
        truth.append((now, what))
        at = now if dated else None
        old = [name for name, state in states.items() if isinstance(state, Association)]
        if in_place and dated and old and what != "none":
            states[old[0]] = Association("m", ((("urn:h", what),)), now)
        else:
            states |= {name: Ended(at) for name in old}
            if what != "none":
                handle += 1
                states[f"h{handle}"] = Association("m", (("urn:h", what),), at)
        people.see(states, latest)
