"""The filters of the case list, and the facets that show them.

Every value comes from an address, so anything may stand there: what is not a known choice is
left out, a code that nobody knows matches nothing, text is cut and cleaned. No value is an error.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any, Final

import django_filters
from django import forms
from django.db.models import Q, QuerySet, TextChoices, Value
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints import looking_up
from complaints.board.filters import BoardFilters
from complaints.choices import OPEN, PAUSING, Severity, Status
from complaints.models import Case, CaseTag
from complaints.querysets import CaseQuerySet
from config.kernel.models import Term
from config.shared.scope import Reach, Scope
from customers.models.customer import Tier
from staff.models import Department

_CODE = re.compile(r"[\w.\-]{1,40}")
_MOST_VALUES = 60
_TAXONOMIES = ("feedback_type", "intake_channel", "tag")


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """One choice of a facet that stands in the database; a retired one is no longer offered."""

    pk: int
    code: str
    name_en: str
    name_zh: str
    active: bool = True

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en


class Due(TextChoices):
    """Where the nearest clock of a case stands; each open case is in exactly one."""

    OVER = "over", _("Overdue")
    RISK = "risk", _("At risk")
    TODAY = "today", _("Due today")
    LATER = "later", _("Later")
    PAUSED = "paused", _("Paused")


class Mark(TextChoices):
    """What makes a case stand out beside its clock."""

    CHASED = "chased", _("Customer chased")
    UPSET = "upset", _("Upset (emotion 3 or more)")
    MEDIA = "media", _("Media risk")
    VULNERABLE = "vulnerable", _("Vulnerable customer")
    REPEAT = "repeat", _("Repeat complaint")
    MAJOR = "major", _("Major for the regulator")


UPSET: Final = 3
"""From this emotion on (0-5) care is asked for (DOMAIN.md §4.5)."""


def marks() -> dict[str, Q]:
    """Return the condition of every `Mark`; a case may have several."""
    now = Q(emotion_now__gte=UPSET) | Q(emotion_now__isnull=True, emotion__gte=UPSET)
    return {
        Mark.CHASED: Q(chase_count__gt=0),
        Mark.UPSET: now,
        Mark.MEDIA: Q(media_risk=True),
        Mark.VULNERABLE: Q(vulnerable=True),
        Mark.REPEAT: Q(repeat_count__gt=0),
        Mark.MAJOR: Q(regulatory_major=True),
    }


class Stage(TextChoices):
    """Whether the customer still waits for the result."""

    OPEN = "open", pgettext_lazy("cases", "Open")
    ENDED = "ended", _("Finished")
    ALL = "all", _("All")


def due_states(at: datetime) -> dict[str, Q]:
    """Return the condition of every `Due` at a moment; "today" ends at the bank's midnight.

    A case that waits for somebody outside counts as paused as long as its legal limit, which
    runs on, is not near: as its chip says (clocks.chips).
    """
    tomorrow = timezone.localdate(at) + timedelta(days=1)
    midnight = timezone.make_aware(datetime.combine(tomorrow, time.min))
    runs, warned = Q(paused=False), Q(next_risk_at__isnull=False, next_risk_at__lte=at)
    ahead = runs & Q(next_due_at__gte=at)
    calm = ahead & (Q(next_risk_at__isnull=True) | Q(next_risk_at__gt=at))
    waits = Q(status__in=PAUSING)
    return {
        Due.OVER: runs & Q(next_due_at__lt=at),
        Due.RISK: ahead & warned,
        Due.TODAY: calm & ~waits & Q(next_due_at__lt=midnight),
        Due.LATER: calm & ~waits & Q(next_due_at__gte=midnight),
        Due.PAUSED: Q(paused=True) | (calm & waits),
    }


def on_my_desk(rows: QuerySet[Case], scope: Scope) -> QuerySet[Case]:
    """Keep what waits on this person's desk: the cases they handle or accepted.

    For those who supervise also what nobody has taken in their units; for those who never handle
    (relationship managers, hotline agents) the cases of their customers and those they registered;
    for those who only read (auditor, analyst, executive) everything they may see.
    """
    if not scope.may("cases", "note"):
        return rows
    wanted = Q(handler=scope.member) | Q(officer=scope.member)
    if scope.may("cases", "supervise"):
        wanted |= Q(handler__isnull=True, department__in=scope.departments)
    if not scope.may("cases", "claim"):
        wanted |= Q(rm=scope.member) | Q(registrar=scope.member)
    return rows.filter(wanted)


class CodesField(forms.Field):
    """Any number of codes; what cannot be a code becomes "?", which nothing has."""

    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[str]:
        """Return the codes once each, in the order given."""
        given = [str(item) for item in value or [] if item][:_MOST_VALUES]
        return list(dict.fromkeys(v if _CODE.fullmatch(v) else "?" for v in given))


class ChoicesField(CodesField):
    """Codes of a closed list; unknown ones are left out."""

    def __init__(self, known: Iterable[Any], **options: Any) -> None:
        super().__init__(**options)
        self.known = {str(value) for value in known}

    def clean(self, value: Any) -> list[str]:
        """Return the known codes."""
        return [code for code in super().clean(value) if code in self.known]


class WordsField(forms.Field):
    """What somebody typed into a find box: one line, no control characters, 80 letters."""

    def clean(self, value: Any) -> str:
        """Return the cleaned text."""
        return looking_up.tidy(str(value or ""))


class Codes(django_filters.Filter):  # type: ignore[misc]  # django-filter has no types
    """Filter over codes."""

    field_class = CodesField


class Choices(django_filters.Filter):  # type: ignore[misc]  # as above
    """Filter over a closed list."""

    field_class = ChoicesField


class Words(django_filters.Filter):  # type: ignore[misc]  # as above
    """The find box."""

    field_class = WordsField


class CaseFilters(BoardFilters):
    """All filters of the case list over rows that are already cut by scope."""

    clock = Choices(known=Due.values, method="by_clock", label=_("Clock"))
    tier = Choices(known=Tier.values, method="by_tier", label=_("Customer tier"))
    department = Codes(method="by_department", label=_("Department"))
    type = Codes(method="by_type", label=_("Type"))
    severity = Choices(known=Severity.values, method="by_severity", label=_("Severity"))
    channel = Codes(method="by_channel", label=_("Channel"))
    status = Choices(known=Status.values, method="by_status", label=_("Status"))
    state = Choices(
        known=Stage.values, method="by_state", label=pgettext_lazy("stage of cases", "State")
    )
    mark = Choices(known=Mark.values, method="by_mark", label=_("Marks"))
    tag = Codes(method="by_tag", label=_("Tag"))
    mine = Choices(known=["1"], method="by_desk", label=_("My desk"))
    handler = Codes(method="by_handler", label=_("Handler"))
    repeat = Choices(known=["1"], method="by_repeat", label=_("Repeat complaints"))
    customer = Codes(method="by_customer", label=_("Customer"))
    q = Words(method="by_words", label=_("Find"))

    class Meta:
        model = Case
        fields: list[str] = []

    def __init__(self, data: QueryDict, rows: QuerySet[Case], scope: Scope, at: datetime) -> None:
        super().__init__(data, queryset=rows)
        self.scope, self.at = scope, at

    def like(self, data: QueryDict) -> "CaseFilters":
        """Return other filters over the same rows, for the same reader."""
        return CaseFilters(data, self.queryset, self.scope, self.at)

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """Cleaned values by filter, without the empty ones."""
        self.form.is_valid()
        return {name: value for name, value in self.form.cleaned_data.items() if value}

    @property
    def qs(self) -> QuerySet[Case]:
        """The rows that match every filter."""
        return self.matching()

    @property
    def only_open(self) -> bool:
        """Whether nothing asks for finished cases too."""
        return not {"state", "status", "q"} & set(self.chosen)

    def matching(self, *, without: str = "") -> QuerySet[Case]:
        """Return the rows that match every filter but one: what a facet counts over.

        Only open cases, unless a state or status is asked for or something is looked up by words.
        """
        chosen = {name: value for name, value in self.chosen.items() if name != without}
        if self.only_open and without != "status":
            chosen["state"] = [Stage.OPEN]
        rows: QuerySet[Case] = self.queryset
        for name, value in chosen.items():
            rows = getattr(self, self.filters[name].method)(rows, name, value)
        return rows

    @cached_property
    def named(self) -> dict[str, list[Named]]:
        """Departments, types, channels and tags to choose from, in their order; one query.

        Departments are all of them, or those that hold a case this person may see.
        """
        units = Department.objects.order_by()
        if Reach.ALL not in self.scope.to("cases"):
            seen = Case.objects.visible_to(self.scope).order_by().values("department")
            units = units.filter(pk__in=seen)
        names = ("pk", "code", "name_en", "name_zh")
        every = Value(True)  # noqa: FBT003 - units no longer at work still hold cases
        found = units.values_list(Value("department"), "path", Value(0), *names, every).union(
            Term.objects.filter(taxonomy__in=_TAXONOMIES)
            .order_by()
            .values_list("taxonomy", Value(""), "order", *names, "active"),
            all=True,
        )
        lists: dict[str, list[Named]] = {kind: [] for kind in ("department", *_TAXONOMIES)}
        for kind, _path, _order, *rest in sorted(found):
            lists[kind].append(Named(*rest))
        return lists

    def by_clock(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep open cases in these clock states."""
        states, wanted = due_states(self.at), Q(pk__in=[])
        for key in value:
            wanted |= states[key]
        return rows.filter(wanted, status__in=OPEN)

    def by_tier(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases by the tier the customer has now."""
        return rows.filter(customer__tier__in=value)

    def by_department(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases that are with these departments now."""
        return rows.filter(department__in=self._pks("department", value))

    def by_type(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases of these types."""
        return rows.filter(type__in=self._pks("feedback_type", value))

    def by_channel(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases that came by these channels."""
        return rows.filter(intake_channel__in=self._pks("intake_channel", value))

    def by_severity(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases of these severities."""
        return rows.filter(severity__in=[int(code) for code in value])

    def by_status(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases in these states of the workflow."""
        return rows.filter(status__in=value)

    def by_state(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep open or finished cases."""
        if value[0] == Stage.ALL:
            return rows
        return (
            rows.filter(status__in=OPEN)
            if value[0] == Stage.OPEN
            else rows.exclude(status__in=OPEN)
        )

    def by_desk(self, rows: CaseQuerySet, _name: str, _value: list[str]) -> QuerySet[Case]:
        """Keep what waits on my desk."""
        return on_my_desk(rows, self.scope)

    def by_handler(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases by handler: `none`, `me` or staff numbers."""
        wanted = Q(handler__staff_no__in=value)
        if "none" in value:
            wanted |= Q(handler__isnull=True)
        if "me" in value:
            wanted |= Q(handler=self.scope.member)
        return rows.filter(wanted)

    def by_repeat(self, rows: CaseQuerySet, _name: str, _value: list[str]) -> QuerySet[Case]:
        """Keep cases of people who complained about it before."""
        return rows.filter(repeat_count__gt=0)

    def by_mark(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases with any of these marks."""
        known = marks()
        return rows.filter(reduce(or_, (known[mark] for mark in value)))

    def by_tag(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases with any of these tags."""
        tagged = CaseTag.objects.filter(term__in=self._pks("tag", value))
        return rows.filter(pk__in=tagged.values("case"))

    def by_customer(self, rows: CaseQuerySet, _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep the cases of these customers, by number."""
        return rows.filter(customer__number__in=value)

    def by_words(self, rows: CaseQuerySet, _name: str, value: str) -> QuerySet[Case]:
        """Keep cases found by number, telephone, words or customer's name."""
        return rows.filter(looking_up.cases_with(value, at=self.at))

    def _pks(self, kind: str, codes: list[str]) -> list[int]:
        return [named.pk for named in self.named[kind] if named.code in codes]
