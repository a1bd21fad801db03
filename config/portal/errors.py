"""Error pages in words: what happened, who may, what to do. htmx gets the same words as a toast."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from config.shared.htmx import is_htmx, toast

Words = str | Promise
_ICONS: Final = {400: "question-mark", 403: "lock", 404: "search-off", 409: "users"}


def _answer(
    request: HttpRequest, status: int, text: Words, context: Mapping[str, object] | None = None
) -> HttpResponse:
    """Render `<status>.html`, or for htmx nothing but a toast that leaves the page as it is."""
    if is_htmx(request):
        response = HttpResponse(status=status, headers={"HX-Reswap": "none"})
        return toast(response, text, tone="bad")
    shown = {"text": text, "icon": _ICONS[status], **(context or {})}
    return render(request, f"{status}.html", shown, status=status)


def _words_of(exception: Exception | None) -> str:
    """Return the sentence an exception carries; nothing when it carries none for people."""
    text = exception.args[0] if exception is not None and exception.args else ""
    return str(text) if isinstance(text, str | Promise) else ""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that cannot be understood (400); reasons of the framework stay inside.

    Without `requires_csrf_token`, which reads the form once more: it may be what is unreadable.
    """
    inner = isinstance(exception, SuspiciousOperation)
    said = "" if inner else _words_of(exception)
    return _answer(request, 400, said or _("The browser sent something the portal cannot read."))


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what somebody may not do (403): in words, with the roles they hold and whom to ask.

    A view may raise PermissionDenied with a sentence; an attribute `hint` says what to do.
    """
    text = _words_of(exception) or _("Your role does not include this.")
    return _answer(request, 403, text, {"hint": getattr(exception, "hint", "")})


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere, or to something this reader may not know of (404)."""
    return _answer(request, 404, _("There is nothing at this address, or it is not yours to see."))


def conflict(
    request: HttpRequest, why: Words, *, kept: Mapping[Words, str] | None = None, back: str = ""
) -> HttpResponse:
    """Answer an act that came too late (409): who did what meanwhile, and the words typed here.

    `kept` maps labels to typed texts; `back` is the address of the row as it is now. Forms that
    can be sent again use VersionedForm instead.
    """
    return _answer(request, 409, why, {"kept": kept or {}, "back": back})


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old (403)."""
    text = _("This page was open too long, or you signed in again meanwhile. Load it again.")
    if is_htmx(request):
        return toast(HttpResponse(status=403, headers={"HX-Reswap": "none"}), text, tone="bad")
    return render(request, "403_csrf.html", {"text": text, "icon": "refresh-alert"}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours (500) without touching the database or the request's session."""
    text = _("Something went wrong on our side. Nothing you sent was half done.")
    if is_htmx(request):
        return toast(HttpResponse(status=500, headers={"HX-Reswap": "none"}), text, tone="bad")
    return HttpResponse(render_to_string("500.html", {"text": text}), status=500)
