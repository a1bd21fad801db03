"""The quality form of a handled case."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from complaints import case_page, quality
from complaints.models import Case
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go
from staff.http import StaffRequest

_MARK: Final = "item_"


class QualityForm(forms.Form):
    """One line of three scores per item, and a remark."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        scores = [
            ("2", gettext_lazy("2 fully")),
            ("1", gettext_lazy("1 partly")),
            ("0", gettext_lazy("0 not")),
            ("-", gettext_lazy("does not apply")),
        ]
        for term in quality.items():
            self.fields[f"{_MARK}{term.code}"] = forms.ChoiceField(
                label=term.label, choices=scores, widget=forms.RadioSelect
            )
        self.fields["words"] = CleanText(
            label=_("Remark for the coaching talk"), rows=3, max_length=2000, required=False
        )

    def scores(self) -> dict[str, int | None]:
        """Return the scores by code of the item; None = does not apply."""
        given = {
            name.removeprefix(_MARK): value
            for name, value in self.cleaned_data.items()
            if name.startswith(_MARK)
        }
        return {code: None if value == "-" else int(value) for code, value in given.items()}


@require_http_methods(["GET", "POST"])
def case_quality(request: StaffRequest, number: str) -> HttpResponse:
    """Rate a handled case, or show the form; 409 when this person has rated it before."""
    case = case_page.rows_for_page().fetch(request.scope, quality.RATE, number=number)
    form = QualityForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        rows = Case.objects.visible_to(request.scope, quality.RATE).filter(pk=case.pk)
        words = form.cleaned_data["words"]
        try:
            quality.rate(rows, form.scores(), words, actor=request.actor, at=timezone.now())
        except quality.CheckRefused as error:
            form.add_error(None, str(error))
            status = 409 if error.code == "rated" else 422
        else:
            messages.success(request, _("The quality check is kept."))
            return go(request, case.get_absolute_url())
    context = {
        "form": form,
        "title": _("Quality of %(number)s") % {"number": case.number},
        "act": _("Keep the check"),
        "lead": _("Two points for what was done fully; what does not apply counts nowhere."),
        "back": case.get_absolute_url(),
    }
    return form_answer(request, context, status=status)
