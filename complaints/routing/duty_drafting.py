"""Changing a draft of the duty table: put and drop lines; journalled on the version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.models import DutyLine
from complaints.routing.duty_lines import PLACES, code_of
from complaints.routing.rule_fields import FieldRefused
from config.kernel import rule_kinds
from config.kernel.models import RuleSet, Term
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor
from staff.models import Department

_STEP: Final = 10
_LONGEST_ORIGIN: Final = 60


@dataclass(frozen=True, slots=True)
class LineData:
    """A line of the duty table as it is edited; the fields are those of DutyLine."""

    type: str = ""
    business_line: str = ""
    responsible: str = ""
    approves: str = ""
    consulted: Sequence[str] = ()
    told: Sequence[str] = ()
    origin: str = ""


def put_line(
    draft: RuleSet,
    data: LineData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Write a line of a draft: the one with this code (`CMP/B-CC`), or with None a new one.

    Raises FieldRefused with the field that cannot be kept, RulesRefused when the draft moved on.
    """
    _check(data)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        lines = list(DutyLine.objects.filter(rule_set=held).order_by("order", "id"))
        row = _line(lines, code) if code else None
        if any(_key(x) == _key(data) for x in lines if row is None or x.pk != row.pk):
            message = _("There is a line for this type and business line already.")
            raise FieldRefused("business_line", message)
        if row is None:
            last = max((line.order for line in lines), default=0)
            row, before = DutyLine(rule_set=held, order=last + _STEP), dict[str, Any]()
        else:
            before = _told(row)
        for name, value in _told(data).items():
            setattr(row, name, value)
        after = _told(row)
        changes = {k: [before.get(k), v] for k, v in after.items() if before.get(k) != v}
        if changes:
            row.save()
            facts |= {"row": code_of(row), "changes": changes}
    return held


def drop_line(
    draft: RuleSet, code: str, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Take a line out of a draft. Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _line(DutyLine.objects.filter(rule_set=held), code)
        facts |= {"row": code, "changes": {k: [v, None] for k, v in _told(row).items()}}
        row.delete()
    return held


def _line(lines: Iterable[DutyLine], code: str) -> DutyLine:
    row = next((line for line in lines if code_of(line) == code), None)
    if row is None:
        raise RulesRefused("row", _("This line is not in the draft any more. Look at it again."))
    return row


def _key(line: DutyLine | LineData) -> tuple[str, str]:
    return line.type, line.business_line


def _told(line: DutyLine | LineData) -> dict[str, Any]:
    """Return the fields of a line as plain values."""
    names = ("type", "business_line", "responsible", "approves", "origin")
    found: dict[str, Any] = {name: getattr(line, name) for name in names}
    return found | {"consulted": list(line.consulted), "told": list(line.told)}


def _check(data: LineData) -> None:
    """Refuse what does not exist."""
    for name, taxonomy in (("type", "feedback_type"), ("business_line", "business_line")):
        code = getattr(data, name)
        if code and not Term.objects.filter(taxonomy=taxonomy, code=code).exists():
            raise FieldRefused(name, _("“%(code)s” is not in the list."), {"code": code})
    if not data.responsible:
        raise FieldRefused("responsible", _("Say who is responsible."))
    if len(data.origin) > _LONGEST_ORIGIN:
        raise FieldRefused("origin", _("The origin is longer than 60 characters."))
    given = {
        "responsible": [data.responsible],
        "approves": [data.approves] if data.approves else [],
        "consulted": list(data.consulted),
        "told": list(data.told),
    }
    codes = {code for values in given.values() for code in values} - set(PLACES)
    known = set(Department.objects.active().filter(code__in=codes).values_list("code", flat=True))
    for name, values in given.items():
        if any(code not in known and code not in PLACES for code in values):
            raise FieldRefused(name, _("This department does not work any more."))
