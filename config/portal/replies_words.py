"""Templates and macros as a reader sees them, and what differs between two versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import NoticeMethod, NoticePurpose, Responsibility
from complaints.models import Macro, ReplyTemplate
from complaints.replies import details
from complaints.replies.checking import macro_row
from complaints.replies.rows import macros_of, templates_of
from complaints.workflow.moves import MOVES
from config.kernel.models import RuleSet, Term
from config.kernel.rule_kinds import Finding
from config.shared.words import labelled, listed

BANK: Final = details.LABELS
Names = Mapping[tuple[str, str], str]
_LISTS: Final = (
    "feedback_type", "business_line", "business_channel", "nature", "cause", "outcome", "remedy",
    "suggestion_decision",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One template or macro in the list."""

    row: ReplyTemplate | Macro
    code: str
    name: str
    hint: str
    remarks: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Templates of one purpose, or the macros."""

    title: str
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a row before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same in two versions; `kind` is added, removed or changed."""

    kind: str
    code: str
    name: str
    parts: Sequence[Part] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Needs:
    """Details of the bank that nobody has written yet, and those that are still examples."""

    empty: Sequence[str]
    examples: Sequence[str]


def needs(rules: RuleSet) -> Needs | None:
    """Return which details of a version need the bank's own words; None = none of them."""
    bank = details.of_version(rules)
    found = Needs(
        [str(BANK[name]) for name in details.to_write(bank)],
        [str(BANK[name]) for name in details.as_delivered(bank)],
    )
    return found if found.empty or found.examples else None


def names() -> dict[tuple[str, str], str]:
    """Return the labels of the lists a row may name; one query."""
    found = Term.objects.filter(taxonomy__in=_LISTS)
    return {(term.taxonomy, term.code): term.label for term in found}


def groups(rules: RuleSet, known: Names, findings: Sequence[Finding] = ()) -> list[Group]:
    """Return templates by purpose in the order of the purposes, then the macros."""
    order = list(NoticePurpose.values)
    rows = sorted(
        templates_of(rules),
        key=lambda row: order.index(row.purpose) if row.purpose in order else 99,
    )
    found = [
        Group(purpose_words(purpose), [_item(row, row.code, known, findings) for row in part])
        for purpose, part in groupby(rows, key=lambda row: row.purpose)
    ]
    macros = [_item(row, macro_row(row.code), known, findings) for row in macros_of(rules)]
    return [*found, Group(_("Macros"), macros)] if macros else found


def _item(row: ReplyTemplate | Macro, code: str, known: Names, findings: Sequence[Finding]) -> Item:
    remarks = [each for each in findings if each.row == code]
    if isinstance(row, ReplyTemplate):
        hint = [methods_words(row.methods), types_words(row.types, known)]
        return Item(row, code, row.label, listed(part for part in hint if part), remarks)
    hint = [str(MOVES[row.verb].title) if row.verb in MOVES else "", row.template]
    return Item(row, code, row.label, listed(part for part in hint if part), remarks)


def facts_of(row: ReplyTemplate | Macro, known: Names) -> list[tuple[str, str]]:
    """Return everything a row says, as label and words; empty ones are left out."""
    pairs = _template(row, known) if isinstance(row, ReplyTemplate) else _macro(row, known)
    return [(str(label), text) for label, text in pairs]


def _template(row: ReplyTemplate, known: Names) -> list[tuple[str, str]]:
    return [
        (_("English name"), row.name_en),
        (_("Chinese name"), row.name_zh),
        (_("Purpose"), purpose_words(row.purpose)),
        (_("Ways"), methods_words(row.methods)),
        (_("Types"), types_words(row.types, known)),
        (_("Subject in English"), row.subject_en),
        (_("Subject in Chinese"), row.subject_zh),
        (_("Text in English"), row.body_en),
        (_("Text in Chinese"), row.body_zh),
    ]


def _macro(row: Macro, known: Names) -> list[tuple[str, str]]:
    return [
        (_("English name"), row.name_en),
        (_("Chinese name"), row.name_zh),
        (_("Template"), row.template),
        (_("Sent by"), str(NoticeMethod(row.method).label) if row.method else ""),
        (_("Sets"), values_words(row.fields, known)),
        (_("Move"), str(MOVES[row.verb].title) if row.verb in MOVES else row.verb),
        (_("Gives the move"), values_words(row.given, known)),
        (_("Types"), types_words(row.types, known)),
    ]


def values_words(values: Mapping[str, Any], known: Names) -> str:
    """Return codes of a macro in words."""
    told = []
    for name, value in values.items():
        codes = value if isinstance(value, list) else [value]
        taxonomy = {"remedies": "remedy"}.get(name, name)
        said = listed(_value(taxonomy, code, known) for code in codes)
        told.append(labelled(GIVEN_LABELS.get(name, name), said))
    return listed(told)


GIVEN_LABELS: Final[Mapping[str, Promise]] = {
    "reason": gettext_lazy("Reason"),
    "note": gettext_lazy("Note"),
    "days": gettext_lazy("Waits at most, days"),
    "core_issue": gettext_lazy("Core issue"),
    "nature": gettext_lazy("Nature"),
    "cause": gettext_lazy("Root cause"),
    "outcome": gettext_lazy("Outcome"),
    "responsibility": gettext_lazy("Responsibility"),
    "remedies": gettext_lazy("Remedies"),
    "suggestion_decision": gettext_lazy("Decision on the suggestion"),
    "business_line": gettext_lazy("Business line"),
    "business_channel": gettext_lazy("Business channel"),
}


def _value(taxonomy: str, code: Any, known: Names) -> str:
    if taxonomy == "responsibility" and code in Responsibility.values:
        return str(Responsibility(code).label)
    return known.get((taxonomy, str(code)), str(code))


def purpose_words(code: str) -> str:
    """Return the label of a purpose."""
    return str(NoticePurpose(code).label) if code in NoticePurpose.values else code


def methods_words(codes: Iterable[str]) -> str:
    """Return the ways in words; none = every way."""
    labels = dict(NoticeMethod.choices)
    return listed(str(labels.get(code, code)) for code in codes) or _("every way")


def types_words(codes: Iterable[str], known: Names) -> str:
    """Return the types in words; none = every type."""
    return listed(known.get(("feedback_type", code), code) for code in codes) or _("every type")


def bank_lines(rules: RuleSet) -> list[tuple[str, str]]:
    """Return the details of the bank as label and value."""
    bank = details.of_version(rules)
    return [(str(label), getattr(bank, name)) for name, label in BANK.items()]


def differences(one: RuleSet, two: RuleSet, known: Names) -> list[Difference]:
    """Return what differs, in the order of the newer version, removed rows last, then the bank."""
    before, after = _rows(one), _rows(two)
    found = []
    for code, row in after.items():
        old = facts_of(before[code], known) if code in before else []
        parts = _parts(dict(old), dict(facts_of(row, known)))
        if parts:
            kind = "changed" if code in before else "added"
            found.append(Difference(kind, code, row.label, parts))
    found += [
        Difference("removed", code, row.label, _parts(dict(facts_of(row, known)), {}))
        for code, row in before.items()
        if code not in after
    ]
    if bank := _parts(dict(bank_lines(one)), dict(bank_lines(two))):
        found.append(Difference("changed", "", _("Details of the bank"), bank))
    return found


def _rows(rules: RuleSet) -> dict[str, ReplyTemplate | Macro]:
    found: dict[str, ReplyTemplate | Macro] = {row.code: row for row in templates_of(rules)}
    return found | {macro_row(row.code): row for row in macros_of(rules)}


def _parts(before: Mapping[str, str], after: Mapping[str, str]) -> list[Part]:
    labels = dict.fromkeys([*after, *before])
    pairs = [Part(label, before.get(label, ""), after.get(label, "")) for label in labels]
    return [part for part in pairs if part.before != part.after]
