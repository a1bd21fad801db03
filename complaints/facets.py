"""The facets of the case list: their choices, what is ticked, and how many cases each would show.

Figures are asked for after the page stands, with a budget of their own: one query per facet over
at most 10,001 matching cases, and none beyond that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Case as Pick
from django.db.models import CharField, Count, Q, QuerySet, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from complaints.board.filters import chosen_words as board_words
from complaints.choices import OPEN, Severity, Status
from complaints.filters import CaseFilters, Due, Mark, Named, Stage, due_states, marks
from complaints.models import Case, CaseTag
from config.shared.listing import MANY
from config.shared.words import listed
from customers.models.customer import Tier
from staff.models import Person

_COLUMNS: Final = {
    "tier": "customer__tier",
    "department": "department__code",
    "type": "type__code",
    "severity": "severity",
    "channel": "intake_channel__code",
    "status": "status",
}
_SPECIAL: Final = {
    ("handler", "none"): _("nobody"),
    ("handler", "me"): _("me"),
    ("mine", "1"): _("yes"),
    ("repeat", "1"): _("yes"),
}
_CLOSED_AT_FIRST: Final = {"handler", "tag", "severity", "channel", "status", "state"}
MOST_HANDLERS: Final = 12
"""So many of the busiest handlers are offered; others are found by their own address."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One tick box."""

    code: str
    label: Any
    chosen: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """A choice that came with its figure."""

    named: Named
    n: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of tick boxes; `single` ones are radio buttons."""

    key: str
    title: Any
    choices: list[Choice] = field(default_factory=list)
    single: bool = False

    @property
    def marked(self) -> bool:
        """Whether a box is ticked here."""
        return not self.single and any(choice.chosen for choice in self.choices)

    @property
    def open(self) -> bool:
        """Whether the group is unfolded: the usual ones, and any with a tick."""
        return self.marked or self.key not in _CLOSED_AT_FIRST


@dataclass(frozen=True, slots=True)
class Applied:
    """A filter in force, in words, and the address of the list without it."""

    key: str
    title: Any
    value: str
    without: str


def facets_of(filters: CaseFilters) -> list[Facet]:
    """Return all facets with their choices and ticks; at most one query."""
    return [
        Facet(
            key,
            filters.filters[key].label,
            [Choice(code, label, code in _chosen(filters, key)) for code, label in pairs],
            single=key == "state",
        )
        for key, pairs in _pairs(filters).items()
    ]


def _pairs(filters: CaseFilters) -> dict[str, list[tuple[str, Any]]]:
    """Return (code, label) of every facet."""
    named = filters.named
    tags = set(_chosen(filters, "tag"))
    pairs: dict[str, list[tuple[str, Any]]] = {
        "clock": list(Due.choices),
        "tier": list(Tier.choices),
        "department": [(unit.code, unit.label) for unit in named["department"]],
        "type": [(term.code, term.label) for term in named["feedback_type"]],
        "mark": list(Mark.choices),
        "handler": _handlers(filters),
        "tag": [(t.code, t.label) for t in named["tag"] if t.active or t.code in tags],
        "severity": [(str(value), label) for value, label in Severity.choices],
        "channel": [(term.code, term.label) for term in named["intake_channel"]],
        "status": list(Status.choices),
        "state": list(Stage.choices),
    }
    return {key: found for key, found in pairs.items() if found}


def _handlers(filters: CaseFilters) -> list[tuple[str, Any]]:
    """Return nobody, me and whoever is ticked; a query only where somebody is ticked by number.

    The busiest others come with the figures (`busiest`).
    """
    fixed = [(code, _SPECIAL["handler", code]) for code in ("none", "me")]
    numbers = [code for code in _chosen(filters, "handler") if code not in {"none", "me"}]
    if not numbers:
        return fixed
    people = Person.objects.filter(staff_no__in=numbers)
    known = {person.staff_no: person.label for person in people}
    return fixed + [(code, known.get(code, code)) for code in numbers]


def handlers(filters: CaseFilters) -> tuple[dict[str, int] | None, list[Counted]]:
    """Return the figures by handler (None: too many cases), and whoever handles most, by name.

    Nobody and the reader are choices of their own; ticked ones stay where they stand.
    """
    rows = _first_many(filters.matching(without="handler"))
    names = ("handler", "handler__staff_no", "handler__name_en", "handler__name_zh")
    tally = list(rows.values_list(*names).annotate(n=Count("pk")).order_by())
    if sum(row[-1] for row in tally) > MANY:
        return None, []
    counts = {"none": 0, "me": 0}
    for pk, number, *_names, n in tally:
        counts["none" if pk is None else str(number)] = n
        if pk is not None and pk == filters.scope.member:
            counts["me"] = n
    aside = {None, filters.scope.member}
    others = [row for row in tally if row[0] not in aside]
    most = sorted(others, key=lambda row: (-row[-1], row[1]))[:MOST_HANDLERS]
    ticked = set(_chosen(filters, "handler"))
    shown = [Counted(Named(*row[:4]), row[4]) for row in most if row[1] not in ticked]
    return counts, sorted(shown, key=lambda one: one.named.label)


def _chosen(filters: CaseFilters, key: str) -> list[str]:
    chosen = filters.chosen.get(key, [])
    return chosen or ([str(Stage.OPEN)] if key == "state" and filters.only_open else [])


def applied(filters: CaseFilters, data: QueryDict) -> list[Applied]:
    """Return the filters in force in words, each with the address that drops it."""
    pairs = _pairs(filters)
    found = []
    for key, value in filters.chosen.items():
        if key == "state" and value[0] == Stage.OPEN:
            continue
        found.append(
            Applied(
                key,
                filters.filters[key].label,
                board_words(key, value) or _words(key, value, dict(pairs.get(key, []))),
                without(data, key),
            )
        )
    return found


def _words(key: str, value: Any, labels: Mapping[str, Any]) -> str:
    """Return the chosen values in words."""
    if isinstance(value, str):
        return value
    return listed(_SPECIAL.get((key, code)) or labels.get(code, code) for code in value)


def without(data: QueryDict, *keys: str) -> str:
    """Return the query string without these parameters and without the page."""
    left = data.copy()
    for key in (*keys, "page"):
        left.pop(key, None)
    return "?" + (left.urlencode() or "state=open")


def counts_of(filters: CaseFilters) -> dict[str, dict[str, int] | None]:
    """Count the cases behind every choice of every facet; None where there are too many to count.

    Each facet counts over what the other filters leave; one query per facet.
    """
    found: dict[str, dict[str, int] | None] = {
        key: _counted(filters.matching(without=key), column) for key, column in _COLUMNS.items()
    }
    found["clock"] = _clock_counts(filters)
    found["mark"] = _mark_counts(filters)
    found["tag"] = _tag_counts(filters)
    return found


def _mark_counts(filters: CaseFilters) -> dict[str, int] | None:
    """Count every mark in one pass; a case may have several."""
    parts = {f"n_{key}": Count("pk", filter=condition) for key, condition in marks().items()}
    rows = _first_many(filters.matching(without="mark"))
    found = rows.order_by().aggregate(total=Count("pk"), **parts)
    total = found.pop("total")
    return None if total > MANY else {key.removeprefix("n_"): n for key, n in found.items()}


def _tag_counts(filters: CaseFilters) -> dict[str, int] | None:
    """Count the cases behind every tag, and all of them to know whether there are too many."""
    if not filters.named["tag"]:
        return {}
    first = filters.matching(without="tag").order_by().values("pk")[: MANY + 1]
    if Case.objects.filter(Q(pk__in=first)).count() > MANY:
        return None
    tagged = CaseTag.objects.filter(Q(case__in=first)).values_list("term__code")
    return dict(tagged.annotate(n=Count("pk")).order_by())


def _counted(rows: QuerySet[Case], column: str) -> dict[str, int] | None:
    """Count the first 10,001 rows by one column."""
    return _tally(_first_many(rows).values_list(column).annotate(n=Count("pk")).order_by())


def _clock_counts(filters: CaseFilters) -> dict[str, int] | None:
    """Count open cases by where their clock stands."""
    states = [When(condition, then=Value(key)) for key, condition in due_states(filters.at).items()]
    rows = _first_many(filters.matching(without="clock").filter(status__in=OPEN))
    stated = rows.annotate(due=Pick(*states, default=Value(""), output_field=CharField()))
    return _tally(stated.values_list("due").annotate(n=Count("pk")).order_by())


def _first_many(rows: QuerySet[Case]) -> QuerySet[Case]:
    """Keep the first 10,001 rows, whatever else the query asks for."""
    everything = Case.objects.all()
    return everything.filter(Q(pk__in=rows.order_by().values("pk")[: MANY + 1]))


def _tally(pairs: Iterable[tuple[Any, int]]) -> dict[str, int] | None:
    found = {str(code): n for code, n in pairs}
    return None if sum(found.values()) > MANY else found
