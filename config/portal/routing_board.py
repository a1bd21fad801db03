"""What the routing pages show of one version: its rules in order, the chosen one, its remarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from complaints import routing
from complaints.models import RoutingRule
from complaints.routing.words import name_of
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import Finding
from config.portal import routing_words
from config.portal.routing_forms import RuleForm, rows_of
from config.portal.routing_words import CONDITIONS, Condition, Lists, RoutingLine
from staff.models import Person, RoleGrant
from staff.models.accounts import Role

KIND: Final = "routing"
WINDOW: Final = timedelta(days=30)
PEOPLE_LISTED: Final = 500
SHORT_LIST: Final = 5
_WORKERS: Final = (Role.HANDLER, Role.OFFICER)


@dataclass(frozen=True, slots=True)
class Item:
    """One rule in the list: its place, its words, how often it matched, what the check says."""

    line: RoutingLine
    place: int
    hits: int
    remarks: Sequence[Finding] = ()
    fallback: bool = False
    first: bool = False
    last: bool = False

    @property
    def up(self) -> int:
        """The place above."""
        return self.place - 1

    @property
    def down(self) -> int:
        """The place below."""
        return self.place + 1


@dataclass(frozen=True, slots=True)
class Row:
    """One condition in the editor with its fields; `short` ones need no folding."""

    condition: Condition
    fields: Sequence[Any]
    short: bool
    ticked: Sequence[str] = ()


@dataclass(frozen=True)
class Board:
    """One version of the rules with everything that is said about them."""

    rule_set: RuleSet
    rules: Sequence[RoutingRule]
    known: Lists
    items: Sequence[Item] = field(default_factory=list)

    def rule(self, code: str) -> RoutingRule | None:
        """Return a rule by code."""
        return next((rule for rule in self.rules if rule.code == code), None)

    @property
    def fallback(self) -> str:
        """Where cases go that nothing else takes; '' when nothing catches them."""
        caught = [item.line.to for item in self.items if item.fallback]
        return caught[0] if caught else ""


def board(rule_set: RuleSet, *, at: datetime, findings: Sequence[Finding] = ()) -> Board:
    """Read a version: rules, lists, hits of the last 30 days; a fixed number of queries."""
    rows = RoutingRule.objects.filter(rule_set=rule_set).select_related("person", "rule_set")
    rules = list(rows.order_by("order", "pk"))
    known = routing_words.lists()
    hits = routing.hits(at - WINDOW, at)
    return Board(rule_set, rules, known, items(rules, known, hits, findings))


def items(
    rules: Sequence[RoutingRule],
    known: Lists,
    hits: Mapping[str, int],
    findings: Sequence[Finding] = (),
) -> list[Item]:
    """Return the rules as the list shows them."""
    remarks: dict[str, list[Finding]] = {}
    for finding in findings:
        remarks.setdefault(finding.row, []).append(finding)
    caught = _fallback(rules)
    return [
        Item(
            line=routing_words.routing_line(rule, known),
            place=place,
            hits=hits.get(rule.code, 0),
            remarks=remarks.get(rule.code, ()),
            fallback=rule.code == caught,
            first=place == 1,
            last=place == len(rules),
        )
        for place, rule in enumerate(rules, 1)
    ]


def editor_rows(form: RuleForm) -> list[Row]:
    """Return the conditions of a form as rows of the sentence."""
    found = []
    for condition in form.rows:
        fields = [form[f"c_{key}"] for key in condition.stored]
        choices = getattr(fields[0].field, "choices", ())
        chosen = {str(value) for value in _chosen(fields[0].value())}
        ticked = [label for code, label in choices if str(code) in chosen]
        short = len(list(choices)) <= SHORT_LIST
        found.append(Row(condition, fields, short, ticked))
    return found


def editor(board: Board, form: RuleForm, rule: RoutingRule | None) -> dict[str, Any]:
    """Return what the editor of one rule shows."""
    shown = {condition.key for condition in form.rows}
    told = set(map(str, _chosen(form["watchers"].value())))
    tags = set(map(str, _chosen(form["tags"].value())))
    action = reverse("routing_rule", args=[rule.code]) if rule else reverse("routing_new")
    return {
        "form": form,
        "rule": rule,
        "rule_name": name_of(rule) if rule else "",
        "action": action,
        "rows": editor_rows(form),
        "more": [each for each in CONDITIONS.values() if each.key not in shown],
        "told": [str(label) for code, label in form.fields["watchers"].choices if code in told],  # type: ignore[attr-defined]
        "tagged": [str(label) for code, label in form.fields["tags"].choices if code in tags],  # type: ignore[attr-defined]
        "people": people(),
        "sentence": routing_words.sentence(rule, board.known) if rule else {},
    }


def reading(board: Board, code: str) -> dict[str, Any]:
    """Return what a reader sees of the chosen rule, the first one when the code is unknown."""
    rule = board.rule(code) or next(iter(board.rules), None)
    item = next((each for each in board.items if rule and each.line.code == rule.code), None)
    return {
        "rule": rule,
        "item": item,
        "sentence": routing_words.sentence(rule, board.known) if rule else {},
        "facts": _facts(rule, board.known) if rule else [],
    }


def _facts(rule: RoutingRule, known: Lists) -> list[tuple[str, str]]:
    """Return the parts of a rule that say something, between its name and whether it is used."""
    parts = list(routing_words.facts_of(rule, known).items())[1:-1]
    return [(label, text) for label, text in parts if text]


def form_of(board: Board, rule: RoutingRule) -> RuleForm:
    """Return the form that shows a stored rule."""
    return RuleForm(
        known=board.known,
        rows=rows_of(rule),
        rule=rule,
        row_version=board.rule_set.version,
        initial={"number": board.rule_set.number},
    )


def people() -> list[Person]:
    """Return those who handle cases, to be offered by number; one query."""
    grants = RoleGrant.objects.filter(role__in=_WORKERS, account__is_active=True)
    rows = Person.objects.filter(pk__in=grants.values("account__person_id"), active=True)
    return list(rows.order_by("staff_no")[:PEOPLE_LISTED])


def place_for_new(rules: Sequence[RoutingRule]) -> int:
    """Return the place of a new rule, from 1: above the first one that takes every case."""
    for place, rule in enumerate(rules, 1):
        if rule.active and not rule.goes_on and not rows_of(rule):
            return place
    return len(rules) + 1


def fallback_words(board: Board) -> str:
    """Return what happens to a case that no rule with a condition takes."""
    if board.fallback:
        text = _("The first rule that matches decides. Everything else goes to %(unit)s.")
        return text % {"unit": board.fallback}
    return _("The first rule that matches decides. Nothing catches the cases that match none.")


def _fallback(rules: Sequence[RoutingRule]) -> str:
    """Return the code of the rule that takes every case that is left."""
    for rule in rules:
        sure = rule.department and not rule.department.startswith("@")
        if rule.active and not rule.goes_on and sure and not rows_of(rule):
            return rule.code
    return ""


def _chosen(value: Any) -> Sequence[Any]:
    if value in (None, ""):
        return ()
    return value if isinstance(value, list | tuple) else (value,)
