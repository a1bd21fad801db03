"""The duty table (RACI): who is responsible, approves, is consulted and told, by kind of matter."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from complaints.models import Case, DutyLine
from complaints.routing import facts as facts_module
from complaints.routing.duty_drafting import LineData, drop_line, put_line
from complaints.routing.duty_lines import KIND, PLACES, best, code_of, lines_of
from complaints.routing.places import Units
from config.kernel import rulesets
from config.kernel.models import RuleSet, Term
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from staff.models import Department

__all__ = [
    "KIND", "Duties", "LineData", "best", "check", "code_of", "drop_line", "line_for", "lines_of",
    "put_line", "roles",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duties:
    """The departments of a case's duty line; None or empty where the line names none."""

    responsible: Department | None = None
    approves: Department | None = None
    consulted: tuple[Department, ...] = ()
    told: tuple[Department, ...] = ()
    line: DutyLine | None = None


def line_for(case: Case, at: datetime) -> DutyLine | None:
    """Return the line of the table in force at `at` that fits a case best; two queries."""
    lines = lines_of(rulesets.published(KIND, at))
    chain = [term.code for term in facts_module.chain(case.business_line)]
    return best(lines, case.type.code, chain)


def roles(case: Case, at: datetime) -> Duties:
    """Return the departments behind the duty line of a case; three queries."""
    line = line_for(case, at)
    if line is None:
        return Duties()
    units = Units()
    facts = facts_module.facts_of(case, units, with_text=False)

    def unit(code: str) -> Department | None:
        return units.open(facts.places.get(code, "") if code.startswith("@") else code)

    def several(codes: Iterable[str]) -> tuple[Department, ...]:
        return tuple(dict.fromkeys(found for code in codes if (found := unit(code))))

    return Duties(
        unit(line.responsible), unit(line.approves), several(line.consulted), several(line.told),
        line,
    )  # fmt: skip


def check(rule_set: RuleSet) -> list[Finding]:
    """Return what is wrong with a version of the table, and where the routing rules differ."""
    from complaints.routing import contradicting  # noqa: PLC0415 - it reads duties

    lines = lines_of(rule_set)
    found = [*_unknown(lines), *_catch_all(lines)]
    return [*found, *contradicting.against_rules(lines)]


def _catch_all(lines: Iterable[DutyLine]) -> Iterable[Finding]:
    if not any(not line.type and not line.business_line for line in lines):
        words = _("No line is for every other matter. Add one without type and business line.")
        yield Finding(ERROR, "no_catch_all", "", words)


def _unknown(lines: Sequence[DutyLine]) -> Iterable[Finding]:
    """Yield lines that name what does not exist or does not work any more."""
    rows = Term.objects.filter(taxonomy__in=("feedback_type", "business_line"))
    known = set(rows.values_list("taxonomy", "code"))
    open_units = set(Department.objects.active().values_list("code", flat=True))
    for line in lines:
        told: Mapping[str, Any] = {"line": code_of(line)}
        named = (("feedback_type", line.type), ("business_line", line.business_line))
        for pair in named:
            if pair[1] and pair not in known:
                words = _("Line %(line)s: “%(code)s” is not in the list.")
                yield Finding(ERROR, "unknown", code_of(line), words % {**told, "code": pair[1]})
        for code in _shut([line.responsible, line.approves], open_units):
            words = _("Line %(line)s: department %(code)s does not work any more.")
            yield Finding(ERROR, "department", code_of(line), words % {**told, "code": code})
        for code in _shut([*line.consulted, *line.told], open_units):
            words = _("Line %(line)s: department %(code)s does not work and will not hear of it.")
            yield Finding(WARNING, "department", code_of(line), words % {**told, "code": code})


def _shut(codes: Iterable[str], open_units: Collection[str]) -> list[str]:
    return [c for c in codes if c and c not in PLACES and c not in open_units]
