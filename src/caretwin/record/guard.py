"""Who may, asked for every person that is concerned; and the audit of what was done and of what was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from caretwin.record import audit
from caretwin.record.access import AccessDeniedError, Action, Actor, Policy, require
from caretwin.record.connections import Connections


class Guard:
    """Asks the policy, and writes the audit trail.

    clock  microseconds UTC now: for the times of audit rows
    """

    def __init__(self, connections: Connections, clock: Callable[[], int], policy: Policy) -> None:
        self._connections, self._policy, self.clock = connections, policy, clock

    def allow(self, actor: Actor, action: Action, subjects: Iterable[str] = ("",)) -> dict[str, str]:
        """The rule that allows an action, by subject ("" is what is about no one: asked where there is no subject).

        Raises AccessDeniedError at the first that is refused; the refusal is audited.
        """
        permit = Permit(self._policy)
        try:
            return permit.ask(actor, action, subjects)
        except Exception:
            self.audit_refusal(permit)
            raise

    def permit(self) -> Permit:
        """As :meth:`allow`, within a transaction: who is refused there is audited after it, by
        :meth:`audit_refusal`.
        """
        return Permit(self._policy)

    def audit_refusal(self, permit: Permit) -> None:
        """Audit what a permit has refused; nothing where it has refused nothing."""
        if permit.refused is None:
            return
        actor, action, subject = permit.refused
        with self._connections.writing() as connection:
            refused = audit.Act(self.clock(), actor.name, action, subject, False, permit.rule)
            audit.append(connection, [refused])

    def act(self, actor: Actor, action: Action, rules: dict[str, str], detail: str) -> audit.Act:
        """What is about to be done to several subjects at once, as the audit trail keeps it."""
        used = " ".join(dict.fromkeys(rules.values()))
        return audit.Act(self.clock(), actor.name, action, " ".join(rules).strip(), True, used, detail)

    def audit_reading(self, actor: Actor, rules: dict[str, str]) -> None:
        """Audit a look at subjects, a row for each; the purpose of the actor is the detail."""
        if rules:
            acts: Sequence[audit.Act] = [
                self.act(actor, "read", {subject: rule}, actor.purpose) for subject, rule in rules.items()
            ]
            with self._connections.writing() as connection:
                audit.append(connection, acts)


class Permit:
    """The policy's answers within one transaction; each question is asked once.

    refused  who asked for what when the policy first said no, or failed
    rule     by which it said no
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rules: dict[tuple[Actor, Action, str], str] = {}
        self.refused: tuple[Actor, Action, str] | None = None
        self.rule = "default:deny"

    def ask(self, actor: Actor, action: Action, subjects: Iterable[str]) -> dict[str, str]:
        """The rule that allows an action, by subject; "" where there is none. Raises AccessDeniedError."""
        found: dict[str, str] = {}
        for subject in dict.fromkeys(subjects) or ("",):
            asked = (actor, action, subject)
            if asked not in self._rules:
                self.refused = asked
                try:
                    self._rules[asked] = require(self._policy, *asked).rule
                except AccessDeniedError as problem:
                    self.rule = problem.rule
                    raise
                self.refused = None
            found[subject] = self._rules[asked]
        return found
