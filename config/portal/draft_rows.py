"""Changing one row of a draft of rules: find the row, carry the change out, word a refusal.

Pages that edit the rows of a draft (duties, playbooks, templates, routing) share these; what can
be done with a draft as a whole is in `draft_acts`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Model
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from config.kernel.models import RuleSet
from config.portal import draft_acts
from config.portal.errors import conflict
from config.shared.forms import VersionedForm
from config.shared.listing_pages import BIGGEST
from config.shared.worded import WordedError
from staff.http import StaffRequest


def row_of(
    model: type[Model], draft: RuleSet, *, pk: int | None = None, code: str | None = None
) -> Any:
    """Return a row of this draft by pk or code, None without either (a new one); 404 for others."""
    if pk is None and code is None:
        return None
    key: dict[str, Any] = {"pk": min(pk, BIGGEST)} if pk is not None else {"code": code}
    found = model._default_manager.filter(rule_set=draft, **key).first()
    if found is None:
        raise Http404
    return found


def carried_out(
    request: StaffRequest,
    form: VersionedForm,
    draft: RuleSet,
    verb: Callable[..., object],
    names: Mapping[str, str] | None = None,
) -> bool:
    """Call `verb(actor=, at=, expected=)`; False when it was refused, with the words in the form.

    `names` gives the field of the form for a field the verb calls otherwise.
    """
    if not same_draft(form, draft):
        return False
    try:
        verb(actor=request.actor, at=timezone.now(), expected=form.cleaned_data["version"])
    except WordedError as refused:
        refuse(form, draft, refused, names)
        return False
    return True


def same_draft(form: VersionedForm, draft: RuleSet) -> bool:
    """Tell whether the form was made for this draft; if for one that is gone, it says so (409)."""
    if form.cleaned_data.get("number", draft.number) == draft.number:
        return True
    form.refuse(_("The draft you were changing is gone; this is another one."), draft.version)
    return False


def refuse(
    form: VersionedForm,
    draft: RuleSet,
    refused: WordedError,
    names: Mapping[str, str] | None = None,
) -> None:
    """Show a refusal in the form: 409 where the draft has moved on, else beside the field."""
    if refused.code in draft_acts.OVERTAKEN:
        now = RuleSet.objects.filter(pk=draft.pk).first() or draft
        form.refuse(draft_acts.overtaken(now), now.version)
        return
    field = getattr(refused, "field", "")
    field = (names or {}).get(field, field)
    form.add_error(field if field in form.fields else None, str(refused))


def gone(request: StaffRequest, page: str) -> HttpResponse:
    """Answer that there is no draft any more (409), with the way to the page of this name."""
    return conflict(request, _("There is no draft any more."), back=reverse(page))
