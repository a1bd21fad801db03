"""Forms of the time limits: a policy with its clocks, the warning ladder, the version's settings.

Every part of a form reads its own names of one post (`resolve-amount`, `s3-n`), so that the pages
work as one plain form; what a rule may be is for the drafting verbs to say.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import PAUSING, ClockEvent, ClockName, Severity
from complaints.clocks.policy_fields import MOMENTS as POINTS
from complaints.clocks.policy_fields import LimitData, StepData
from complaints.clocks.rules import MAX_PAUSE_DAYS
from complaints.models import LadderStep
from complaints.models.rules import LimitUnit
from config.portal import rules_words
from config.portal.rules_words import LimitLine
from config.shared.forms import CleanText, VersionedForm
from config.shared.worded import WordedError
from config.shared.words import labelled, listed
from customers.models.customer import Tier
from staff.models import Department

LARGEST: Final = 100_000
VULNERABLE: Final = "vulnerable"
UNITS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("hours", gettext_lazy("hours")),
    ("minutes", gettext_lazy("minutes")),
    ("working_hours", gettext_lazy("working hours")),
    ("working_minutes", gettext_lazy("working minutes")),
    ("working_days", gettext_lazy("working days")),
    ("calendar_days", gettext_lazy("calendar days")),
)
_STORED: Final[Mapping[str, tuple[str, int]]] = {
    "hours": (LimitUnit.ELAPSED_MINUTES, 60),
    "minutes": (LimitUnit.ELAPSED_MINUTES, 1),
    "working_hours": (LimitUnit.WORKING_MINUTES, 60),
    "working_minutes": (LimitUnit.WORKING_MINUTES, 1),
    "working_days": (LimitUnit.WORKING_DAYS, 1),
    "calendar_days": (LimitUnit.CALENDAR_DAYS, 1),
}
USUAL, NEVER, CHOSEN = "usual", "never", "chosen"
STANDS: Final[Sequence[tuple[str, str | Promise]]] = (
    (USUAL, gettext_lazy("as usual")),
    (NEVER, gettext_lazy("never")),
    (CHOSEN, gettext_lazy("in chosen states")),
)
MOMENTS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("percent", gettext_lazy("percent of the clock")),
    ("days_before", gettext_lazy("days before")),
    ("hours_before", gettext_lazy("hours before")),
    ("minutes_before", gettext_lazy("minutes before")),
    ("minutes_after", gettext_lazy("minutes after")),
    ("hours_after", gettext_lazy("hours after")),
    ("working_days_after", gettext_lazy("working days after")),
)
_ELAPSED: Final = frozenset({"hours", "minutes"})
_LIMIT_AS_IS: Final = (
    "starts_on", "stops_on", "risk_minutes", "risk_percent", "max_pause_days", "repeats",
    "tracked_only",
)  # fmt: skip
_STEP_AS_IS: Final = (
    "clocks", "policies", "audience", "channels", "min_severity", "at_once", "breach",
)  # fmt: skip
_DIGITS: Final = 4
_CODE: Final = r"[A-Z0-9][A-Z0-9-]{0,39}"


class Whole(forms.IntegerField):
    """A whole number typed in a plain field, at most LARGEST."""

    widget = forms.TextInput

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_value", LARGEST)
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Ask phones for digits."""
        return {"inputmode": "numeric", "autocomplete": "off"}


def _code(text: str) -> None:
    """Refuse a code that the drafting verbs would refuse; they say it after the fact."""
    if not re.fullmatch(_CODE, text):
        raise ValidationError(_("A code has capital letters, digits and hyphens only."))


def _in_row(field: forms.Field, row: str) -> None:
    """Dress a field that stands in a table without a label of its own."""
    attrs = field.widget.attrs
    attrs["aria-label"] = labelled(row, field.label)
    picks = isinstance(field.widget, forms.Select)
    attrs["class"] = "form-select" if picks else "form-control n"


def _several(label: Any, choices: Iterable[tuple[Any, Any]]) -> Any:
    return forms.MultipleChoiceField(
        label=label, choices=list(choices), required=False, widget=forms.CheckboxSelectMultiple
    )


def _one(label: Any, choices: Iterable[tuple[Any, Any]], *, empty: Any = None) -> Any:
    given = [("", empty)] if empty is not None else []
    return forms.ChoiceField(label=label, choices=[*given, *choices], required=empty is None)


class PolicyForm(VersionedForm):
    """Names of a policy and the cases it is for; an unticked group means any."""

    code = CleanText(
        label=gettext_lazy("Short code"),
        required=False,
        help_text=gettext_lazy("Capital letters, digits and hyphens. Empty = the next free one."),
    )
    name_en = CleanText(label=gettext_lazy("Name in English"), max_length=120)
    name_zh = CleanText(label=gettext_lazy("Name in Chinese"), max_length=120)
    origin = CleanText(label=gettext_lazy("Source"), required=False, max_length=60)
    overlay = forms.BooleanField(
        label=gettext_lazy("Added on top of the policy that matches; may only be tighter"),
        required=False,
    )

    def __init__(
        self, *args: Any, terms: Mapping[str, Sequence[tuple[str, str]]], **options: Any
    ) -> None:
        """`terms` are the choices of `feedback_type` and `intake_channel`."""
        super().__init__(*args, **options)
        self.fields["code"].validators.append(_code)
        tiers = [*Tier.choices, (VULNERABLE, _("vulnerable"))]
        self.fields["types"] = _several(_("Type"), terms["feedback_type"])
        self.fields["severities"] = _several(_("Severity"), Severity.choices)
        self.fields["tiers"] = _several(_("Customer"), tiers)
        self.fields["channels"] = _several(_("Channel"), terms["intake_channel"])

    def matches(self) -> list[Any]:
        """Return the groups of conditions, for the template."""
        return [self[name] for name in ("types", "severities", "tiers", "channels")]


class LimitForm(forms.Form):
    """One clock of a policy."""

    amount = Whole(label=gettext_lazy("Limit"), min_value=1)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=UNITS)
    risk_minutes = Whole(
        label=gettext_lazy("At risk when (minutes left)"), required=False, min_value=1
    )
    risk_percent = Whole(
        label=gettext_lazy("At risk when (percent left)"), required=False, max_value=99, min_value=1
    )
    stands = forms.ChoiceField(label=gettext_lazy("Stands still"), choices=STANDS)
    max_pause_days = Whole(
        label=gettext_lazy("Longest pause (working days)"),
        required=False,
        min_value=1,
        max_value=366,
    )
    repeats = forms.BooleanField(
        label=gettext_lazy("Starts anew after each notice"), required=False
    )
    tracked_only = forms.BooleanField(label=gettext_lazy("Never escalates"), required=False)
    extensions = CleanText(
        label=gettext_lazy("May be extended to (days)"), required=False, max_length=40
    )

    def __init__(
        self, *args: Any, clock: str, calendars: Iterable[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*args, **{**options, "prefix": clock})
        self.clock, self.name = clock, str(ClockName(clock).label)
        usual = _("as usual")
        self.fields["calendar"] = _one(_("Calendar"), calendars)
        self.fields["calendar"].required = False
        self.fields["starts_on"] = _one(_("Starts when"), ClockEvent.choices, empty=usual)
        self.fields["stops_on"] = _one(_("Stops when"), ClockEvent.choices, empty=usual)
        self.fields["stands_in"] = _several(
            _("States in which it stands still"), [(state.value, state.label) for state in PAUSING]
        )
        for name in ("amount", "unit", "calendar", "risk_minutes", "stands"):
            _in_row(self.fields[name], self.name)
        self.was, self.was_state, self.told = "", "", ""

    def clean_extensions(self) -> list[int]:
        """Return the totals in days, rising."""
        parts = [p for p in re.split(r"[\s,，、;；]+", self.cleaned_data["extensions"]) if p]
        if not all(part.isascii() and part.isdigit() and len(part) <= _DIGITS for part in parts):
            raise ValidationError(_("Write days with commas between them, as in 30, 60."))
        return [int(p) for p in parts]

    def clean(self) -> dict[str, Any]:
        """Check that chosen states were chosen."""
        given = super().clean() or {}
        if given.get("stands") == CHOSEN and not given.get("stands_in"):
            text = _("Tick the states in which this clock stands still.")
            self.add_error("stands_in", text)
        return given

    @property
    def more_open(self) -> bool:
        """Tell whether what is folded away holds an error."""
        folded = {"starts_on", "stops_on", "stands_in", "risk_percent", "max_pause_days",
                  "repeats", "tracked_only", "extensions"}  # fmt: skip
        return bool(self.is_bound and folded & set(self.errors))

    def compare(self, now: LimitLine | None, was: LimitLine | None) -> None:
        """Note what is in force for this clock, beside what the draft says now."""
        self.told = now.notes if now else ""
        self.was = was.limit if was else ""
        self.was_state = "new" if was is None else "same" if was == now else "other"
        if now and was and was != now and was.limit == now.limit:
            self.was_state = "else"

    def limit(self) -> LimitData:
        """Return the clock as typed; the form is valid. Time that runs on needs no calendar."""
        given = self.cleaned_data
        unit, times = _STORED[given["unit"]]
        stands = {USUAL: None, NEVER: [], CHOSEN: given["stands_in"]}[given["stands"]]
        return LimitData(
            clock=self.clock,
            amount=given["amount"] * times,
            unit=unit,
            calendar="" if given["unit"] in _ELAPSED else given["calendar"],
            stands_in=stands,
            extensions=tuple(given["extensions"]),
            **{name: given[name] for name in _LIMIT_AS_IS},
        )


class StepForm(forms.Form):
    """One step of the warning ladder."""

    n = Whole(label=gettext_lazy("How much"), min_value=0)
    moment = forms.ChoiceField(label=gettext_lazy("When"), choices=MOMENTS)
    min_severity = forms.TypedChoiceField(
        label=gettext_lazy("From severity"), choices=Severity.choices, coerce=int
    )
    at_once = forms.BooleanField(
        label=gettext_lazy("At once, also outside the person's hours"), required=False
    )
    breach = forms.BooleanField(label=gettext_lazy("This step is the breach"), required=False)

    def __init__(
        self, *args: Any, place: str, policies: Iterable[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*args, **{**options, "prefix": f"s{place}"})
        self.place, self.who, self.about, self.how = place, "", "", ""
        for name in ("n", "moment", "min_severity"):
            _in_row(self.fields[name], _("Step"))
        self.fields["clocks"] = _several(_("Clocks"), ClockName.choices)
        self.fields["policies"] = _several(_("Policies"), policies)
        self.fields["audience"] = _several(_("Who is told"), rules_words.AUDIENCES.items())
        self.fields["audience"].required = True
        self.fields["channels"] = _several(_("Besides the inbox, by"), rules_words.CHANNELS.items())

    @property
    def opened(self) -> bool:
        """Tell whether what is folded away is to be seen: a new step, or an error there."""
        folded = {"clocks", "policies", "audience", "channels", "at_once", "breach"}
        return self.is_bound and bool(folded & set(self.errors) or not self.who)

    def tell(self, row: LadderStep) -> None:
        """Note in words what the step says as saved."""
        rung = rules_words.rung(row)
        clocks = [str(ClockName(name).label) for name in row.clocks if name in ClockName]
        self.who = rung.who
        self.about = listed([listed(clocks) or _("internal clocks"), *row.policies])
        self.how = rung.how or _("inbox")

    def step(self) -> StepData:
        """Return the step as typed; the form is valid."""
        given = self.cleaned_data
        name, n = given["moment"], given["n"]
        if name.startswith("hours_"):
            name, n = name.replace("hours", "minutes"), n * 60
        values: dict[str, Any] = {field: n if field == name else None for field in POINTS}
        return StepData(**values, **{field: given[field] for field in _STEP_AS_IS})


class SettingsForm(VersionedForm):
    """What holds for the whole version."""

    risk_minutes = Whole(
        label=gettext_lazy("At risk: working minutes left"),
        min_value=1,
        help_text=gettext_lazy("The shorter of the two counts, where a clock has no own line."),
    )
    risk_percent = Whole(
        label=gettext_lazy("At risk: percent of the clock left"), min_value=1, max_value=99
    )
    warn_minute = forms.TimeField(
        label=gettext_lazy("Warnings counted in days are sent at"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    max_pause_days = Whole(
        label=gettext_lazy("Longest pause (working days)"), min_value=1, max_value=366
    )
    complaint_office = forms.ChoiceField(
        label=gettext_lazy("Complaint office"),
        help_text=gettext_lazy("Its head hears of grave delay."),
    )
    handler_limit = Whole(
        label=gettext_lazy("Open cases one person should have at most"),
        required=False,
        min_value=1,
        max_value=999,
        help_text=gettext_lazy("The board proposes to even out what is above."),
    )
    hourly_intake = Whole(
        label=gettext_lazy("Cases that can be accepted in one hour"),
        required=False,
        min_value=1,
        max_value=9999,
        help_text=gettext_lazy("The board outlines the hours in which more come."),
    )

    def __init__(self, *args: Any, settings: Mapping[str, Any], **options: Any) -> None:
        minute = int(settings.get("warn_minute", 540))
        given = {
            "risk_minutes": settings.get("risk_minutes"),
            "risk_percent": settings.get("risk_percent"),
            "warn_minute": rules_words.clock_time(minute),
            "max_pause_days": settings.get("max_pause_days", MAX_PAUSE_DAYS),
            "complaint_office": settings.get("complaint_office"),
            "handler_limit": settings.get("handler_limit"),
            "hourly_intake": settings.get("hourly_intake"),
        }
        super().__init__(*args, initial=given, **options)
        units = sorted(Department.objects.filter(active=True), key=lambda unit: unit.code)
        field: Any = self.fields["complaint_office"]
        field.choices = [(unit.code, unit.label) for unit in units]

    def values(self) -> dict[str, Any]:
        """Return the settings as stored; the form is valid."""
        values = {name: self.cleaned_data[name] for name in self.fields if name != "version"}
        given = {name: value for name, value in values.items() if value is not None}
        at = given["warn_minute"]
        return {**given, "warn_minute": at.hour * 60 + at.minute}

    def refuse_fields(self, refused: WordedError) -> None:
        """Put each problem beside its field."""
        for name, words in getattr(refused, "problems", [("", str(refused))]):
            self.add_error(name if name in self.fields else None, words)


def shown_amount(amount: int, unit: str) -> tuple[int, str]:
    """Return a stored limit as it is typed: whole hours as hours."""
    hours = amount % 60 == 0 and amount >= 60
    match unit:
        case LimitUnit.ELAPSED_MINUTES:
            return (amount // 60, "hours") if hours else (amount, "minutes")
        case LimitUnit.WORKING_MINUTES:
            return (amount // 60, "working_hours") if hours else (amount, "working_minutes")
        case _:
            return amount, unit


def initial_limit(row: Any) -> dict[str, Any]:
    """Return the values with which the form of a stored clock begins."""
    amount, unit = shown_amount(row.amount, row.unit)
    stands = USUAL if row.stands_in is None else CHOSEN if row.stands_in else NEVER
    return {name: getattr(row, name) for name in _LIMIT_AS_IS} | {
        "calendar": row.calendar,
        "amount": amount,
        "unit": unit,
        "stands": stands,
        "stands_in": row.stands_in or [],
        "extensions": listed(row.extensions),
    }


def initial_step(row: Any) -> dict[str, Any]:
    """Return the values with which the form of a stored step begins."""
    moment: str = next((name for name in POINTS if getattr(row, name) is not None), "percent")
    n = getattr(row, moment) or 0
    if moment.startswith("minutes_") and n and n % 60 == 0:
        moment, n = moment.replace("minutes", "hours"), n // 60
    return {"moment": moment, "n": n, **{name: getattr(row, name) for name in _STEP_AS_IS}}
