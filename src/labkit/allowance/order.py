"""What a call asks for: so many tokens (or training steps), of whom, for which lab, and against which rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from labkit.allowance.rule import Balance, Rule, Share, Window, window
from labkit.errors import AllowanceSpent

_NONE = Share()
UNIT = "tokens"
STEPS, SECONDS = "steps", "seconds"  # of trainings
_LESS = {UNIT: "send less, or lower max_tokens", STEPS: "train for fewer steps", SECONDS: "train for fewer steps"}
_WHOSE = {
    "lab": "of this lab's {most} are left",
    "person": "of the {most} you may use in all labs {span} are left",
    "cohort": "of the {most} your cohort may use together {span} are left",
}


@dataclass(frozen=True)
class Asked:
    """What the audit says of a call: `kind` is such as "chat/completions", `digest` names what was asked."""

    kind: str = ""
    model: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Order:
    """One call. `lab_rule` bounds her in the lab, `person` in all labs together, `together` her whole cohort."""

    username: str
    course: str
    lab: str
    lab_rule: Rule
    amount: int
    holder: str
    id: str
    cohort: str = ""
    person: Rule = _NONE
    together: Rule = _NONE
    asked: Asked = field(default_factory=Asked)
    unit: str = UNIT  # "steps": each of a training's; a unit has counters of its own

    def counters(self, zone: ZoneInfo, now: datetime) -> list[Counter]:
        """The rows this call is counted in; always in the same order."""
        rule, unit = self.lab_rule, self.unit
        one = Counter("lab", self.username, "", self.course, self.lab, window(rule, zone, now), rule, unit)
        found = [one, Counter("person", self.username, "", "", "", window(self.person, zone, now), self.person, unit)]
        if self.cohort:
            span = window(self.together, zone, now)
            found.append(Counter("cohort", "", self.cohort, "", "", span, self.together, unit))
        return found


@dataclass(frozen=True)
class Counter:
    """One row of `allowances`, with the rule it is held to."""

    scope: str
    username: str
    cohort: str
    course: str
    lab: str
    window: Window
    rule: Rule
    unit: str = UNIT

    @property
    def key(self) -> dict[str, str]:
        names = ("username", "cohort", "course", "lab")
        return {name: getattr(self, name) for name in names} | {"unit": self.unit, "window": self.window.name}

    def could_hold(self, amount: int) -> bool:
        """Whether a fresh window has room for one call over `amount` tokens."""
        tokens, requests = self.rule.tokens, self.rule.requests
        return (tokens is None or amount <= tokens) and (requests is None or requests > 0)

    def balance(self, used: int, reserved: int, requests: int) -> Balance:
        rule = self.rule
        return Balance(rule.tokens, used, reserved, self.window.resets_at, requests, rule.requests)

    def spent(self, balance: Balance, amount: int, now: datetime) -> AllowanceSpent:
        """Why a call over `amount` tokens does not fit, and what to do; `now` says how long there is to wait."""
        span = "today" if self.window.resets_at else "in all"
        requests_left = balance.requests_left
        if requests_left == 0:
            most, left, unit = balance.most_requests, 0, "calls"
            message = f"This call is one too many: 0 {_WHOSE[self.scope].format(most=f'{most} calls', span=span)}."
        else:
            most, left, unit = balance.limit, balance.left, self.unit
            rest = _WHOSE[self.scope].format(most=most, span=span)
            what = {UNIT: "call may cost", "seconds": "training may take"}.get(unit, "training takes")
            message = f"This {what} {amount} {unit} and {left} {rest}."
        less = _LESS.get(unit, "")
        if most == 0:
            closed = "Models are" if unit in (UNIT, "calls") else "Training is"
            return AllowanceSpent(message, instead=f"{closed} closed to you here: ask your instructor.")
        if unit != "calls" and most is not None and amount > most:
            return AllowanceSpent(message, instead=f"It would never fit: {less}.")
        if balance.resets_at is None:
            return AllowanceSpent(message, instead="Ask your instructor for more; this allowance does not reset.")
        when = f"{balance.resets_at:%H:%M on %d %B %Y} ({balance.resets_at.tzinfo})"
        shorter = f"{less[:1].upper()}{less[1:]}, or wait" if left else "Wait, or ask your instructor for more"
        return AllowanceSpent(
            message,
            instead=f"{shorter}: the allowance is full again at {when}.",
            resets_at=balance.resets_at.isoformat(),
            retry_after=max(1, int((balance.resets_at - now).total_seconds()) + 1),
        )
