"""Forms of the calendar pages: hours of a day, the week, a new calendar, the yearly notice."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.portal.rules_words import clock_time
from config.shared.calendars import Day
from config.shared.forms import CleanText, DayField, VersionedForm
from config.shared.openings import MINUTES_A_DAY, CalendarError, Span
from staff.calendar_checks import zones
from staff.calendar_drafts import MOST_SPANS, NORMAL, OFF, OPEN, DayData, Week
from staff.calendar_files import LONGEST_NAME

DAY_SPANS: Final = 3
WEEK: Final = range(7)
_TIME: Final = re.compile(r"(\d{1,2})[:：.]?(\d{2})")
_TITLE: Final = 120


class MinuteField(forms.CharField):
    """A time of day as text, `09:00` or `24:00`; minutes after midnight."""

    def __init__(self, **options: Any) -> None:
        attrs = {"inputmode": "numeric", "autocomplete": "off", "size": "5", "placeholder": "–"}
        options.setdefault("widget", forms.TextInput(attrs={"class": "form-control num", **attrs}))
        super().__init__(required=False, **options)

    def to_python(self, value: Any) -> Any:
        """Return minutes, None for nothing; anything else is refused in words."""
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        found = _TIME.fullmatch(text) if text.isascii() or "：" in text else None
        if found is None or int(found[2]) > 59:
            raise ValidationError(_("Write a time like 09:00; a day ends at 24:00."), code="time")
        minute = int(found[1]) * 60 + int(found[2])
        if minute > MINUTES_A_DAY:
            raise ValidationError(_("Write a time like 09:00; a day ends at 24:00."), code="time")
        return minute

    def prepare_value(self, value: Any) -> Any:
        """Show minutes as a time, and what was typed as it was typed."""
        return clock_time(value) if isinstance(value, int) else value


class _HoursForm(VersionedForm):
    """Pairs of fields `opens_<place>_<n>` and `closes_<place>_<n>`; `number` is the draft's."""

    number = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)

    def add_hours(self, place: str, pairs: int, spans: Sequence[Span], name: str) -> None:
        """Add the fields of one day, filled with its hours."""
        for n in range(pairs):
            span = spans[n] if n < len(spans) else None
            told = {"day": name, "n": n + 1}
            opens = MinuteField(label=_("%(day)s, opens (%(n)s)") % told)
            closes = MinuteField(label=_("%(day)s, closes (%(n)s)") % told)
            opens.initial = span.start_minute if span else None
            closes.initial = span.end_minute if span else None
            self.fields[f"opens_{place}_{n}"] = opens
            self.fields[f"closes_{place}_{n}"] = closes

    def pairs(self, place: str) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return the fields of one day, two by two."""
        names = [name for name in self.fields if name.startswith(f"opens_{place}_")]
        return [(self[name], self[name.replace("opens_", "closes_", 1)]) for name in names]

    def hours(self, place: str) -> tuple[Span, ...]:
        """Return the hours typed for one day; a half pair or a backward one is marked in words."""
        found = []
        for opens, closes in self.pairs(place):
            start = self.cleaned_data.get(opens.name)
            end = self.cleaned_data.get(closes.name)
            if start is None and end is None:
                continue
            if start is None or end is None:
                empty = opens if start is None else closes
                if empty.name not in self.errors:
                    self.add_error(empty.name, _("Give both, when it opens and when it closes."))
                continue
            try:
                found.append(Span(start, end))
            except CalendarError:
                self.add_error(closes.name, _("It closes before it opens."))
        return tuple(sorted(found))


class DayForm(_HoursForm):
    """What one day, or a stretch of days, is to be."""

    on = DayField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=gettext_lazy("This day is"),
        choices=[
            (NORMAL, gettext_lazy("Normal")),
            (OPEN, gettext_lazy("Worked")),
            (OFF, gettext_lazy("Off")),
        ],
        widget=forms.RadioSelect,
    )
    name_en = CleanText(label=gettext_lazy("Reason in English"), required=False)
    name_zh = CleanText(label=gettext_lazy("Reason in Chinese"), required=False)
    last = DayField(
        label=gettext_lazy("The same until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Empty = this day alone."),
    )

    def __init__(self, *args: Any, on: date, day: Day | None, **options: Any) -> None:
        kind = NORMAL if day is None else OPEN if day.working else OFF
        names = {"name_en": day.name_en, "name_zh": day.name_zh} if day else {}
        options["initial"] = {**options.get("initial", {}), "on": on, "kind": kind, **names}
        super().__init__(*args, **options)
        spans = (day.spans or ()) if day else ()
        self.add_hours("day", max(DAY_SPANS, len(spans)), spans, _("This day"))
        for name in ("name_en", "name_zh", "last"):
            self.fields[name].widget.attrs["class"] = "form-control"

    @property
    def day_pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of the hours."""
        return self.pairs("day")

    @property
    def reasons(self) -> list[forms.BoundField]:
        """The fields of the reason in both languages."""
        return [self["name_en"], self["name_zh"]]

    def clean(self) -> dict[str, Any]:
        """Read the hours."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        found["spans"] = self.hours("day") if found.get("kind") == OPEN else ()
        for name in ("name_en", "name_zh"):
            if len(found.get(name) or "") > LONGEST_NAME:
                self.add_error(name, _("Use at most 60 characters."))
        return found

    def data_of(self) -> DayData:
        """Return what the verb takes."""
        given = self.cleaned_data
        return DayData(
            on=given["on"],
            kind=given["kind"],
            spans=given["spans"],
            name_en=given["name_en"],
            name_zh=given["name_zh"],
            last=given["last"],
        )


class WeekForm(_HoursForm):
    """Name, zone and the hours of the seven weekdays; one empty pair more than are used."""

    title_en = CleanText(label=gettext_lazy("Name in English"), max_length=_TITLE)
    title_zh = CleanText(label=gettext_lazy("Name in Chinese"), max_length=_TITLE)
    zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=gettext_lazy("The hours are read on this clock: Asia/Shanghai, Europe/London."),
    )

    def __init__(self, *args: Any, week: Mapping[int, Sequence[Span]], **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("title_en", "title_zh", "zone"):
            self.fields[name].widget.attrs["class"] = "form-control"
        most = max((len(spans) for spans in week.values()), default=0)
        pairs = min(max(2, most + 1), MOST_SPANS)
        for weekday in WEEK:
            name = str(WEEKDAYS[weekday])
            self.add_hours(str(weekday), pairs, week.get(weekday, ()), name)

    @property
    def names(self) -> list[forms.BoundField]:
        """The fields of the name in both languages."""
        return [self["title_en"], self["title_zh"]]

    @property
    def rows(self) -> list[tuple[str, list[tuple[forms.BoundField, forms.BoundField]]]]:
        """The weekdays with their fields."""
        return [(str(WEEKDAYS[weekday]), self.pairs(str(weekday))) for weekday in WEEK]

    def clean_zone(self) -> str:
        """Return a zone that exists."""
        zone = str(self.cleaned_data["zone"]).strip()
        if zone not in zones():
            raise ValidationError(
                _("There is no time zone “%(zone)s”. Choose one of the list."),
                params={"zone": zone},
            )
        return zone

    def clean(self) -> dict[str, Any]:
        """Read the hours of the week."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        week = {weekday: self.hours(str(weekday)) for weekday in WEEK}
        found["week"] = {weekday: spans for weekday, spans in week.items() if spans}
        return found

    def week(self) -> Week:
        """Return the hours by weekday; a day without any is off."""
        return dict(self.cleaned_data["week"])


class NewCalendarForm(forms.Form):
    """A calendar of its own for a team; its hours are edited on the next page."""

    title_en = CleanText(label=gettext_lazy("Name in English"), max_length=_TITLE)
    title_zh = CleanText(label=gettext_lazy("Name in Chinese"), max_length=_TITLE)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=20,
        help_text=gettext_lazy("Small letters, digits and dashes, such as card-centre. It stays."),
    )
    always_open = forms.BooleanField(
        label=gettext_lazy("Open day and night, every day (7 x 24)"),
        required=False,
        help_text=gettext_lazy("Otherwise it begins with the hours and official days of the bank."),
    )

    def clean_key(self) -> str:
        """Return the key in small letters."""
        return str(self.cleaned_data["key"]).strip().lower()


class NoticeForm(forms.Form):
    """The yearly notice as a file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or Excel with the columns date, kind, name_zh, name_en (or 日期, 类型, 名称)."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx,.xls", "class": "form-control"}),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("The file is empty. Choose the file that holds the table."),
        },
    )


class TakeForm(VersionedForm):
    """The days of a notice that was looked at, to be taken into the draft."""

    number = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)
    days = CleanText(max_length=300_000, strip=False, widget=forms.HiddenInput)
    name = CleanText(max_length=100, required=False, widget=forms.HiddenInput)
