"""What is wrong or odd about a version of the playbooks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from complaints.choices import Severity
from complaints.models import PlaybookStep
from complaints.teamwork import playbooks
from config.kernel.models import RuleSet, Term
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared.words import listed

_MANY: Final = 12
"""More mandatory steps than this for one kind of case are rarely all done."""


def check(rule_set: RuleSet) -> list[Finding]:
    """Return the findings: no steps, what does not exist, never opening, doubles, too many."""
    steps = playbooks.rows_of(rule_set)
    if not steps:
        words = _("No step stands in the playbooks. Add one, or keep the version in force.")
        return [Finding(ERROR, "empty", "", words)]
    return [
        *_unknown(steps), *_unreachable(steps), *_doubles(steps), *_missing(steps), *_many(steps),
    ]  # fmt: skip


def _unknown(steps: Sequence[PlaybookStep]) -> Iterator[Finding]:
    """Yield steps for types and business lines that do not exist or are out of use."""
    lists = ("feedback_type", "business_line")
    rows = Term.objects.filter(taxonomy__in=lists, active=True).values_list("taxonomy", "code")
    known = set(rows)
    for step in steps:
        pairs = [("feedback_type", c) for c in step.types]
        pairs += [("business_line", c) for c in step.lines]
        odd = [code for taxonomy, code in pairs if (taxonomy, code) not in known]
        if odd:
            words = _("Step “%(step)s”: %(codes)s is not in the list.")
            told = words % {"step": step.label, "codes": listed(odd)}
            yield Finding(ERROR, "unknown", step.code, told)


def _unreachable(steps: Sequence[PlaybookStep]) -> Iterator[Finding]:
    """Yield steps whose own conditions exclude one another."""
    for step in steps:
        if step.emergency and step.severities and Severity.CRITICAL not in step.severities:
            words = _("Step “%(step)s” never opens: emergency steps open at critical only.")
            yield Finding(ERROR, "unreachable", step.code, words % {"step": step.label})
        if step.emotion is not None and not step.care:
            words = _("Step “%(step)s” names an emotion but is no care step.")
            yield Finding(WARNING, "emotion", step.code, words % {"step": step.label})


def _doubles(steps: Sequence[PlaybookStep]) -> Iterator[Finding]:
    """Yield pairs that say the same and can open for the same case."""
    for one, other in combinations(steps, 2):
        if _name(one) == _name(other) and _meet(one, other):
            words = _("Steps “%(one)s” and “%(other)s” have the same name and open together.")
            told = words % {"one": one.code, "other": other.code}
            yield Finding(WARNING, "double", other.code, told, one.code)


def _missing(steps: Sequence[PlaybookStep]) -> Iterator[Finding]:
    """Yield what the owner's documents ask for and no step does (S2-22, S3-17)."""
    if not any(step.emergency for step in steps):
        words = _("No step is an emergency step: nothing opens at severity critical.")
        yield Finding(WARNING, "emergency", "", words)
    if not any(step.care for step in steps):
        words = _("No step is a care step: nothing opens for an angry customer.")
        yield Finding(WARNING, "care", "", words)


def _many(steps: Sequence[PlaybookStep]) -> Iterator[Finding]:
    """Yield types for which an ordinary case gets very many mandatory steps."""
    plain = [s for s in steps if s.mandatory and not (s.emergency or s.care or s.media or s.lines)]
    for code in dict.fromkeys(code for step in plain for code in step.types):
        n = sum(not step.types or code in step.types for step in plain)
        if n > _MANY:
            words = ngettext(
                "Type %(type)s gets %(n)s mandatory step; so many are rarely all done.",
                "Type %(type)s gets %(n)s mandatory steps; so many are rarely all done.",
                n,
            )
            yield Finding(WARNING, "many", "", words % {"type": code, "n": n})


def _name(step: PlaybookStep) -> str:
    return (step.name_zh if get_language() == "zh-hans" else step.name_en).strip().casefold()


def _meet(one: PlaybookStep, other: PlaybookStep) -> bool:
    """Tell whether some case can have both steps, as far as their lists say."""
    pairs = ((one.types, other.types), (one.severities, other.severities))
    return all(_overlap(a, b) for a, b in pairs)


def _overlap(one: Iterable[object], other: Iterable[object]) -> bool:
    first, second = set(one), set(other)
    return not first or not second or bool(first & second)
