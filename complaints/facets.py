"""The facets of the case list: their choices, what is ticked, and how many cases each would show.

Figures are asked for after the page stands, with a budget of their own: all facets in which nothing
is chosen are counted over one reading of at most 10,001 matching cases, and none beyond that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any, Final

from django.db.models import Case as Pick
from django.db.models import CharField, F, Q, QuerySet, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from complaints.board.filters import chosen_words as board_words
from complaints.board.tallying import BY_TAG, By, Key, tallies
from complaints.choices import OPEN, Severity, Status
from complaints.filters import CaseFilters, Due, Mark, Named, Stage, due_states, marks
from complaints.models import Case
from config.shared.listing import MANY
from config.shared.words import listed
from customers.models.customer import Tier
from staff.models import Person

_COLUMNS: Final = {
    "tier": "customer__tier",
    "department": "department_id",
    "type": "type_id",
    "severity": "severity",
    "channel": "intake_channel_id",
    "status": "status",
    "handler": "handler_id",
}
_KEYS: Final = (*_COLUMNS, "clock", "mark", "tag")
_NAMED: Final = {
    "department": "department",
    "type": "feedback_type",
    "channel": "intake_channel",
    "tag": "tag",
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
class Figures:
    """Figures by facet and code, the busiest handlers, and how many cases the list has.

    None where there are too many to count.
    """

    counts: dict[str, dict[str, int] | None]
    busiest: list[Counted]
    total: int | None


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

    The busiest others come with the figures.
    """
    fixed = [(code, _SPECIAL["handler", code]) for code in ("none", "me")]
    numbers = [code for code in _chosen(filters, "handler") if code not in {"none", "me"}]
    if not numbers:
        return fixed
    people = Person.objects.filter(staff_no__in=numbers)
    known = {person.staff_no: person.label for person in people}
    return fixed + [(code, known.get(code, code)) for code in numbers]


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


def figures_of(filters: CaseFilters) -> Figures:
    """Count the cases behind every choice of every facet, and all of them.

    Each facet counts over what the other filters leave. Facets in which nothing is chosen count
    over the same cases, which are read once, however many facets there are; each other one has a
    query of its own, and the names of handlers one.
    """
    keys = [key for key in _KEYS if key != "tag" or filters.named["tag"]]
    shared = [key for key in keys if _counts_over_all(filters, key)]
    counts, total = _counted(filters, shared, filters.matching())
    for key in keys:
        if key not in shared:
            rows = filters.matching(without=key)
            rows = rows.filter(status__in=OPEN) if key == "clock" else rows
            counts |= _counted(filters, [key], rows)[0]
    counts.setdefault("tag", {})
    counts["handler"], busiest = _by_number(filters, counts["handler"])
    return Figures(counts, busiest, total)


def _counts_over_all(filters: CaseFilters, key: str) -> bool:
    """Tell whether a facet counts over the very cases of the list."""
    if key in filters.chosen:
        return False
    if key == "status":
        return not filters.only_open
    return key != "clock" or filters.only_open or filters.chosen.get("state") == [Stage.OPEN]


def _counted(
    filters: CaseFilters, keys: Sequence[str], rows: QuerySet[Case]
) -> tuple[dict[str, dict[str, int] | None], int | None]:
    """Count the first 10,001 rows by these facets and in all; None where there are more."""
    columns: dict[str, Any] = {f"by_{key}": F(_COLUMNS[key]) for key in keys if key in _COLUMNS}
    if "clock" in keys:
        columns["by_clock"] = _clock_states(filters.at)
    if "mark" in keys:
        columns["by_mark"] = _marked()
    first = rows.order_by().values("id", every=Value(""), **columns)[: MANY + 1]
    groups = {key: BY_TAG if key == "tag" else By(f"by_{key}") for key in keys}
    found = tallies(first, {"": By("every"), **groups})
    total = sum(found.pop("").values())
    if total > MANY:
        return dict.fromkeys(keys), None
    return {key: _coded(filters, key, tally) for key, tally in found.items()}, total


def _clock_states(at: datetime) -> Pick:
    """Where the clock of a case stands; the states leave no open case out."""
    states = [When(condition, then=Value(key)) for key, condition in due_states(at).items()]
    return Pick(*states, default=Value(""), output_field=CharField())


def _marked() -> Any:
    """Return the marks of a case as one number, a bit for each: it may have several."""
    parts = [Pick(When(condition, then=Value(1 << n)), default=Value(0))
             for n, condition in enumerate(marks().values())]  # fmt: skip
    return reduce(add, parts)


def _coded(filters: CaseFilters, key: str, tally: Mapping[Key, int]) -> dict[str, int]:
    """Return the figures by the codes of the choices."""
    if key == "mark":
        return {
            mark: sum(n for (bits,), n in tally.items() if int(bits or 0) >> place & 1)
            for place, mark in enumerate(marks())
        }
    codes = {str(named.pk): named.code for named in filters.named.get(_NAMED.get(key, ""), ())}
    return {codes.get(code or "", code or ""): n for (code,), n in tally.items()}


def _by_number(
    filters: CaseFilters, tally: Mapping[str, int] | None
) -> tuple[dict[str, int] | None, list[Counted]]:
    """Return the figures by staff number, and whoever handles most, by name; one query.

    Nobody and the reader are choices of their own; ticked ones stay where they stand.
    """
    if tally is None:
        return None, []
    mine, ticked = str(filters.scope.member), set(_chosen(filters, "handler"))
    others = {int(pk): n for pk, n in tally.items() if pk not in {"", mine}}
    least = min(sorted(others.values(), reverse=True)[:MOST_HANDLERS], default=0)
    wanted = Q(pk__in=[pk for pk, n in others.items() if n >= least]) | Q(staff_no__in=ticked)
    names = ("pk", "staff_no", "name_en", "name_zh")
    people = [Named(*row) for row in Person.objects.filter(wanted).values_list(*names)]
    counts = {one.code: tally.get(str(one.pk), 0) for one in people}
    counts |= {"none": tally.get("", 0), "me": tally.get(mine, 0)}
    ranked = [Counted(one, others[one.pk]) for one in people if one.pk in others]
    ranked.sort(key=lambda one: (-one.n, one.named.code))
    shown = [one for one in ranked[:MOST_HANDLERS] if one.named.code not in ticked]
    return counts, sorted(shown, key=lambda one: one.named.label)
