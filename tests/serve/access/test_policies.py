"""What the shipped policies allow whom: the table that a reader of the policies expects."""

import pytest

from caretwin.base.errors import DataError
from caretwin.record.access import PEOPLE
from caretwin.serve.access.policies import Policies, Question, shipped
from caretwin.serve.access.roles import PURPOSES

POLICIES = shipped()
CLINICAL = {"nurse", "doctor", "pharmacist", "therapist"}
SITE_ACTIONS = {
    "public": PEOPLE,
    "session:own": PEOPLE,
    "board:see": CLINICAL | {"carer", "manager"},
    "quality:see": {"engineer", "manager"},
    "mapping:edit": {"engineer"},
    "setup:change": {"engineer", "manager"},
    "accounts:change": {"manager"},
    "audit:see": {"auditor"},
    "metrics:see": {"engineer"},
    "record:search": CLINICAL | {"engineer", "auditor"},
}
PATIENT_ACTIONS = {
    "person:see": CLINICAL | {"carer"},
    "person:write": CLINICAL | {"carer"},
    "what_if:try": CLINICAL,
    "recommendation:propose": CLINICAL,
    "recommendation:review": {"nurse", "doctor", "pharmacist"},
    "glass:break": CLINICAL,
}
ICU = frozenset({"ICU"})


def who_may(action: str, **more: object) -> set[str]:
    return {role for role in PEOPLE if POLICIES.decide(Question(action, "person", role, **more)).allow}  # type: ignore[arg-type]


@pytest.mark.parametrize("action", SITE_ACTIONS)
def test_each_action_about_the_site_is_of_the_roles_that_are_meant(action: str) -> None:
    assert who_may(action) == SITE_ACTIONS[action]


@pytest.mark.parametrize("action", PATIENT_ACTIONS)
def test_each_action_about_a_patient_is_of_the_roles_that_are_meant(action: str) -> None:
    assert who_may(action, about="patient", unit="ICU") == PATIENT_ACTIONS[action]
    assert who_may(action, about="patient", unit="ICU", units=ICU) == PATIENT_ACTIONS[action]


def test_every_action_of_the_policies_is_in_one_of_these_tables() -> None:
    assert POLICIES.actions == set(SITE_ACTIONS) | set(PATIENT_ACTIONS)


def test_who_has_not_signed_in_gets_what_is_public_and_nothing_else() -> None:
    allowed = {one for one in POLICIES.actions if POLICIES.decide(Question(one)).allow}
    assert allowed == {"public"}
    token = {one for one in POLICIES.actions if POLICIES.decide(Question(one, "service")).allow}
    assert token == {"public", "metrics:see"}


@pytest.mark.parametrize("action", sorted(set(PATIENT_ACTIONS) - {"glass:break"}))
@pytest.mark.parametrize("unit", ["Ward 3", None])
def test_nobody_sees_or_does_anything_about_another_wards_patient(action: str, unit: str | None) -> None:
    assert who_may(action, about="patient", unit=unit, units=ICU) == set()
    assert who_may(action, about="resident", unit=unit, units=ICU) == set()
    lifted = who_may(action, about="patient", unit=unit, units=ICU, break_glass=True)
    assert lifted == PATIENT_ACTIONS[action], "leave to look gives no role more than it has on its own ward"


def test_whoever_said_no_is_seen_by_nobody_without_leave_to_look() -> None:
    sealed = {"about": "patient", "unit": "ICU", "sealed": True}
    assert who_may("person:see", **sealed) == set()
    assert who_may("person:see", **sealed, break_glass=True) == CLINICAL | {"carer"}
    assert who_may("glass:break", **sealed) == CLINICAL


def test_a_manager_plans_for_residents_and_not_for_patients() -> None:
    for action in ("person:see", "what_if:try", "recommendation:review"):
        assert "manager" in who_may(action, about="resident", unit="Elm", units=frozenset({"Elm"}))
        assert "manager" not in who_may(action, about="patient", unit="Elm", units=frozenset({"Elm"}))


def test_residents_and_families_see_their_own_and_nobody_else() -> None:
    private = {"resident", "family"}
    assert who_may("person:see", about="resident", unit="Elm", own=True, sealed=True) == private
    assert not who_may("person:see", about="resident", unit="Elm") & private
    assert not who_may("board:see") & private


def test_a_refusal_names_the_policy_that_would_allow_it() -> None:
    found = POLICIES.decide(Question("mapping:edit", "person", "nurse"))
    assert (found.allow, found.rule) == (False, "default:deny")
    assert "running:mapping (engineers may say what codes mean)" in found.reason and "a nurse" in found.reason
    elsewhere = POLICIES.decide(Question("person:see", "person", "nurse", ICU, "patient", "Ward 3"))
    assert elsewhere.rule == "boundary:unit" and "none of the units" in elsewhere.reason


def test_what_no_policy_speaks_of_is_refused() -> None:
    assert not POLICIES.decide(Question("world:end", "person", "doctor")).allow
    assert not POLICIES.decide(Question("person:see", "person", "surgeon", about="patient", unit="ICU")).allow


def test_every_role_has_a_purpose() -> None:
    assert set(PURPOSES) == PEOPLE and all(PURPOSES.values())


SCHEMA = 'entity P; entity R { n: Long }; action "a" appliesTo { principal: [P], resource: [R], context: {} };'
GOOD = '@id("x") @says("all may") permit (principal, action == Action::"a", resource);'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("permit (principal", "unexpected|policies"), (GOOD.replace('"a"', '"b"'), "unrecognized|policies"),
        (GOOD.replace("resource)", "resource) when { resource.m == 1 }"), "attribute"),
        (GOOD.replace('@says("all may")', ""), "@id and @says"), (GOOD + GOOD, "@id and @says"),
    ],
)  # fmt: skip
def test_a_policy_that_is_wrong_is_refused_at_the_start(text: str, word: str) -> None:
    assert Policies({"good": GOOD}, SCHEMA).actions == {"a"}
    with pytest.raises(DataError, match=word):
        Policies({"bad": text}, SCHEMA)


def test_a_policy_that_fails_while_it_is_asked_allows_nothing() -> None:
    """A forbid that fails forbids nothing in Cedar: then nothing is allowed."""
    more = '@id("y") @says("over") forbid (principal, action, resource is Subject) when { "a".contains(1) };'
    schema = 'entity Person; entity Subject; action "a" appliesTo { principal: [Person], resource: [Subject] };'
    with pytest.raises(DataError):
        Policies({"a": GOOD, "b": more}, schema)
