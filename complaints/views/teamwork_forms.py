"""The dialogs of tasks, steps and task force."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import TaskKind
from complaints.forms import MomentField
from complaints.models import Case, CaseTask
from complaints.teamwork import access
from complaints.teamwork.asking import Asking
from config.shared.forms import CleanText, VersionedForm
from config.shared.listing_pages import BIGGEST
from config.shared.worktime import Limit, Unit
from staff.models import Department, Person

LONG = 4_000


class Several(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several rows by pk; a number no database holds is an unknown one."""

    def clean(self, value: Any) -> Any:
        """Return the rows."""
        odd = [one for one in value or () if len(str(one)) >= len(str(BIGGEST))]
        if odd:
            text = self.error_messages["invalid_choice"]
            raise ValidationError(text, code="invalid_choice", params={"value": odd[0]})
        return super().clean(value)


class People(Several):
    """Several people, each with unit and number: names repeat."""

    def label_from_instance(self, obj: Any) -> str:
        """Return name, unit and staff number."""
        return _label(obj)


class OnePerson(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One person with unit and number."""

    def label_from_instance(self, obj: Any) -> str:
        """Return name, unit and staff number."""
        return _label(obj)


class AskForm(forms.Form):
    """Whom to ask what, and by when."""

    departments = Several(
        Department.objects.none(),
        label=gettext_lazy("Departments"),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 7}),
        help_text=gettext_lazy("Hold Ctrl to choose several. Each gets a task of its own."),
    )
    person = OnePerson(Person.objects.none(), label=gettext_lazy("Or one person"), required=False)
    question = CleanText(label=gettext_lazy("What is asked"), rows=4, max_length=LONG)
    amount = forms.IntegerField(
        label=gettext_lazy("Answer within"), min_value=1, max_value=999, initial=2, required=False
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Counted in"),
        choices=(
            ("days", gettext_lazy("working days")),
            ("hours", gettext_lazy("working hours")),
        ),
        help_text=gettext_lazy("On the calendar of the department asked."),
    )
    due_at = MomentField(
        label=gettext_lazy("Or by this moment"),
        required=False,
        help_text=gettext_lazy("Bank time; counts instead of the limit."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    mandatory = forms.BooleanField(
        label=gettext_lazy("The case cannot be decided before the answer"),
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        """Offer the departments beside the lead and the people who may be asked about `case`."""
        super().__init__(*args, **options)
        offered: Any = self.fields["departments"]
        units = Department.objects.active().exclude(pk=case.department_id)
        offered.queryset = units.order_by("code")
        person: Any = self.fields["person"]
        person.queryset = askable(case, "answer_task").exclude(pk=case.handler_id or 0)
        person.empty_label = _("Nobody in particular")
        kind: Any = self.fields["kind"]
        kinds = (TaskKind.CO_HANDLING, TaskKind.CARE, TaskKind.OTHER)
        kind.choices = [(one.value, one.label) for one in kinds]

    @property
    def asking(self) -> Asking:
        """What was filled in; only of a valid form."""
        given = self.cleaned_data
        days = given["unit"] == "days"
        amount = given["amount"] or 2
        limit = Limit(amount, Unit.WORKING_DAYS) if days else _hours(amount)
        due: datetime | None = given["due_at"]
        return Asking(
            question=given["question"],
            departments=tuple(unit.pk for unit in given["departments"]),
            person_id=given["person"].pk if given["person"] else None,
            kind=given["kind"],
            mandatory=given["mandatory"],
            limit=limit,
            due_at=due,
        )


class TaskForm(VersionedForm):
    """A form about one task; it carries the version its reader saw."""

    def __init__(self, *args: Any, task: CaseTask, **options: Any) -> None:
        """Keep the task for the fields that depend on it."""
        super().__init__(*args, row_version=task.version, **options)
        self.task = task


class AcceptForm(TaskForm):
    """Who sees to the task."""

    person = OnePerson(Person.objects.none(), label=gettext_lazy("Who sees to it"))

    def __init__(self, *args: Any, task: CaseTask, **options: Any) -> None:
        """Offer the people of the department that was asked, and who was asked by name."""
        super().__init__(*args, task=task, **options)
        field: Any = self.fields["person"]
        people = askable(task.case, "answer_task")
        unit = people.filter(department__path__startswith=task.department.path)
        field.queryset = unit | people.filter(pk=task.person_id or 0)


class ReasonForm(TaskForm):
    """Why a task is refused or called back."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=LONG)


class AnswerForm(TaskForm):
    """The answer, with a file where there is one."""

    words = CleanText(label=gettext_lazy("Answer"), rows=6, max_length=LONG)
    file = forms.FileField(label=gettext_lazy("File"), required=False)


class LeaveOutForm(forms.Form):
    """Why a step is left out."""

    reason = CleanText(
        label=gettext_lazy("Reason"),
        rows=3,
        max_length=LONG,
        required=False,
        help_text=gettext_lazy("A mandatory step is left out only with a reason."),
    )


class ForceForm(forms.Form):
    """Who joins the task force, and why."""

    people = People(
        Person.objects.none(),
        label=gettext_lazy("Who joins"),
        widget=forms.SelectMultiple(attrs={"size": 9}),
        help_text=gettext_lazy(
            "They read this case and note in it, nothing else. Hold Ctrl to choose several."
        ),
    )
    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=LONG)

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        """Offer those who may join and are not in it yet."""
        super().__init__(*args, **options)
        field: Any = self.fields["people"]
        members = case.grants.filter(why="task_force").values("person")
        field.queryset = askable(case).exclude(pk__in=members)


class ForceLeaveForm(forms.Form):
    """Why somebody leaves the task force."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=LONG)


def askable(case: Case, act: str = "view") -> QuerySet[Person]:
    """Return who may be asked about a case: does `act` on cases, does not stay out of this one."""
    people = Person.objects.active().filter(
        account__is_active=True, account__grants__role__in=access.holders(act)
    )
    people = people.exclude(pk__in=case.exclusions.values("person")).distinct()
    return people.select_related("department").order_by("department__code", "staff_no")


def _hours(amount: int) -> Limit:
    return Limit(amount * 60, Unit.WORKING_MINUTES)


def _label(person: Any) -> str:
    return f"{person.label} · {person.department.label} · {person.staff_no}"
