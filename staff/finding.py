"""People of the bank in the search field: name, number, unit and whether they are here.

No telephone number, no address: those stand where the reader's right to them is checked.
"""

from datetime import datetime
from typing import Final

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.scope import Scope
from config.shared.search_sources import Found, Hit, SearchSource, first_of
from config.shared.words import near_moment_words
from staff.models import Absence, Person

_FEWEST_LETTERS: Final = 2


def find(asked: str, scope: Scope, at: datetime, limit: int) -> Found:
    """Return active people whose names or staff number hold what was typed; two queries."""
    if not scope.may("people", "find") or _too_short(asked):
        return Found()
    away = Absence.objects.filter(start_at__lte=at, end_at__gt=at).order_by("end_at")
    rows = Person.objects.visible_to(scope, "find").active().filter(_all_words(asked))
    found = rows.select_related("department").prefetch_related(Prefetch("absences", away))
    people, more = first_of(list(found.order_by("staff_no")[: limit + 1]), limit)
    reads_staff = scope.may("admin", "view")
    return Found(tuple(_hit(person, linked=reads_staff) for person in people), more)


def _too_short(asked: str) -> bool:
    """Tell whether it is a single Latin letter or digit, which nearly everybody answers."""
    return len(asked) < _FEWEST_LETTERS and asked.isascii()


def _all_words(asked: str) -> Q:
    """Return the condition that every word stands in one of the names; or it is the number."""
    named = Q()
    for word in asked.split():
        named &= Q(name_en__icontains=word) | Q(name_zh__icontains=word)
    return named | Q(staff_no__iexact=asked)


def _hit(person: Person, *, linked: bool) -> Hit:
    """Return one line; it leads to the entry of the staff list for who may read that."""
    absences = list(person.absences.all())
    here = _("Not away")
    if absences:
        here = _("Away until %(when)s") % {"when": near_moment_words(absences[-1].end_at)}
    chinese = translation.get_language() == "zh-hans"
    other = person.name_en if chinese else person.name_zh
    return Hit(
        title=person.label,
        url=reverse("admin:staff_person_change", args=[person.pk]) if linked else "",
        icon="user-off" if absences else "user-circle",
        meta=tuple(
            text for text in (other, person.staff_no, person.department.label, here) if text
        ),
    )


def source() -> SearchSource:
    """Return the source of this room."""
    return SearchSource("people", gettext_lazy("People"), find, order=30)


__all__ = ["find", "source"]
