"""Reply templates in the composer: offered, filled, previewed; macros; the result letter."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import case_page, letters, unsent
from complaints.choices import NoticeMethod, NoticePurpose
from complaints.conversation.writing import Doubtful
from complaints.hiding import hider
from complaints.models import Case, Macro
from complaints.reach import reaches
from complaints.replies import details, filling, jargon, macros, offering, result
from complaints.replies.forms import MacroForm
from complaints.replies.variables import Ground, fill_from, label_of
from complaints.workflow import MOVES, Outcome, Refusal, explain
from config.kernel import terms
from config.shared.htmx import go, is_htmx
from config.shared.worded import WordedError
from config.shared.words import labelled, sentences
from staff.http import StaffRequest

TABS: Final = {"sms": "message", "email": "message", "letter": "message", "progress": "edit"}
"""Tabs of the composer that take words for the customer -> the act they need."""
_LANGUAGES: Final = ("zh-hans", "en")
_LONGEST: Final = 20_000
_SMS: Final = {True: (160, 153), False: (70, 67)}
"""Characters of one SMS, and of each of several: in plain Latin letters, in any others."""


@require_GET
def case_replies(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the templates and macros that fit the case, the way and the words sought."""
    tab = _tab(request.GET.get("tab", ""))
    case = _case(request, number, TABS[tab])
    at = timezone.now()
    method = _method(tab, request.GET.get("method", ""))
    query = request.GET.get("find", "").replace("\x00", "")[:80]
    rows = offering.templates_for(case, at, method=method, query=query)
    context = {
        "case": case,
        "tab": tab,
        "rows": rows,
        "language": _language(request.GET.get("language", ""), case),
        "macros": [] if query else offering.macros_for(case, request.scope, at),
    }
    return render(request, "complaints/_reply_list.html", context)


@require_GET
def case_reply(request: StaffRequest, number: str, code: str) -> HttpResponse:
    """Answer with one template filled from the case: the words, and what is missing in them."""
    tab = _tab(request.GET.get("tab", ""))
    case = _case(request, number, TABS[tab])
    at = timezone.now()
    row = offering.template(at, code)
    if row is None:
        raise Http404
    language = _language(request.GET.get("language", ""), case)
    _rules, bank = details.in_force(at)
    ground = Ground(case, bank, language, at, request.user.person)
    side = "zh" if language.startswith("zh") else "en"
    subject, body = (
        fill_from(getattr(row, f"{name}_{side}"), ground) for name in ("subject", "body")
    )
    used = (subject, body) if tab == "email" else (body,)
    written = [getattr(row, f"{name}_{side}") for name in ("subject", "body")[-len(used) :]]
    context = {
        "case": case,
        "tab": tab,
        "row": row,
        "subject": subject.text if tab == "email" else "",
        "text": body.text,
        "missing": [label_of(name) for name in dict.fromkeys(n for f in used for n in f.missing)],
        "to_write": filling.unfilled(*written),
        "facts_url": reverse("case_facts", args=[case.number])
        if reaches(case, request.scope, "edit") and case.is_open
        else "",
    }
    return render(request, "complaints/_reply_filled.html", context)


@require_POST
def case_reply_preview(request: StaffRequest, number: str) -> HttpResponse:
    """Show what is typed as the customer will see it, what blocks it and what is worth a look."""
    tab = _tab(request.POST.get("tab", ""))
    case = _case(request, number, TABS[tab])
    method = _method(tab, request.POST.get("method", "")) or NoticeMethod.EMAIL
    typed = request.POST.get("text", "").replace("\x00", "")[:_LONGEST].strip()
    purpose = NoticePurpose.PROGRESS if tab == "progress" else NoticePurpose.MESSAGE
    line = request.POST.get("subject", "").replace("\x00", "")[:_LONGEST] if tab == "email" else ""
    order = letters.Order(case, purpose, 0, {"subject": line, "text": typed}, method)
    subject, text = letters.shown(order, method, timezone.now())
    one, more = _SMS[text.isascii()]
    parts = 1 if len(text) <= one else -(-len(text) // more)
    context = {
        "case": case,
        "method": NoticeMethod(method).label,
        "is_sms": method == NoticeMethod.SMS,
        "spoken": method in (NoticeMethod.PHONE, NoticeMethod.IN_PERSON),
        "language": case.language or "zh-hans",
        "subject": subject,
        "text": text,
        "parts": parts,
        "gaps": filling.unfilled(line, typed),
        "jargon": jargon.find([line, typed], jargon.words()),
        "empty": not typed,
    }
    return render(request, "complaints/_reply_preview.html", context)


@require_POST
def case_reply_words(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the words of a text that customers do not use: a hint, never a block."""
    _case(request, number, "note")
    typed = "\n".join(request.POST.getlist("text"))[:_LONGEST]
    context = {"jargon": jargon.find([typed], jargon.words()) if typed.strip() else []}
    return render(request, "complaints/_reply_words.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def case_macro(request: StaffRequest, number: str, code: str) -> HttpResponse:
    """Show what a macro will do to this case, or do all of it: 409 when overtaken."""
    case, at = case_page.rows_for_page().fetch(request.scope, number=number), timezone.now()
    macro = _macro(request, case, code)
    plan = macros.plan(macro, case, request.user.person, at)
    form = MacroForm(
        request.POST if request.method == "POST" else None,
        plan=plan,
        case=case,
        scope=request.scope,
    )
    name = f"{unsent.MACRO}{code}"
    back = unsent.restore(form, unsent.load(case, name, person_id=request.actor.id))
    if form.is_valid():
        try:
            outcome = macros.perform(
                Case.objects.visible_to(request.scope).filter(pk=case.pk),
                form.doing,
                actor=request.actor,
                at=at,
                expected={case.pk: form.cleaned_data["version"]},
            )
        except Doubtful as doubt:
            form.doubted = True
            form.add_error(None, str(doubt))
        except WordedError as error:
            form.add_error(None, str(error))
        else:
            if answer := _performed(request, form, outcome, case):
                unsent.drop(case, name, person_id=request.actor.id)
                return answer
    if form.is_bound:
        unsent.keep_refused(case, name, request.POST, person_id=request.actor.id, at=at)
    return _macro_dialog(request, form, case, back=back)


def _macro(request: StaffRequest, case: Case, code: str) -> Macro:
    """Return a macro this person may carry out on this case; 404 for one that is not there."""
    at = timezone.now()
    offered = offering.macros_for(case, request.scope, at)
    found = next((macro for macro in offered if macro.code == code), None)
    if found is not None:
        return found
    if offering.has_macro(at, code):
        raise PermissionDenied(_("This macro holds something you may not do on this case now."))
    raise Http404


def _performed(
    request: StaffRequest, form: MacroForm, outcome: Outcome | None, case: Case
) -> HttpResponse | None:
    """Return the answer to a finished macro; None = show the dialog again with the reason."""
    if outcome is None:
        raise Http404  # routed elsewhere between our look and the lock
    if outcome.done or outcome.asked:
        told = _("“%(name)s” is done.") % {"name": form.plan.macro.label}
        messages.success(request, sentences([told, outcome.why]))
        visible = Case.objects.visible_to(request.scope).filter(pk=case.pk).exists()
        return go(request, case.get_absolute_url() if visible else reverse("cases"))
    if outcome.refused in {Refusal.STALE, Refusal.MOVE}:
        form.refuse(explain(outcome), outcome.case.version)
    else:
        form.add_error(None, outcome.why)
    return None


def _macro_dialog(
    request: StaffRequest, form: MacroForm, case: Case, *, back: bool
) -> HttpResponse:
    """Show what will happen: as dialog for htmx, as a page otherwise."""
    macro = form.plan.macro
    move = MOVES.get(macro.verb)
    context = {
        "form": form,
        "case": case,
        "macro": macro,
        "title": macro.label,
        "act": _("Do all of it"),
        "back": case.get_absolute_url(),
        "way": NoticeMethod(macro.method).label if offering.sends(macro) else "",
        "sets": _sets(macro),
        "move": move,
        "asks": form.asks,
        **draft_marks(case, f"{unsent.MACRO}{macro.code}"),
        "draft_back": back,
    }
    page = "_reply_macro.html" if is_htmx(request) else "reply_macro.html"
    return render(request, f"complaints/{page}", context, status=form.status)


def _sets(macro: Macro) -> list[str]:
    """Return the facts a macro sets, in words."""
    names = MacroForm.SET
    return [
        labelled(names[name], terms.path(terms.get(name, code)))
        for name, code in macro.fields.items()
        if name in names
    ]


@require_GET
def case_letter(request: StaffRequest, number: str) -> HttpResponse:
    """Show the result letter as it stands: printable, in either language, with what is missing."""
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    if not reaches(case, request.scope, "identity"):
        raise PermissionDenied(_("The letter names the customer; your role does not."))
    language = _language(request.GET.get("language", ""), case)
    letter = result.compose(case, timezone.now(), language=language)
    if not reaches(case, request.scope, "notify"):  # who sends it reads what will leave
        letter = result.hidden(letter, hider(case, request.scope))
    may_edit = reaches(case, request.scope, "edit") and case.is_open
    with translation.override(language):
        office = str(case.department.label)
    context = {
        "case": case,
        "letter": letter,
        "office": office,
        "language": language,
        "html_language": "en" if language == "en" else "zh-Hans",
        "facts_url": reverse("case_facts", args=[case.number]) if may_edit else "",
        "notify_url": reverse("case_move", args=[case.number, "notify"])
        if not letter.gaps
        and case.status in MOVES["notify"].sources
        and reaches(case, request.scope, MOVES["notify"].act)
        else "",
    }
    return render(request, "complaints/result_letter.html", context)


def tools(case: Case, kind: str) -> dict[str, Any]:
    """Return what `_composer_tools.html` needs for one tab of the composer."""
    found: dict[str, Any] = draft_marks(case, f"{unsent.WRITE}{kind}")
    if kind in TABS:
        found["replies_url"] = reverse("case_replies", args=[case.number])
        found["preview_url"] = reverse("case_reply_preview", args=[case.number])
        found["words_url"] = reverse("case_reply_words", args=[case.number])
    return found


def draft_marks(case: Case, form: str) -> dict[str, str]:
    """Return the addresses that keep and drop the draft of a form (`_draft_mark.html`)."""
    args = [case.number, form]
    return {
        "draft_url": reverse("case_draft", args=args),
        "draft_drop_url": reverse("case_draft_drop", args=args),
    }


def _case(request: StaffRequest, number: str, act: str) -> Case:
    return case_page.rows_for_page().fetch(request.scope, act, number=number)


def _tab(name: str) -> str:
    if name not in TABS:
        raise Http404
    return name


def _method(tab: str, given: str) -> str:
    """Return the way the words will go: that of the tab, or the one chosen in it."""
    if tab != "progress":
        return tab
    return given if given in NoticeMethod.values else ""


def _language(given: str, case: Case) -> str:
    return given if given in _LANGUAGES else (case.language or "zh-hans")
