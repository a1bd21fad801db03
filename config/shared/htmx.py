"""Helpers for answers that htmx reads: toasts, closing a dialog, going elsewhere."""

import json
from collections.abc import Mapping
from typing import Literal

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django_htmx.http import HttpResponseClientRedirect

Tone = Literal["good", "bad", "plain"]


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether htmx asks and wants a fragment (a restored history entry wants the page)."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def trigger(response: HttpResponse, name: str, detail: object = None) -> HttpResponse:
    """Add one event to the HX-Trigger header; events already there stay."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[name] = detail
    # json.dumps escapes everything beyond ASCII, as a header must.
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def toast(
    response: HttpResponse,
    text: str | Promise,
    *,
    tone: Tone = "good",
    undo: str = "",
) -> HttpResponse:
    """Have the browser show `text`; `undo` is an address that a button posts to within 10 s."""
    return trigger(response, "toast", {"text": str(text), "tone": tone, "undo": undo})


def close_dialog(response: HttpResponse) -> HttpResponse:
    """Have the browser close the open dialog and put the focus back."""
    return trigger(response, "close-dialog")


def changed(response: HttpResponse, *names: str) -> HttpResponse:
    """Ask parts that listen (`hx-trigger="NAME from:body"`) to load themselves again."""
    for name in names:
        trigger(response, name)
    return response


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect after a post; htmx leaves the page instead of swapping the target into it."""
    return HttpResponseClientRedirect(url) if is_htmx(request) else HttpResponseRedirect(url)


def form_answer(
    request: HttpRequest, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """Show one form: in the dialog when htmx asks, else as a page of its own.

    `context` holds form, title, act (words of the button) and, where wanted, lead, action, back,
    danger. Give `form.status` as `status`, so that errors answer 422 and overtaken forms 409.
    """
    form = context.get("form")
    if isinstance(form, BaseForm) and is_htmx(request):
        form.auto_id = "dialog_%s"  # the page below may hold a form with fields of the same names
    name = "partials/_dialog_form.html" if is_htmx(request) else "generic/form.html"
    return render(request, name, dict(context), status=status)
