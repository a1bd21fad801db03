"""The record as a list: who did what, newest first, by person, act, case and period.

Facts are codes and figures; the words of an entry are never shown here. Looking is itself
recorded, once per page view, with the filters that were set.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from complaints.models import Case
from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.models import JournalEntry
from config.portal.case_refs import CaseRef
from config.portal.daygroups import by_day
from config.portal.inbox import links
from config.portal.record_facts import FactLine, fact_lines, stream_words
from config.shared.forms import DayField
from config.shared.listing import Order
from config.shared.listing_pages import page_of
from config.shared.registry import contributed
from config.shared.scope import Reach, Scope
from config.shared.words import actor_words
from staff.http import StaffRequest
from staff.models import Person

SIZE: Final = 50
NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-at", "-id"))
MOST_PEOPLE: Final = 50
# A view of the list -> what the keys of its actions look like.
VIEWS: Final[tuple[tuple[str, Promise, str], ...]] = (
    ("", gettext_lazy("Everything"), ""),
    ("cases", gettext_lazy("Cases"), r"(case|clock|approval)\."),
    ("shown", gettext_lazy("Personal data shown"), r".*(revealed|file_opened|looked_up)$"),
    ("exports", gettext_lazy("Exports"), r"(export|exports)\.|.*\.exported$"),
    ("rules", gettext_lazy("Rules and access"), r"(rules|term|person|department|reference)\."),
    ("access", gettext_lazy("Sign-ins"), r"access\.|audit\."),
)
_PLACE: Final = re.compile(r"%\(\w+\)s")


class RecordForm(forms.Form):
    """Filters of the record. All may be empty."""

    who = forms.CharField(
        label=gettext_lazy("Person: name or staff number"), max_length=80, required=False
    )
    case = forms.CharField(label=gettext_lazy("Case number"), max_length=20, required=False)
    act = forms.ChoiceField(label=gettext_lazy("What happened"), required=False)
    since = DayField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = DayField(
        label=gettext_lazy("Until"), required=False, widget=forms.DateInput({"type": "date"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        """Offer every action somebody contributed, in the reader's language."""
        super().__init__(*args, **options)
        named = sorted((_title(action), key) for key, action in contributed(Action).items())
        choices = [("", _("Anything")), *((key, title) for title, key in named)]
        self.fields["act"].choices = choices  # type: ignore[attr-defined]
        for field in self.fields.values():
            is_choice = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("The period ends before it begins."))
        return data


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as drawn. `number` is that of the entry in the whole record."""

    entry: JournalEntry
    who: str
    icon: str
    sentence: str
    about: str
    case: CaseRef | None
    facts: list[FactLine]
    words: int


@require_safe
def audit(request: StaffRequest) -> HttpResponse:
    """List the entries in reach that match the filters; the look itself is recorded."""
    request.scope.demand("audit")
    at = timezone.now()
    form = RecordForm(request.GET or None)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    view = _view(request.GET.get("view", ""))
    rows = _filtered(visible_entries(request.scope), asked, view, request.scope)
    if form.is_bound and not form.is_valid():
        rows = rows.none()
    page = page_of(rows, NEWEST, request.GET.get("cursor", ""), SIZE)
    drawn = _rows(page.rows, request.scope)
    query = request.GET.copy()
    query.pop("cursor", None)
    kept = query.urlencode()
    _record_the_look(request, asked, view, at)
    context = {
        "at": at,
        "form": form,
        "view": view,
        "views": [(key, title) for key, title, _keys in VIEWS],
        "days": by_day(drawn, lambda row: row.entry.at, at=at),
        "links": links(page, f"{kept}&" if kept else ""),
        "filtered": any(asked.values()),
        "own_units": Reach.ALL not in request.scope.to("audit"),
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "portal/audit.html", context, status=status)


def visible_entries(scope: Scope) -> QuerySet[JournalEntry]:
    """Return the entries this person may read: all, or what people of the own units did."""
    reach = scope.to("audit")
    rows = JournalEntry.objects.all()
    if Reach.ALL in reach:
        return rows
    if Reach.DEPARTMENT not in reach:
        return rows.none()
    people = Person.objects.filter(department__in=scope.departments).values("pk")
    return rows.filter(actor_kind="person", actor_id__in=people)


def _filtered(
    rows: QuerySet[JournalEntry], asked: dict[str, Any], view: str, scope: Scope
) -> QuerySet[JournalEntry]:
    """Cut by the filters of the form and by the view."""
    if who := asked.get("who"):
        rows = rows.filter(actor_kind="person", actor_id__in=_people(who))
    if number := asked.get("case"):
        rows = rows.filter(stream=_stream_of(number, scope))
    if act := asked.get("act"):
        rows = rows.filter(action=act)
    if view:
        keys = next(keys for key, _title, keys in VIEWS if key == view)
        rows = rows.filter(action__in=[a for a in contributed(Action) if re.match(keys, a)])
    if since := asked.get("since"):
        rows = rows.filter(at__gte=timezone.make_aware(datetime.combine(since, time.min)))
    if until := asked.get("until"):
        after = datetime.combine(until + timedelta(days=1), time.min)
        rows = rows.filter(at__lt=timezone.make_aware(after))
    return rows


def _people(text: str) -> list[int]:
    """Return who may be meant by a name or a staff number."""
    named = Q(staff_no__iexact=text) | Q(name_zh__contains=text) | Q(name_en__icontains=text)
    return list(Person.objects.filter(named).values_list("pk", flat=True)[:MOST_PEOPLE])


def _stream_of(number: str, scope: Scope) -> str:
    """Return the chain of a case in sight; a name no chain has for any other."""
    found = Case.objects.visible_to(scope).filter(number__iexact=number.strip()).first()
    return found.stream if found else "-"


def _rows(found: list[JournalEntry], scope: Scope) -> list[Row]:
    """Return entries as drawn; one query for the cases in sight."""
    pks = {int(e.stream[5:]) for e in found if e.stream.startswith("case:")}
    cases = Case.objects.visible_to(scope).filter(pk__in=pks)
    seen = {case.stream: case for case in cases} if pks else {}
    return [_row(entry, seen) for entry in found]


def _row(entry: JournalEntry, seen: dict[str, Case]) -> Row:
    action = contributed(Action).get(entry.action)
    hidden = entry.stream.startswith("case:") and entry.stream not in seen
    case = seen.get(entry.stream)
    ref = CaseRef(case.number, case.get_absolute_url()) if case else None
    sentence = (_title(action) if action else entry.action) if hidden else journal.describe(entry)
    facts, words = fact_lines(entry)
    return Row(
        entry=entry,
        who=actor_words(entry.actor_label) if entry.actor_kind != "customer" else _("Customer"),
        icon=action.icon if action else "circle",
        sentence=sentence,
        about=_("A case out of your reach") if hidden else stream_words(entry.stream),
        case=ref,
        facts=[] if hidden else facts,
        words=words,
    )


def _title(action: Action) -> str:
    """Return the sentence of an action with its places left open."""
    return _PLACE.sub("…", str(action.sentence))


def view_words(key: object) -> str:
    """Return a view of this list in words, for the entry about looking at it."""
    return str(next((title for known, title, _keys in VIEWS if known == key), VIEWS[0][1]))


def _view(key: str) -> str:
    return key if key in {known for known, _title, _keys in VIEWS} else ""


def _record_the_look(request: StaffRequest, asked: dict[str, Any], view: str, at: datetime) -> None:
    """Write down who looked at the record, and for what; a name typed is kept as words."""
    plain: Iterable[str] = ("act", "since", "until")
    facts = {name: str(asked[name]) for name in plain if asked.get(name)}
    facts["view"] = view or "all"
    facts["page"] = "next" if request.GET.get("cursor") else "first"
    words = {name: asked[name] for name in ("who", "case") if asked.get(name)}
    journal.note("access", "audit.viewed", facts, words, actor=request.actor, at=at)
