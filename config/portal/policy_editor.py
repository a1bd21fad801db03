"""Editing the draft of the time limits: policies with their clocks, the ladder, the settings.

Saving works as plain forms; where htmx saves on change the answer holds only what the server
decides (draft bar, list, what is in force), so nothing moves under the hands of the writer.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from complaints.clocks import drafting
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.portal import draft_acts, draft_rows, policy_forecast, policy_parts, rules_words
from config.portal.errors import conflict
from config.portal.policy_board import board
from config.portal.policy_compare import rows_changed
from config.portal.policy_forms import SettingsForm
from config.portal.policy_pages import KIND
from config.portal.policy_parts import NEW, LadderEditor, PolicyEditor
from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.worded import WordedError
from staff.http import StaffRequest


@require_http_methods(["GET", "HEAD", "POST"])
def policies_draft(request: StaffRequest) -> HttpResponse:
    """Show the draft with one policy open for editing; a post saves that policy.

    `act` of a post is save, add (a clock) or drop:CLOCK; without it htmx saves on change.
    """
    draft = _draft(request)
    if isinstance(draft, HttpResponse):
        return draft
    if request.method == "POST":
        return _save_policy(request, draft)
    return _policy_page(request, draft)


@require_http_methods(["GET", "HEAD", "POST"])
def policies_draft_ladder(request: StaffRequest) -> HttpResponse:
    """Show the ladder of the draft as a picture and as a form; a post saves all of it.

    `act` of a post is save, add, drop:N, up:N or down:N.
    """
    draft = _draft(request)
    if isinstance(draft, HttpResponse):
        return draft
    if request.method != "POST":
        return _ladder_page(request, draft, LadderEditor.stored(draft))
    editor = LadderEditor.posted(draft, request.POST)
    if editor.is_valid() and _kept(
        draft, editor.head, lambda: _put_ladder(request, draft, editor), editor.refuse
    ):
        return redirect(f"{reverse('policies_draft_ladder')}{editor.anchor}")
    return _ladder_page(request, draft, editor, status=editor.status)


@require_http_methods(["GET", "HEAD", "POST"])
def policies_draft_settings(request: StaffRequest) -> HttpResponse:
    """Show the settings of the draft as a form; a post saves them."""
    draft = _draft(request)
    if isinstance(draft, HttpResponse):
        return draft
    data = request.POST if request.method == "POST" else None
    form = SettingsForm(data, settings=draft.settings, row_version=draft.version)
    if form.is_valid() and _kept(
        draft, form, lambda: _put_settings(request, draft, form), form.refuse_fields
    ):
        messages.success(request, _("The settings are saved in the draft."))
        return redirect("policies_draft_settings")
    context = _frame(request, draft, "settings", board(draft, "", timezone.now(), force=_force()))
    return render(request, "portal/policies.html", context | {"form": form}, status=form.status)


@require_POST
def policies_move(request: StaffRequest) -> HttpResponse:
    """Move the policy `code` one place up or down (`to`)."""
    draft = _draft(request)
    if isinstance(draft, HttpResponse):
        return draft
    code, to = request.POST.get("code", ""), request.POST.get("to", "")
    place = policy_parts.place_after(draft, code, to)
    head = policy_parts.bare(request.POST)
    if place is not None and head.is_valid():
        _kept(draft, head, lambda: _put_move(request, draft, code, place, head))
    shown = request.POST.get("shown") or code
    back = f"{reverse('policies_draft')}?{urlencode({'p': shown})}"
    if head.errors:
        return conflict(request, draft_acts.overtaken(draft), back=back)
    if is_htmx(request):
        return _pieces(request, draft, PolicyEditor.stored(draft, shown))
    return redirect(back)


@require_http_methods(["GET", "HEAD", "POST"])
def policies_drop(request: StaffRequest) -> HttpResponse:
    """Ask, then take the policy `p` out of the draft."""
    request.scope.demand("rules", "propose")
    draft = _draft(request)
    if isinstance(draft, HttpResponse):
        return draft
    row = policy_parts.row_of(draft, request.GET.get("p", ""))
    data = request.POST if request.method == "POST" else None
    form = VersionedForm(data, row_version=draft.version)
    back = reverse("policies_draft")
    if form.is_valid() and _kept(draft, form, lambda: _put_drop(request, draft, row.code, form)):
        text = _("%(name)s was taken out of the draft.") % {"name": rules_words.named(row)}
        messages.success(request, text)
        return go(request, back)
    context = {
        "form": form,
        "title": _("Remove %(name)s?") % {"name": rules_words.named(row)},
        "lead": _("Only the draft changes. Cases that follow this policy keep it to their end."),
        "act": _("Remove the policy"),
        "danger": True,
        "back": f"{back}?{urlencode({'p': row.code})}",
    }
    return form_answer(request, context, status=form.status)


def _save_policy(request: StaffRequest, draft: RuleSet) -> HttpResponse:
    """Save the posted policy, or show it with what is wrong; nothing typed is lost."""
    editor = PolicyEditor.posted(draft, request.POST)
    saved = editor.is_valid() and _kept(
        draft, editor.head, lambda: _put_policy(request, draft, editor), editor.refuse
    )
    by_itself = is_htmx(request) and "act" not in request.POST
    if saved and by_itself:
        return _pieces(request, draft, editor, saved=True)
    if saved and is_htmx(request):
        fresh = PolicyEditor.stored(draft, editor.code, focus=editor.anchor)
        return _policy_part(request, draft, fresh, saved=True)
    if saved:
        messages.success(request, _("Saved in the draft."))
        query = urlencode({"p": editor.code})
        return redirect(f"{reverse('policies_draft')}?{query}#{editor.anchor}")
    status = editor.status
    if by_itself and status != 409:
        return _pieces(request, draft, editor, status=status)
    if is_htmx(request):
        return _policy_part(request, draft, editor, status=status)
    return _policy_page(request, draft, editor, status=status)


def _policy_page(
    request: StaffRequest, draft: RuleSet, editor: PolicyEditor | None = None, *, status: int = 200
) -> HttpResponse:
    """Show the whole page of the draft."""
    code = editor.code if editor else request.GET.get("p", "")
    shown = board(draft, code, timezone.now(), force=_force())
    chosen = shown["chosen"]
    if editor is None:
        new = code == NEW or chosen is None
        editor = PolicyEditor.stored(draft, NEW if new else chosen.code)
    _mark(editor, shown)
    context = _frame(request, draft, "policies", shown) | {"editor": editor}
    context |= policy_forecast.draft_card(request, draft, editor.code)
    return render(request, "portal/policies.html", context, status=status)


def _policy_part(
    request: StaffRequest,
    draft: RuleSet,
    editor: PolicyEditor,
    *,
    status: int = 200,
    saved: bool = False,
) -> HttpResponse:
    """Answer htmx with the editor anew, and the pieces beside it."""
    answer = _pieces(request, draft, editor, status=status, saved=saved, whole=True)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#pol-c", "outerHTML"
    return answer


def _pieces(
    request: StaffRequest, draft: RuleSet, editor: PolicyEditor, *, status: int = 200, **more: bool
) -> HttpResponse:
    """Answer htmx with what changes beside the form: bar, list, version, what is in force."""
    shown = board(draft, editor.code, timezone.now(), force=_force())
    _mark(editor, shown)
    context = _frame(request, draft, "policies", shown) | {
        "editor": editor,
        "swapped": True,
        **more,
    }
    context |= policy_forecast.draft_card(request, draft, editor.code)
    return render(request, "portal/policies_pieces.html", context, status=status)


def _mark(editor: PolicyEditor, shown: dict[str, Any]) -> None:
    """Show what is in force beside the clocks of the policy; a new one has nothing in force."""
    known = shown["chosen"] is not None and shown["chosen"].code == editor.code
    editor.mark(shown["chosen"].limits if known else [], shown["was"] if known else {})


def _ladder_page(
    request: StaffRequest, draft: RuleSet, editor: LadderEditor, *, status: int = 200
) -> HttpResponse:
    shown = board(draft, "", timezone.now(), force=_force())
    context = _frame(request, draft, "ladder", shown) | {"ladder": editor}
    context["ladders"] = rules_words.ladders(shown["steps"])
    return render(request, "portal/policies.html", context, status=status)


def _frame(
    request: StaffRequest, draft: RuleSet, tab: str, shown: dict[str, Any]
) -> dict[str, Any]:
    """Return what every tab of the draft shows: the bar, the version and what it changes."""
    urls = {
        "publish": reverse("policies_publish"),
        "discard": reverse("policies_discard"),
        "row": f"{reverse('policies_draft')}?p=",
        "changes": _changes_url(draft),
    }
    bar = draft_acts.bar(request, draft, urls, changes=rows_changed(shown["changes"]))
    uncovered = [finding for finding in bar["findings"] if finding.code == "no_catch_all"]
    return (
        shown
        | bar
        | {
            "at": timezone.now(),
            "tab": tab,
            "rules": draft,
            "editing": request.scope.may("rules", "propose"),
            "uncovered": uncovered[0].words if uncovered else "",
            "unlinked": [f for f in bar["findings"] if f.row not in shown["rows"]],
        }
    )


def _changes_url(draft: RuleSet) -> str:
    """Return the page that says what the draft has otherwise than the version in force."""
    now = _force()
    query = urlencode({"a": now.number, "b": draft.number}) if now else ""
    return f"{reverse('policies_versions')}?{query}" if query else ""


def _draft(request: StaffRequest) -> RuleSet | HttpResponse:
    """Return the open draft; without one lead back, or say (409) what became of it."""
    writes = request.method == "POST"
    request.scope.demand("rules", "propose" if writes else "view")
    draft = rulesets.draft(KIND)
    if draft is not None:
        return draft
    if writes:
        return conflict(request, _("There is no draft any more."), back=reverse("policies"))
    return redirect("policies")


def _force() -> RuleSet | None:
    return rulesets.published(KIND, timezone.now())


def _kept(
    draft: RuleSet,
    form: VersionedForm,
    put: Callable[[], None],
    refuse: Callable[[WordedError], None] | None = None,
) -> bool:
    """Carry out a change of the draft; a refusal goes to the form."""
    try:
        put()
    except WordedError as refused:
        if refuse is not None and refused.code not in draft_acts.OVERTAKEN:
            refuse(refused)
        else:
            draft_rows.refuse(form, draft, refused)
        return False
    return True


def _act(request: StaffRequest, form: VersionedForm) -> dict[str, Any]:
    """Return who changes which version of the draft, and when."""
    expected = form.cleaned_data["version"]
    return {"actor": request.actor, "at": timezone.now(), "expected": expected}


def _put_policy(request: StaffRequest, draft: RuleSet, editor: PolicyEditor) -> None:
    code = None if editor.new else editor.code
    drafting.put_policy(draft, editor.data(), code=code, **_act(request, editor.head))
    if editor.new:
        editor.code = policy_parts.last_code(draft)


def _put_move(
    request: StaffRequest, draft: RuleSet, code: str, place: int, form: VersionedForm
) -> None:
    drafting.move_policy(draft, code, place, **_act(request, form))


def _put_drop(request: StaffRequest, draft: RuleSet, code: str, form: VersionedForm) -> None:
    drafting.drop_policy(draft, code, **_act(request, form))


def _put_ladder(request: StaffRequest, draft: RuleSet, editor: LadderEditor) -> None:
    drafting.put_ladder(draft, editor.data(), **_act(request, editor.head))


def _put_settings(request: StaffRequest, draft: RuleSet, form: SettingsForm) -> None:
    drafting.put_settings(draft, form.values(), **_act(request, form))
