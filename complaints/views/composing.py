"""The composer under the timeline: calls, messages both ways, notes, files; chase and reveal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from complaints import case_page, letters, mentions, records, unsent
from complaints.choices import CallWay, NoticeMethod
from complaints.composer_forms import (
    CallForm,
    EmailForm,
    InboundForm,
    LetterForm,
    ProgressForm,
    SmsForm,
)
from complaints.conversation import writing
from complaints.forms import AttachForm, NoteForm
from complaints.models import Case, CustomerNotice
from complaints.reach import reaches
from complaints.views import replies
from config.kernel.files import FileRefused
from config.shared.forms import CleanText
from config.shared.htmx import changed, go, is_htmx, toast
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.http import StaffRequest


@dataclass(frozen=True, slots=True)
class Kind:
    """One tab of the composer."""

    key: str
    label: str | Promise
    act_words: str | Promise
    icon: str
    form: type[forms.Form]
    act: str
    save: Callable[..., CustomerNotice | None]
    open_only: bool = False


def _note(request: StaffRequest, case: Case, data: dict[str, Any]) -> None:
    records.add_note(
        _rows(request, case, "note"), data["text"], actor=request.actor, at=timezone.now()
    )


def _call(request: StaffRequest, case: Case, data: dict[str, Any]) -> None:
    call = records.Call(
        direction=data["direction"],
        result=data["result"],
        summary=data["text"],
        substance=data["substance"],
        seconds=data["lasted"],
        at=data["at"],
        way=data["way"] or CallWay.PHONE,
        recording=data["recording"],
        reply_by=data["reply_by"],
    )
    records.log_call(_rows(request, case, "note"), call, actor=request.actor, at=timezone.now())


def _message(method: str) -> Callable[..., CustomerNotice | None]:
    """Return what saves a message of this way."""

    def save(request: StaffRequest, case: Case, data: dict[str, Any]) -> CustomerNotice | None:
        what = writing.Message(
            method, data["text"], data["substance"], data["sure"], data["reply_by"],
            subject=data.get("subject", ""),
        )  # fmt: skip
        rows = _rows(request, case, "message")
        made = writing.write(rows, what, actor=request.actor, at=timezone.now())
        return made[0] if made else None

    return save


def _inbound(request: StaffRequest, case: Case, data: dict[str, Any]) -> None:
    writing.receive(
        _rows(request, case, "note"),
        data["text"],
        method=data["method"],
        actor=request.actor,
        at=timezone.now(),
        written_at=data["at"],
    )


def _progress(request: StaffRequest, case: Case, data: dict[str, Any]) -> CustomerNotice | None:
    made = records.tell_progress(
        _rows(request, case, "edit"),
        data["text"],
        method=data["method"],
        actor=request.actor,
        at=timezone.now(),
        sure=data["sure"],
    )
    return made[0] if made else None


def _attach(request: StaffRequest, case: Case, data: dict[str, Any]) -> None:
    rows = _rows(request, case, "attach")
    records.attach(rows, data["file"], actor=request.actor, at=timezone.now())


def _rows(request: StaffRequest, case: Case, act: str) -> Any:
    return Case.objects.visible_to(request.scope, act).filter(pk=case.pk)


KINDS = (
    Kind(
        "call", gettext_lazy("Log call"), gettext_lazy("Save call"), "phone",
        CallForm, "note", _call,
    ),
    Kind(
        "sms", gettext_lazy("SMS"), gettext_lazy("Send SMS"), "message",
        SmsForm, "message", _message(NoticeMethod.SMS),
    ),
    Kind(
        "email", gettext_lazy("E-mail"), gettext_lazy("Send e-mail"), "mail",
        EmailForm, "message", _message(NoticeMethod.EMAIL),
    ),
    Kind(
        "letter", pgettext_lazy("by post", "Letter"), gettext_lazy("Save letter"), "mail-forward",
        LetterForm, "message", _message(NoticeMethod.LETTER),
    ),
    Kind(
        "inbound", gettext_lazy("Customer wrote"), gettext_lazy("Save message"), "message-dots",
        InboundForm, "note", _inbound,
    ),
    Kind(
        "note", gettext_lazy("Internal note"), gettext_lazy("Save note"), "lock",
        NoteForm, "note", _note,
    ),
    Kind(
        "progress", gettext_lazy("Progress"), gettext_lazy("Send notice"), "progress",
        ProgressForm, "edit", _progress, open_only=True,
    ),
    Kind(
        "attach", gettext_lazy("File"), gettext_lazy("Attach"), "paperclip",
        AttachForm, "attach", _attach,
    ),
)  # fmt: skip


def composers(
    case: Case, scope: Scope, *, current: str = "", form: forms.Form | None = None
) -> list[dict[str, Any]]:
    """Return the tabs this person may use on this case; `form` is the one that came back."""
    usable = [k for k in KINDS if reaches(case, scope, k.act) and (case.is_open or not k.open_only)]
    kept = unsent.of_case(case, person_id=scope.member)
    left = (kind.key for kind in usable if f"{unsent.WRITE}{kind.key}" in kept)
    shown = current or next(left, usable[0].key if usable else "")
    return [
        _drawn(
            kind,
            case,
            form
            if form is not None and kind.key == current
            else kind.form(auto_id=f"{kind.key}-%s"),
            kept.get(f"{unsent.WRITE}{kind.key}"),
            current=kind.key == shown,
        )
        for kind in usable
    ]


def _drawn(
    kind: Kind, case: Case, form: forms.Form, kept: unsent.Kept | None, *, current: bool
) -> dict[str, Any]:
    """Return one tab; seldom used fields stand folded, the others beside the button.

    `kept` are the words left unsent in it, which come back.
    """
    restored = unsent.restore(form, kept)
    if "subject" in form.fields:
        form.fields["subject"].widget.attrs["placeholder"] = letters.usual_subject(case)
    if isinstance(form, NoteForm) and form.written:
        note = mentions.typed(case, form.written, timezone.now())
        form.show(note.text, note.codes)
    more = getattr(form, "MORE", ())
    apart = {"subject", "text", "file", "sure", *more}
    return {
        "key": kind.key,
        "label": kind.label,
        "act": kind.act_words,
        "icon": kind.icon,
        "current": current,
        "url": reverse("case_write", args=[case.number, kind.key]),
        "form": form,
        "bar": [form[name] for name in form.fields if name not in apart],
        "folded": [form[name] for name in more],
        "unfolded": form.is_bound and any(form[name].data or form[name].errors for name in more),
        "missing": _missing(kind, case),
        "tools": replies.tools(case, kind.key),
        "restored": restored,
    }


def _missing(kind: Kind, case: Case) -> str:
    """Return why nothing can be sent this way, or ''."""
    if kind.key == "sms" and not letters.mobile_of(case):
        return _("The case holds no mobile number.")
    if kind.key == "email" and not case.contact_email:
        return _("The case holds no e-mail address.")
    return ""


@require_POST
def case_write(request: StaffRequest, number: str, kind: str) -> HttpResponse:
    """Save one entry of the composer; words that cannot be saved come back with the reason."""
    tab = next((k for k in KINDS if k.key == kind), None)
    if tab is None:
        raise Http404
    case = case_page.rows_for_page().fetch(request.scope, tab.act, number=number)
    form = tab.form(request.POST, request.FILES, auto_id=f"{tab.key}-%s")
    if form.is_valid():
        try:
            made = tab.save(request, case, form.cleaned_data)
        except writing.Doubtful as doubt:
            form.doubt(str(doubt))  # type: ignore[attr-defined]  # only such forms send
        except (WordedError, FileRefused) as error:
            form.add_error(None, str(error))
        else:
            unsent.drop(case, f"{unsent.WRITE}{kind}", person_id=request.actor.id)
            return _saved(request, case, tab, made)
    unsent.keep_refused(
        case, f"{unsent.WRITE}{kind}", request.POST, person_id=request.actor.id, at=timezone.now()
    )
    context = {"case": case, "composers": composers(case, request.scope, current=kind, form=form)}
    if is_htmx(request):
        return render(request, "complaints/_composer.html", context, status=422)
    return render(request, "complaints/composer_page.html", context, status=422)


def _saved(
    request: StaffRequest, case: Case, tab: Kind, made: CustomerNotice | None
) -> HttpResponse:
    """Answer with an empty composer and have timeline and side panel load themselves again.

    Where a message waits before it leaves, the toast can take it back.
    """
    text, undo = _("Saved."), ""
    if made is not None and made.leaves_at is not None:
        pattern = _("The message leaves in %(n)s seconds. You can recall it until then.")
        text = pattern % {"n": settings.MESSAGE_RECALL_SECONDS}
        undo = reverse("case_recall", args=[case.number, made.pk])
    if not is_htmx(request):
        messages.success(request, text)
        return go(request, case.get_absolute_url())
    context = {"case": case, "composers": composers(case, request.scope, current=tab.key)}
    answer = render(request, "complaints/_composer.html", context)
    return changed(toast(answer, text, undo=undo), "case-changed")


class ReasonForm(forms.Form):
    """One text that must be given."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=2000)


@require_http_methods(["GET", "POST"])
def case_chase(request: StaffRequest, number: str) -> HttpResponse:
    """Remind the handler and the supervisor that the customer or a colleague is waiting."""
    case = case_page.rows_for_page().fetch(request.scope, "chase", number=number)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        rows = _rows(request, case, "chase")
        try:
            records.chase(rows, form.cleaned_data["reason"], actor=request.actor, at=timezone.now())
        except WordedError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The handler and the supervisor were reminded."))
            return go(request, case.get_absolute_url())
    words = {
        "title": _("Chase"),
        "act": _("Remind them"),
        "lead": _("The handler and the supervisor get a notice; the owner does not change."),
    }
    return _reason_dialog(request, form, case, words)


def _reason_dialog(
    request: StaffRequest, form: ReasonForm, case: Case, words: dict[str, str]
) -> HttpResponse:
    """Ask for the reason: as dialog for htmx, as a page otherwise."""
    context = {"form": form, "back": case.get_absolute_url(), **words}
    page = "partials/_dialog_form.html" if is_htmx(request) else "generic/form.html"
    return render(request, page, context, status=422 if form.is_bound else 200)
