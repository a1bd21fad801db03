"""The real addresses and a page with every component, for tests of the frame."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path

from complaints.choices import Status
from config.portal import errors
from config.shared import htmx
from config.shared.chips import ClockChip, PagerLinks
from config.shared.forms import CleanText, VersionedForm
from config.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PAGE = (Path(__file__).parent / "components.html").read_text(encoding="utf-8")


class NoteForm(VersionedForm):
    """One field of each kind."""

    words = CleanText(label="Words", max_length=20, rows=3, help_text="What happened.")
    phone = forms.CharField(label="Phone", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "First"), ("b", "Second")])
    how = forms.ChoiceField(
        label="How", choices=[("x", "By phone"), ("y", "By letter")], widget=forms.RadioSelect
    )
    agree = forms.BooleanField(label="I agree", help_text="Needed.")


def chips(at: datetime = AT) -> list[ClockChip]:
    """One chip of every state."""
    later = datetime(2027, 1, 1, tzinfo=UTC)
    return [
        ClockChip("ok", "Resolve", later, percent=35, seconds=100_800, counted_until=later),
        ClockChip("risk", "Resolve", later, seconds=6000, counted_until=later, url="/chip/"),
        ClockChip("over", "Resolve", at, seconds=3000, counted_until=later),
        ClockChip("paused", seconds=32_400),
        ClockChip("met", seconds=11_520),
        ClockChip("missed", seconds=7200, day_clock=True),
        ClockChip("paused", words="Starts when resolved"),
    ]


def components(request: HttpRequest) -> HttpResponse:
    """Every component on one page."""
    form = NoteForm(request.POST) if request.method == "POST" else NoteForm(row_version=3)
    status = form.status
    context: dict[str, Any] = {
        "chips": chips(),
        "statuses": Status.values,
        "form": form,
        "at": AT,
        "rows": ["1", "2", "3"],
        "pager": PagerLinks(previous="?before=1", next="?after=50", last="?last", words="51-100"),
    }
    page = engines["django"].from_string(PAGE)
    return HttpResponse(page.render(context, request), status=status)


def rail(request: HttpRequest) -> HttpResponse:
    """A page with the narrow sidebar."""
    text = (
        '{% extends "base.html" %}{% block title %}Rail{% endblock %}'
        "{% block app_class %}is-rail{% endblock %}"
        '{% block content %}<header class="topbar"><h1>Rail</h1></header>{% endblock %}'
    )
    return HttpResponse(engines["django"].from_string(text).render({}, request))


SCRIPTS = (Path(__file__).parent / "scripts.html").read_text(encoding="utf-8")


def scripts(request: HttpRequest) -> HttpResponse:
    """Combobox, draft and drop zone."""
    names = ["js/combobox.js", "js/draft.js", "js/dropzone.js"]
    return HttpResponse(engines["django"].from_string(SCRIPTS).render({"names": names}, request))


def hits(request: HttpRequest) -> HttpResponse:
    """Two customers whatever is asked."""
    return HttpResponse(
        "".join(
            f'<li role="option" id="hit-{n}" data-value="{n}" data-label="Zhou {n}">Zhou {n}</li>'
            for n in (1, 2)
        )
    )


DRAFTS: list[dict[str, str]] = []


def draft(request: HttpRequest) -> HttpResponse:
    """Keep what a draft sends."""
    DRAFTS.append(request.POST.dict())
    return HttpResponse(status=204)


def dialog(request: HttpRequest) -> HttpResponse:
    """A form in a dialog; `stale` in the words is overtaken, anything else succeeds."""
    form = NoteForm(request.POST or None, row_version=3)
    if form.is_bound and form.is_valid():
        if form.cleaned_data["words"] == "stale":
            form.refuse("Song Lu resolved this 1 minute ago.", current_version=8)
        elif form.cleaned_data["words"] == "stay":
            return htmx.toast(
                htmx.close_dialog(HttpResponse(status=204)), "Note saved", undo="/undo/"
            )
        else:
            messages.success(request, "Note kept")
            return redirect("components")
    context = {"form": form, "title": "Write a note", "act": "Save note", "back": "/components/"}
    return htmx.form_answer(request, context, status=form.status)


def refuse(request: HttpRequest, kind: str) -> HttpResponse:
    """Every way to fail."""
    if kind == "403":
        raise PermissionDenied("Only Card Services may accept this case.")
    if kind == "403-bare":
        raise PermissionDenied
    if kind == "400":
        raise BadRequest("The date is missing.")
    if kind == "409":
        return errors.conflict(
            request, "Song Lu closed this.", kept={"Note": "my <words>"}, back="/x/"
        )
    if kind == "message":
        messages.warning(request, "2 of 14 are closed")
        return HttpResponse("<p>piece</p>")
    raise RuntimeError("secret detail")


_pages: list[Any] = [
    path("components/", components, name="components"),
    path("dialog/", dialog, name="dialog"),
    path("scripts/", scripts, name="scripts"),
    path("hits/", hits, name="hits"),
    path("draft/", draft, name="draft"),
    path("rail/", rail, name="rail"),
    path("chip/", lambda request: HttpResponse("gone"), name="chip"),
    path("refuse/<str:kind>/", refuse, name="refuse"),
]
urlpatterns = [*_pages, *urlpatterns]
