"""Who has what: open cases by person, who is there, and one proposal that evens it out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count as Counting
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from complaints.board.sight import Sight, handler_limit
from complaints.choices import PAUSING
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.models import Case, CaseExclusion, CasePresence
from complaints.routing.choosing import WORKERS, loads
from staff.models import Absence, Account, AccountSession, Person

SHOWN: Final = 6
MOST: Final = 8
"""So many cases a proposal moves at most."""
_UNEVEN: Final = 4
"""Below the limit a difference of so many cases is worth a proposal."""
_AT_CASE: Final = timedelta(seconds=45)
_HERE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Load:
    """One person: open cases, how many are late, and presence (`icon` and words)."""

    person: Person
    n: int
    late: int
    icon: str
    presence: str
    away: bool
    query: str
    limit: int

    @property
    def over(self) -> bool:
        """Tell whether the person has more than the limit."""
        return self.n > self.limit

    @property
    def full(self) -> int:
        """What the bar is drawn against."""
        return max(self.n, self.limit)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Cases that one person could take from another of the same unit."""

    source: Person
    target: Person
    rows: list[CaseRow]


def people(sight: Sight) -> list[Load]:
    """Return who has the most open cases in sight; five queries."""
    late = Q(paused=False, next_due_at__lt=sight.at)
    counted = sight.open().filter(handler__isnull=False).values_list("handler")
    found = counted.annotate(n=Counting("pk"), late=Counting("pk", filter=late))
    tally = list(found.order_by("-n", "handler")[:SHOWN])
    known = Person.objects.in_bulk([pk for pk, _n, _late in tally])
    seen = presences(known, sight.at)
    limit = handler_limit(sight.at)
    return [
        Load(
            known[pk],
            n,
            n_late,
            *_words(seen.get(pk), sight.at),
            sight.query(handler=known[pk].staff_no),
            limit,
        )
        for pk, n, n_late in tally
    ]


@dataclass(slots=True)
class Seen:
    """What is known of somebody's presence: away until, at a case, seen in the portal."""

    away_until: datetime | None = None
    at_case: bool = False
    here: bool = False


def presences(pks: Collection[int], at: datetime) -> dict[int, Seen]:
    """Return who is away, at a case, or in the portal; three queries."""
    found = {pk: Seen() for pk in pks}
    absent = Absence.objects.filter(person__in=list(pks), start_at__lte=at, end_at__gt=at)
    for pk, until in absent.order_by("end_at").values_list("person_id", "end_at"):
        found[pk].away_until = until
    looking = CasePresence.objects.filter(person__in=list(pks), seen_at__gte=at - _AT_CASE)
    for pk in looking.values_list("person_id", flat=True):
        found[pk].at_case = True
    lately = AccountSession.objects.filter(
        account_id=OuterRef("pk"), seen_at__gte=at - _HERE, expire_date__gt=at
    )
    accounts = Account.objects.filter(Exists(lately), person__in=list(pks))
    for pk in accounts.values_list("person_id", flat=True):
        found[pk].here = True
    return found


def _words(seen: Seen | None, at: datetime) -> tuple[str, str, bool]:
    """Return icon and words of somebody's presence, and whether they are away."""
    if seen is None:
        return "clock-pause", _("Not signed in"), False
    if seen.away_until is not None:
        return "clock-pause", _back(seen.away_until, at), True
    if seen.at_case:
        return "pencil", _("Working on a case"), False
    if seen.here:
        return "check", _("In the portal"), False
    return "minus", _("Not signed in"), False


def _back(until: datetime, at: datetime) -> str:
    """Return when somebody is back: the hour of today, else the day."""
    local = timezone.localtime(until)
    same = local.date() == timezone.localdate(at)
    return _("Back %(when)s") % {"when": f"{local:%H:%M}" if same else f"{local:%m-%d}"}


def proposal(sight: Sight, shown: Sequence[Load]) -> Proposal | None:
    """Return one move that helps most, or None: from who has most to who has least beside them.

    Only within a unit, to somebody who is there and not kept out of the case; the newest cases,
    in which the least work stands, and no case that waits for somebody outside.
    """
    scope = sight.scope
    if not (scope.may("board", "hand_out") and scope.may("cases", "route")) or not shown:
        return None
    source = max(shown, key=lambda load: (load.n, load.late))
    team = _team(source.person, sight.at)
    counts = loads(team)
    mine = loads([source.person.pk]).get(source.person.pk, 0)
    ranked = sorted(team.values(), key=lambda person: (counts.get(person.pk, 0), person.staff_no))
    if not ranked:
        return None
    target = ranked[0]
    theirs = counts.get(target.pk, 0)
    wanted = max(mine - source.limit, (mine - theirs) // 2 if mine - theirs >= _UNEVEN else 0)
    n = min(wanted, (mine - theirs) // 2, max(0, source.limit - theirs), MOST)
    rows = _movable(sight, source.person, target)[:n] if n > 0 else []
    cases = list(rows)
    if not cases:
        return None
    return Proposal(source.person, target, rows_of(cases, scope, sight.at))


def _movable(sight: Sight, source: Person, target: Person) -> "list[Case]":
    """Return the cases one may give from one to the other, newest first; two queries."""
    out = CaseExclusion.objects.filter(person=target, case=OuterRef("pk"))
    mine = sight.open("route").filter(
        ~Exists(out), handler=source, department=target.department_id, restricted=False
    )
    newest = mine.exclude(status__in=PAUSING).order_by("-received_at", "-id")
    picked = list(newest.values_list("pk", flat=True)[:MOST])
    # Read first: as a sub-query it is held against every case, joined with all that a row shows.
    rows = shown_rows(sight.scope, "route").filter(pk__in=picked)
    return list(rows.order_by("-received_at", "-id"))


def _team(source: Person, at: datetime) -> dict[int, Person]:
    """Return who else handles cases in this person's unit and is there."""
    beside = Person.objects.active().holding(WORKERS).filter(department=source.department_id)
    away = Person.objects.away(at).values("pk")
    return {p.pk: p for p in beside.exclude(pk=source.pk).exclude(pk__in=away)[:60]}
