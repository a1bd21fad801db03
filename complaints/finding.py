"""Cases in the search field: what one may read, and of others number, state and due time.

A hotline agent is called about cases that others handle. With the act `status` a case is found by
what the caller knows (its number, its tail, the telephone number), never by words: a word that
finds something would say what stands in a case one may not read.
"""

from datetime import datetime
from typing import Final

from django.db.models import Case as Pick
from django.db.models import IntegerField, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import looking_up
from complaints.choices import OPEN, Status
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.models import Case
from complaints.reach import reaches
from config.shared.scope import Scope
from config.shared.search_sources import Found, Hit, HitAct, SearchSource, first_of

_NEVER_YEAR: Final = 9000


def find(asked: str, scope: Scope, at: datetime, limit: int) -> Found:
    """Return the cases that answer `asked`: a case named by its number first, then the newest."""
    read, more = _readable(asked, scope, at, limit)
    known = _known(asked, scope, at, limit + 1 - len(read)) if not more else []
    others, beyond = first_of(known, limit - len(read))
    hits = [_hit(row, scope) for row in rows_of(read, scope, at)]
    hits += [_status_hit(case, scope) for case in others]
    return Found(tuple(hits), more or beyond)


def _readable(asked: str, scope: Scope, at: datetime, limit: int) -> tuple[list[Case], bool]:
    if not scope.may("cases"):
        return [], False
    rows = shown_rows(scope).filter(looking_up.cases_with(asked, at=at))
    return first_of(list(_named_first(rows, asked)[: limit + 1]), limit)


def _known(asked: str, scope: Scope, at: datetime, limit: int) -> list[Case]:
    """Return cases out of sight of which the reader may know how they stand."""
    wanted = looking_up.cases_numbered(asked, at=at)
    if wanted is None or not scope.may("cases", "status"):
        return []
    rows = Case.objects.visible_to(scope, "status").filter(wanted)
    if scope.may("cases"):
        rows = rows.exclude(pk__in=Case.objects.visible_to(scope).filter(wanted).values("pk"))
    return list(_named_first(rows, asked)[:limit])


def _named_first(rows: QuerySet[Case], asked: str) -> QuerySet[Case]:
    """Order: a case whose number ends so, then open ones, then the newest."""
    digits = asked.rpartition("-")[2]
    tail = (
        f"-{int(digits):07d}" if digits.isascii() and digits.isdigit() and len(digits) <= 7 else ""
    )
    waits = When(status__in=OPEN, then=Value(1))
    number = IntegerField()
    by_state = Pick(waits, default=Value(0), output_field=number)
    if not tail:  # PostgreSQL takes a constant for the place of a column
        return rows.order_by(by_state.desc(), "-pk")
    named = When(number__endswith=tail, then=Value(1))
    by_name = Pick(named, default=Value(0), output_field=number)
    return rows.order_by(by_name.desc(), by_state.desc(), "-pk")


def _hit(row: CaseRow, scope: Scope) -> Hit:
    return Hit(
        title=row.subject,
        url=row.case.get_absolute_url(),
        icon=row.icon,
        meta=(row.case.number, row.name),
        chip=row.chip,
        status=row.case.status,
        tier=row.tier,
        acts=_acts(row.case, scope),
    )


def _status_hit(case: Case, scope: Scope) -> Hit:
    """Return number, state and due time, and nothing else."""
    return Hit(
        title=case.number,
        url="",
        icon="inbox",
        meta=(_("Handled by colleagues"),),
        due=None if case.next_due_at.year > _NEVER_YEAR else case.next_due_at,
        status=str(Status(case.status)),
        acts=_acts(case, scope),
    )


def _acts(case: Case, scope: Scope) -> tuple[HitAct, ...]:
    if not (case.is_open and scope.may("cases", "chased") and reaches(case, scope, "chased")):
        return ()
    url = reverse("case_chased", args=[case.number])
    return (HitAct(gettext_lazy("Customer chased"), "phone-incoming", url, post=True),)


def source() -> SearchSource:
    """Return the source of this room."""
    return SearchSource("cases", gettext_lazy("Cases"), find, order=10)


__all__ = ["find", "source"]
