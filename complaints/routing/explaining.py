"""Why a case went where it went, told from what was kept when it was routed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import naming
from complaints.models import Case, RoutingRule
from complaints.routing import facts as facts_module
from complaints.routing import matching, words
from complaints.routing.choosing import Strategy
from complaints.routing.engine import destination
from complaints.routing.facts import Facts
from complaints.routing.places import Units
from config.shared.words import listed, noted, sentences
from staff.models import Person

NO_UNIT: Final = "department"
_SKIPPED: Final[Mapping[str, Promise]] = {
    "away": gettext_lazy("absent"),
    "recused": gettext_lazy("recused"),
    "untrained": gettext_lazy("without the valid training"),
    "elsewhere": gettext_lazy("works in another department now"),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule as seen by one case: `failed` names the first condition that did not hold.

    `failed` is "department" when all held but the rule led to no open unit.
    """

    rule: RoutingRule
    matched: bool
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule above the one that decided, and why it did not."""

    code: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a case went where it went, in the reader's language.

    `rule` is the name of the rule, `why` a few sentences, `reason` the stored codes; `earlier`
    the rules above it with why each did not match; `added` what rules that go on added; `skipped`
    are (person, why) of those passed over.
    """

    rule: str
    why: str
    reason: Mapping[str, Any] = field(default_factory=dict)
    earlier: Sequence[Passed] = ()
    added: Sequence[str] = ()
    skipped: Sequence[tuple[str, str]] = ()


def explain(case: Case) -> Explanation:
    """Tell from the stored reason why the case went where it went; at most five queries."""
    reason = case.routing_reason or {}
    if not reason.get("rule"):
        return Explanation("", _("Sent by hand, no rule was asked."), reason)
    stored = RoutingRule.objects.filter(rule_set=reason["rule_set"]).order_by("order", "id")
    rules = list(stored)
    by_code = {rule.code: rule for rule in rules}
    rule = by_code.get(reason["rule"])
    name = words.name_of(rule) if rule else str(reason["rule"])
    labels = _labels(reason)
    return Explanation(
        name,
        sentence(reason),
        reason,
        _earlier(reason, rules),
        [_added(row, by_code, labels) for row in reason.get("added", ())],
        [(labels.get(pk, "–"), str(_SKIPPED.get(why, why))) for pk, why in skipped(reason)],
    )


def sentence(reason: Mapping[str, Any]) -> str:
    """Return the stored reason in the active language."""
    parts = [
        _("Rule %(order)s of version %(version)s matched; department %(department)s.")
        % {
            "order": reason.get("place") or reason.get("order"),
            "version": reason.get("version"),
            "department": naming.department(reason.get("department")),
        }
    ]
    if reason.get("superior"):
        parts.append(_("The head of the unit is named in the case, so its superior handles it."))
    strategy = reason.get("strategy", "")
    if reason.get("handler") and strategy in Strategy.values:
        told = _("Person chosen by: %(strategy)s.")
        parts.append(told % {"strategy": Strategy(strategy).label})
        if reason.get("instead_of"):
            parts.append(_("The person is a substitute for somebody absent."))
    elif strategy not in ("", Strategy.NOBODY):
        parts.append(_("Nobody suitable was present; the department decides."))
    if passed_over := skipped(reason):
        parts.append(_skipped_words(passed_over))
    return sentences(parts)


def skipped(reason: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Return (person, why) of those passed over; older reasons do not say why."""
    rows = reason.get("skipped", ())
    return [(row[0], row[1]) if isinstance(row, list | tuple) else (row, "") for row in rows]


def trace(case: Case, rules: Iterable[RoutingRule]) -> Iterator[Tried]:
    """Yield the rules in order as this case sees them now, up to the one that decides."""
    units = Units()
    used = list(rules)
    book = matching.book_of(used)
    facts = facts_module.facts_of(case, units, with_text=bool(book.words))
    yield from _tried(book, facts, units)


def _tried(book: matching.Book, facts: Facts, units: Units) -> Iterator[Tried]:
    for one, failed in matching.walk(book, facts):
        rule = one.rule
        if not failed and not rule.goes_on and units.open(destination(rule, facts)) is None:
            yield Tried(rule, matched=False, failed=NO_UNIT)
            continue
        yield Tried(rule, not failed, failed)
        if not failed and not rule.goes_on:
            return


def _earlier(reason: Mapping[str, Any], rules: Sequence[RoutingRule]) -> list[Passed]:
    """Return the rules above the one that decided, with why they did not, from the snapshot."""
    if "facts" not in reason:
        return []
    names, units = words.names_of_lists(), words.names_of_units()
    asked = matching.asked_by(rule for rule in rules if rule.active)
    facts = facts_module.recalled(reason["facts"], *asked)
    found = []
    for one, failed in matching.walk(matching.book_of(rules), facts):
        rule = one.rule
        if rule.code == reason["rule"]:
            break
        if failed:
            why = words.unmet(failed, rule.conditions[failed], facts, names, units)
        elif rule.goes_on:
            continue
        else:
            led = words.place(rule.department, units)
            why = _("it matched, but there was no open unit: %(unit)s") % {"unit": led}
        found.append(Passed(rule.code, words.name_of(rule), why))
    return found


def _added(
    row: Mapping[str, Any], rules: Mapping[str, RoutingRule], labels: Mapping[int, str]
) -> str:
    """Return what one rule added: severity, watchers, tags."""
    rule = rules.get(row["rule"])
    parts = []
    if "severity" in row:
        before, after = row["severity"]
        told = {"before": naming.severity(before), "after": naming.severity(after)}
        parts.append(_("severity raised from %(before)s to %(after)s") % told)
    if "watchers" in row:
        people = listed(labels.get(pk, "–") for pk in row["watchers"])
        parts.append(_("watched by %(people)s") % {"people": people})
    if "tags" in row:
        parts.append(_("tagged %(tags)s") % {"tags": listed(row["tags"])})
    name = words.name_of(rule) if rule else str(row["rule"])
    return _("%(rule)s: %(what)s") % {"rule": name, "what": listed(parts)}


def _labels(reason: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of the people a reason speaks of; one query, none without people."""
    pks = {pk for pk, _why in skipped(reason)}
    pks |= {pk for row in reason.get("added", ()) for pk in row.get("watchers", ())}
    return {p.pk: p.label for p in Person.objects.filter(pk__in=pks)} if pks else {}


def _skipped_words(rows: Sequence[tuple[int, str]]) -> str:
    """Return how many were passed over, by reason."""
    counts: dict[str, int] = {}
    for _pk, why in rows:
        counts[why] = counts.get(why, 0) + 1
    if list(counts) == [""]:
        return _("Skipped as absent or recused: %(n)s.") % {"n": len(rows)}
    told = [noted(_SKIPPED.get(why, why), n) for why, n in sorted(counts.items())]
    return _("Skipped: %(who)s.") % {"who": listed(told)}
