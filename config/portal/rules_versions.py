"""Which version of some rules a page shows, with its neighbours and its publisher."""

from itertools import pairwise
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from staff.http import StaffRequest
from staff.models import Person

LISTED: Final = 20
COMPARED: Final = 100
_DIGITS: Final = 6


def version(request: StaffRequest, kind: str) -> dict[str, Any]:
    """Return the asked version (`v`) or the one in force, its neighbours and the open draft.

    Drafts are no versions, and neither are drafts that were thrown away.
    """
    at = timezone.now()
    versions = list(kept(kind)[:LISTED])
    force = rulesets.published(kind, at)
    asked = request.GET.get("v", "")
    rules = next((row for row in versions if str(row.number) == asked), force)
    return {
        "at": at,
        "rules": rules,
        "in_force": rules is not None and force is not None and rules.pk == force.pk,
        "force": force,
        "versions": versions,
        "publisher": publisher(rules),
        "open_draft": rulesets.draft(kind),
        "may_propose": request.scope.may("rules", "propose"),
        "may_publish": request.scope.may("rules", "edit"),
    }


def history(request: StaffRequest, kind: str) -> dict[str, Any]:
    """Return the versions of a kind, newest first, with publisher and the version before each."""
    at = timezone.now()
    versions = list(RuleSet.objects.filter(kind=kind).order_by("-number")[:COMPARED])
    people = publishers(versions)
    force = rulesets.published(kind, at)
    older = {row.number: below.number for row, below in pairwise(versions)}
    rows = [
        {
            "version": row,
            "who": people.get(row.published_by_id or 0),
            "in_force": force is not None and row.pk == force.pk,
            "older": older.get(row.number),
        }
        for row in versions
    ]
    return {
        "rows": rows,
        "at": at,
        "may_propose": request.scope.may("rules", "propose"),
        "open_draft": any(row.state == RuleState.DRAFT for row in versions),
    }


def compared(request: StaffRequest, kind: str) -> dict[str, Any]:
    """Return the versions `a` and `b` of the question and those to choose from; 404 for no such."""
    one, two = (numbered(kind, request.GET.get(name, "")) for name in ("a", "b"))
    versions = RuleSet.objects.filter(kind=kind).order_by("-number")[:COMPARED]
    return {"one": one, "two": two, "versions": versions, "at": timezone.now()}


def numbered(kind: str, text: str) -> RuleSet:
    """Return the version of a kind, drafts too, by the number in an address; 404 for no such."""
    found = None
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        found = RuleSet.objects.filter(kind=kind, number=int(text)).first()
    if found is None:
        raise Http404
    return found


def kept(kind: str) -> QuerySet[RuleSet]:
    """Return the versions of a kind that were ever published, newest first."""
    left = RuleSet.objects.filter(kind=kind).exclude(state=RuleState.DRAFT)
    thrown_away = Q(state=RuleState.RETIRED, published_at__isnull=True)
    return left.exclude(thrown_away).order_by("-number")


def publisher(rules: RuleSet | None) -> Person | None:
    """Return who published a version; None for what came with the portal."""
    if rules is None or rules.published_by_id is None:
        return None
    return Person.objects.filter(pk=rules.published_by_id).first()


def publishers(rows: list[RuleSet]) -> dict[int, Person]:
    """Return who published these versions, by pk of the person; one query."""
    wanted = {row.published_by_id for row in rows if row.published_by_id}
    return Person.objects.in_bulk(wanted)
