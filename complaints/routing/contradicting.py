"""Where the routing rules send an ordinary case elsewhere than the duty table says."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from complaints.models import DutyLine, RoutingRule
from complaints.routing import duty_lines, matching, words
from complaints.routing.engine import KIND, destination, rules_of
from complaints.routing.facts import Facts, chain, owner_of
from complaints.routing.places import Units
from config.kernel.models import RuleSet, Term
from config.kernel.models.rules import RuleState
from config.kernel.rule_kinds import WARNING, Finding

_ORDINARY: Final = 2
_BRANCH: Final = "@branch"


@dataclass(frozen=True, slots=True)
class _Clash:
    """One kind of matter that rule and table send to different units; codes."""

    rule: RoutingRule
    line: DutyLine
    type: str
    business_line: str
    sent: str
    responsible: str


def against_duties(rules: Sequence[RoutingRule]) -> list[Finding]:
    """Return the rules that contradict the newest duty table, one remark per rule."""
    lines = duty_lines.lines_of(_newest(duty_lines.KIND))
    return list(_findings(rules, lines, by_rule=True))


def against_rules(lines: Sequence[DutyLine]) -> list[Finding]:
    """Return the lines of a table that the newest routing rules contradict, one per line."""
    rules = [rule for rule in rules_of(_newest(KIND)) if rule.active]
    return list(_findings(rules, lines, by_rule=False))


def _newest(kind: str) -> RuleSet | None:
    rows = RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED)
    return rows.order_by("-valid_from", "-number").first()


def _findings(
    rules: Sequence[RoutingRule], lines: Sequence[DutyLine], *, by_rule: bool
) -> Iterator[Finding]:
    """Yield one remark per rule or per line, with the first matter that shows it."""
    if not rules or not lines:
        return
    names, units = words.names_of_lists(), words.names_of_units()
    seen: dict[str, list[_Clash]] = {}
    for clash in _clashes(rules, lines):
        key = clash.rule.code if by_rule else duty_lines.code_of(clash.line)
        seen.setdefault(key, []).append(clash)
    for key, clashes in seen.items():
        first = clashes[0]
        told = {
            "rule": words.name_of(first.rule),
            "type": names.get(("feedback_type", first.type), first.type),
            "line": names.get(("business_line", first.business_line), "–"),
            "sent": words.place(first.sent, units),
            "responsible": words.place(first.responsible, units),
            "n": len(clashes),
        }
        text = _(
            "Rule “%(rule)s” sends %(type)s, %(line)s to %(sent)s; the duty table names"
            " %(responsible)s (%(n)s kinds of matter). Change one of the two."
        )
        other = duty_lines.code_of(first.line) if by_rule else first.rule.code
        yield Finding(WARNING, "contradicts_duties", key, text % told, other)


def _clashes(rules: Sequence[RoutingRule], lines: Sequence[DutyLine]) -> Iterator[_Clash]:
    """Try an ordinary case of every type and business line: no media, no repeat, medium."""
    book, units = matching.book_of(rules), Units()
    rows = Term.objects.filter(taxonomy__in=("feedback_type", "business_line"), active=True)
    terms = list(rows.select_related("parent").order_by("taxonomy", "order", "code"))
    types = [term.code for term in terms if term.taxonomy == "feedback_type"]
    chains = [chain(term) for term in terms if term.taxonomy == "business_line"]
    for kind in types:
        for line in chains:
            facts = _ordinary(kind, line)
            duty = duty_lines.best(lines, kind, facts.lines)
            rule = _sent_by(book, facts, units)
            if duty is None or rule is None:
                continue
            sent = destination(rule, facts)
            named = facts.places.get(duty.responsible, duty.responsible)
            if sent != named:
                yield _Clash(rule, duty, kind, facts.lines[0], sent, named)


def _ordinary(kind: str, line: Iterable[Term]) -> Facts:
    codes = tuple(line)
    held = owner_of(codes)
    places = {_BRANCH: _BRANCH, "@line": _BRANCH if held == "BRANCH" else held}
    return Facts(
        type=kind,
        lines=tuple(term.code for term in codes),
        severity=_ORDINARY,
        places={word: code for word, code in places.items() if code},
    )


def _sent_by(book: matching.Book, facts: Facts, units: Units) -> RoutingRule | None:
    """Return the rule that sends the ordinary case somewhere."""
    for one, failed in matching.walk(book, facts):
        if failed or one.rule.goes_on:
            continue
        code = destination(one.rule, facts)
        if code == _BRANCH or units.open(code) is not None:
            rule: RoutingRule = one.rule
            return rule
    return None
