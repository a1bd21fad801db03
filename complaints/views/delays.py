"""The dialog in which somebody says why a clock ran out."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from complaints import case_page, delays
from complaints.models import Case, CaseClock
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go
from config.shared.words import moment_words
from staff.http import StaffRequest


class DelayForm(forms.Form):
    """A reason of the list, and what happened."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"))
    words = CleanText(label=pgettext_lazy("delay", "What happened"), rows=3, max_length=2000)

    def __init__(self, *args: Any, at: datetime, **options: Any) -> None:
        """`at` decides which entries of the list are in use."""
        super().__init__(*args, **options)
        chosen: Any = self.fields["reason"]
        chosen.choices = [("", _("Choose")), *delays.choices(at)]


@require_http_methods(["GET", "POST"])
def case_delay(request: StaffRequest, number: str, clock: int) -> HttpResponse:
    """Ask why a clock of the case ran out, or keep the answer; 409 when somebody was faster."""
    case = case_page.rows_for_page().fetch(request.scope, delays.ACT, number=number)
    row = CaseClock.objects.fetch(request.scope, delays.ACT, case=case, pk=clock)
    at, status = timezone.now(), 200
    form = DelayForm(request.POST if request.method == "POST" else None, at=at)
    if not form.is_bound and not delays.unexplained(row, at):
        messages.info(request, _("Nothing is left to explain about this clock."))
        return go(request, case.get_absolute_url())
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                _give(request, case, row, form.cleaned_data, at)
            except delays.DelayRefused as error:
                form.add_error(None, str(error))
                status = 409 if error.code == "given" else 422
            else:
                messages.success(request, _("The reason is in the record."))
                return go(request, case.get_absolute_url())
    told = {"clock": row.get_name_display(), "due": moment_words(row.due_at)}
    context = {
        "form": form,
        "title": _("Reason for the delay"),
        "act": _("Save the reason"),
        "lead": _("%(clock)s was due %(due)s.") % told,
        "back": case.get_absolute_url(),
    }
    return form_answer(request, context, status=status)


def _give(
    request: StaffRequest, case: Case, clock: CaseClock, data: dict[str, str], at: datetime
) -> None:
    rows = Case.objects.visible_to(request.scope, delays.ACT).filter(pk=case.pk)
    delays.give_reason(rows, clock.pk, data["reason"], data["words"], actor=request.actor, at=at)
