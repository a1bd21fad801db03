"""What a signed-in request knows: person, actor, scope; and the middleware that sets it."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from config.shared.actors import Actor
from config.shared.scope import Scope
from staff.accounts import actor_of
from staff.models import Account
from staff.roles import scope_of
from staff.sessions import SessionStore

_BEFORE_NEW_PASSWORD: Final = frozenset({"password", "logout", "set_language", "set_theme"})


class StaffRequest(HttpRequest):
    """A request of a signed-in member of staff (type for views)."""

    user: Account
    actor: Actor
    scope: Scope
    htmx: HtmxDetails
    session: SessionStore


def language_of(request: HttpRequest) -> str:
    """Return the language: account setting, then cookie, then Accept-Language."""
    for chosen in (
        getattr(request.user, "language", ""),
        request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
    ):
        if chosen in dict(settings.LANGUAGES):
            return str(chosen)
    return translation.get_language_from_request(request)


def safe_target(request: HttpRequest, fallback: str = "") -> str:
    """Return `next` when it is a page of this portal, else `fallback`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # `redirect("abc")` would look for a page named abc: only paths count
    good = allowed and wanted.startswith("/")
    return wanted if good else resolve_url(fallback or settings.LOGIN_REDIRECT_URL)


class StaffMiddleware:
    """Sets `actor` and `scope` for signed-in people and activates their language.

    Costs four queries: session, account with person and department, grants, units below.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Attach who asks and answer in their language."""
        with translation.override(language_of(request)):
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
            account = request.user
            if isinstance(account, Account):
                request.actor = actor_of(account)  # type: ignore[attr-defined]
                request.scope = scope_of(account, at=timezone.now())  # type: ignore[attr-defined]
                if "X-Background" not in request.headers:  # a page that refreshes itself
                    request.session.touch()  # type: ignore[attr-defined]
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
            if isinstance(account, Account):
                response.headers.setdefault("Cache-Control", "private, no-store")
            return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], *_: object
    ) -> HttpResponse | None:
        """Send people with a temporary password to the page where they choose their own."""
        account = request.user
        if not isinstance(account, Account) or not account.must_change_password:
            return None
        name = request.resolver_match.url_name if request.resolver_match else ""
        if name in _BEFORE_NEW_PASSWORD or not getattr(view, "login_required", True):
            return None
        return _go(request, resolve_url("password"))


class SignInRequired(LoginRequiredMiddleware):
    """Every page needs a sign-in unless its view is marked `login_not_required`."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        """Redirect to the sign-in page; a piece asked for by htmx makes the whole page go there."""
        if not request.headers.get("HX-Request"):
            return super().handle_no_permission(request, view_func)
        current = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = f"{current.path}?{current.query}" if current.query else current.path or "/"
        return _go(request, redirect_to_login(back, resolve_url(settings.LOGIN_URL)).url)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the browser, also when only a piece of the page was asked for."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return redirect(url)
