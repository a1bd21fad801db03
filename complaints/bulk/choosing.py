"""Which cases an act is about: those ticked on the page, or all that match its filter."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext

from complaints import looking_up
from complaints.bulk.acts import BulkVerb
from complaints.choices import Status
from complaints.lists import CASES
from complaints.models import Case
from config.shared.scope import Scope

MOST_CHOSEN: Final = 200
"""One page of ticked cases; a page shows 50."""
MOST_MATCHING: Final = 10_000
"""One act on all that match takes at most this many."""
_NO_FILTERS: Final = ("page", "cursor", "sort", "col", "view", "compact")


@dataclass(frozen=True, slots=True)
class Refused:
    """A case that was left as it is, and why."""

    number: str
    why: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A chosen case as it stands now; `seen` is the version the reader saw."""

    pk: int
    number: str
    seen: int
    status: str
    department_id: int


@dataclass(frozen=True, slots=True)
class Picked:
    """The chosen cases within reach of the act, and what is known of the others.

    `refused` names ticked cases out of reach of the act, `beyond` counts those among all that
    match. `query` is the filter of an act on all that match. `too_many`: more than can be done.
    """

    cases: Sequence[Chosen]
    refused: Sequence[Refused] = ()
    beyond: int = 0
    query: str = ""
    whole: bool = False
    too_many: bool = False
    skipped: Sequence[tuple[str, int]] = field(default=())

    @property
    def count(self) -> int:
        """How many cases the act is tried on."""
        return len(self.cases)

    def without(self, pk: int) -> "Picked":
        """Return the same choice without one case."""
        return replace(self, cases=[case for case in self.cases if case.pk != pk])

    @property
    def departments(self) -> set[int]:
        """The units that hold the chosen cases."""
        return {case.department_id for case in self.cases}


def pick(verb: BulkVerb, data: QueryDict, scope: Scope, at: datetime) -> Picked:
    """Read the choice from `case` and `version`, or with `all=1` from the filter in `query`.

    Cases that cannot be seen are passed over in silence.
    """
    if data.get("all") == "1":
        return _all(verb, data.get("query", ""), scope, at)
    return _ticked(verb, data, scope)


def clean_query(text: str) -> QueryDict:
    """Return a filter of the case list without page, order and columns; cut and cleaned."""
    given = QueryDict(text[:2000].removeprefix("?"))
    kept = QueryDict(mutable=True)
    for key, values in given.lists():
        cleaned = [tidy for value in values[:60] if (tidy := looking_up.tidy(value, most=400))]
        if cleaned and key not in _NO_FILTERS:
            kept.setlist(key, cleaned)
    return kept


def _all(verb: BulkVerb, text: str, scope: Scope, at: datetime) -> Picked:
    query = clean_query(text)
    visible: QuerySet[Case] = Case.objects.visible_to(scope)
    match = CASES.filters(query, visible, scope, at).qs
    matching = Case.objects.filter(pk__in=match.order_by().values("pk"))
    reached = matching.visible_to(scope, verb.act)
    rows = _rows(reached.order_by("pk")[: MOST_MATCHING + 1])
    cases = [Chosen(*row) for row in rows[:MOST_MATCHING]]
    too_many = len(rows) > MOST_MATCHING
    beyond = 0 if too_many else max(0, _capped(matching) - len(cases))
    return Picked(
        cases,
        beyond=beyond,
        query=query.urlencode(),
        whole=True,
        too_many=too_many,
        skipped=_skipped(verb, cases),
    )


def _ticked(verb: BulkVerb, data: QueryDict, scope: Scope) -> Picked:
    seen = dict(item.rpartition(":")[::2] for item in data.getlist("version")[:MOST_CHOSEN])
    numbers = [number for number in data.getlist("case")[:MOST_CHOSEN] if number.isprintable()]
    visible = Case.objects.visible_to(scope).filter(number__in=numbers)
    found = [Chosen(*row) for row in _rows(visible.order_by("next_due_at", "pk"))]
    reached = Case.objects.visible_to(scope, verb.act).filter(pk__in=[c.pk for c in found])
    allowed = set(reached.order_by().values_list("pk", flat=True))
    cases = [
        Chosen(c.pk, c.number, _version(seen.get(c.number, ""), c.seen), c.status, c.department_id)
        for c in found
        if c.pk in allowed
    ]
    why = gettext("You may read this case, but not do that with it.")
    beyond = [Refused(case.number, why) for case in found if case.pk not in allowed]
    return Picked(cases, beyond, skipped=_skipped(verb, cases))


def _rows(cases: QuerySet[Case]) -> list[tuple[int, str, int, str, int]]:
    return list(cases.values_list("pk", "number", "version", "status", "department_id"))


def _capped(cases: QuerySet[Case]) -> int:
    return len(cases.order_by().values_list("pk")[: MOST_MATCHING + 1])


def _skipped(verb: BulkVerb, cases: Iterable[Chosen]) -> list[tuple[str, int]]:
    """Return (state in words, how many) of chosen cases whose state does not admit the act."""
    if verb.states is None:
        return []
    counted = Counter(case.status for case in cases if case.status not in verb.states)
    return [(str(Status(status).label), n) for status, n in sorted(counted.items())]


def _version(text: str, present: int) -> int:
    """Return the version the reader saw; the present one where the page did not say."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else present


__all__ = ["MOST_CHOSEN", "MOST_MATCHING", "Chosen", "Picked", "Refused", "clean_query", "pick"]
