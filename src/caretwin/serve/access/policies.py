"""The Cedar policies of this package, parsed and checked once, and asked; each different question is asked once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import cedarpy

from caretwin.base.errors import DataError
from caretwin.record.access import Decision
from caretwin.serve.access.roles import groups

MOST_REMEMBERED = 20_000
"""Different questions whose answers are remembered: a site of 200 people and 50 kinds of accounts has some 10,000."""
_SUMMARY = re.compile(
    r'@id\("(?P<id>[^"]+)"\)\s*@says\("(?P<says>[^"]+)"\)\s*(?P<effect>permit|forbid)(?P<rest>[^;]*);'
)
_ACTION = re.compile(r'Action::"([^"]+)"')


class Question(NamedTuple):
    """Everything that an answer depends on.

    who         "nobody", "service", or "person" in ``role``, at ``units`` (none: everywhere)
    about       "" for the site, or what a subject is: "patient", "resident", "place"
    unit        where the subject is, None where that is not known; own: it is the account's own or family
    sealed      the subject said no to being looked at; break_glass: leave to look was taken
    """

    action: str
    who: Literal["nobody", "service", "person"] = "nobody"
    role: str = ""
    units: frozenset[str] = frozenset()
    about: str = ""
    unit: str | None = None
    own: bool = False
    sealed: bool = False
    break_glass: bool = False


class Summary(NamedTuple):
    """A policy as a person is told of it; actions: of those that it permits."""

    id: str
    says: str
    permits: bool
    actions: frozenset[str]


class Policies:
    """A set of policies.

    texts   Cedar files by name; schema  what they may speak of
    Raises DataError for a policy that cannot be read, speaks of what is not there, or has no @id and @says.
    """

    def __init__(self, texts: Mapping[str, str], schema: str) -> None:
        text = "\n".join(texts.values())
        found = cedarpy.validate_policies(text, schema)
        if not found.validation_passed:
            seen = "; ".join(f"{one.policy_id} {one.error}".strip() for one in found.errors)
            raise DataError("policies", seen=seen, wanted="what caretwin.cedarschema allows", fix="mend the policy")
        self._set = cedarpy.PolicySet.from_str(text)
        self.summaries = {one.id: one for one in _summaries(text)}
        if len(self.summaries) != len(self._set):
            seen = f"{len(self._set)} policies, of which {len(self.summaries)} have an id and a sentence of their own"
            raise DataError("policies", seen=seen, wanted="@id and @says on each", fix="write them before the policy")
        self.actions = frozenset(_ACTION.findall(text))
        self.decide = lru_cache(MOST_REMEMBERED)(self._decide)

    def _decide(self, question: Question) -> Decision:
        """Whether a question is allowed, by which policies, and why. What policies do not speak of is refused."""
        request = {
            "principal": _principal(question),
            "action": {"type": "Action", "id": question.action},
            "resource": _resource(question),
            "context": {"break_glass": question.break_glass},
        }
        answer = cedarpy.is_authorized(request, self._set, _entities(question))
        names = answer.diagnostics.id_annotations_by_reason
        rules = sorted(names.get(one, one) for one in answer.diagnostics.reasons)
        if answer.diagnostics.errors:  # a forbid that failed would not forbid
            return Decision(False, "a policy could not be evaluated, so nothing is allowed", "default:deny")
        if rules:
            said = "; ".join(self.summaries[one].says for one in rules)
            return Decision(answer.allowed, said, " ".join(rules))
        return Decision(False, self._nobody_allows(question), "default:deny")

    def _nobody_allows(self, question: Question) -> str:
        who = f"a {question.role}" if question.role else "somebody who has not signed in"
        would = [one for one in self.summaries.values() if one.permits and question.action in one.actions]
        told = " or ".join(f"{one.id} ({one.says})" for one in would) or "no policy that there is"
        who = f"an {question.role}" if question.role[:1] in ("a", "e") else who
        return f"no policy lets {who} do this; it would be allowed by {told}"


def _summaries(text: str) -> Iterable[Summary]:
    for found in _SUMMARY.finditer(re.sub(r"(?m)^\s*//.*$", "", text)):
        permits = found["effect"] == "permit"
        yield Summary(found["id"], found["says"], permits, frozenset(_ACTION.findall(found["rest"])))


def _principal(question: Question) -> dict[str, str]:
    kind = {"nobody": "Nobody", "service": "Service", "person": "Person"}[question.who]
    return {"type": kind, "id": "caller"}


def _resource(question: Question) -> dict[str, str]:
    return {"type": "Subject" if question.about else "Site", "id": "here"}


def _entities(question: Question) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if question.who == "person":
        attributes = {"units": sorted(question.units), "everywhere": not question.units}
        parents = [{"type": "Role", "id": one} for one in groups(question.role)]
        found.append({"uid": _principal(question), "attrs": attributes, "parents": parents})
    if question.about:
        about: dict[str, Any] = {"kind": question.about, "unit": question.unit or ""}
        about |= {"own": question.own, "sealed": question.sealed}
        found.append({"uid": _resource(question), "attrs": about, "parents": []})
    return found


def shipped() -> Policies:
    """The policies of this package."""
    folder = files("caretwin.serve.access") / "policies"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".cedar"))
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    return Policies(texts, (folder / "caretwin.cedarschema").read_text(encoding="utf-8"))
