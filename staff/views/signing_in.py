"""Sign in, sign out, language and theme before and after."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from staff import accounts
from staff.forms import SignInForm
from staff.http import safe_target
from staff.models import Account

_YEAR = 365 * 24 * 3600
THEME_COOKIE = "theme"  # read by static/js/portal.js
THEMES = ("", "light", "dark")


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; 429 with the time to wait when too many were wrong."""
    target = safe_target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    if request.method == "GET":
        return _page(request, form, target)
    if not form.is_valid():
        return _page(request, form, target, problem=_("Enter your user name and your password."))
    at, given = timezone.now(), form.cleaned_data
    tried = accounts.try_password(request, given["username"], given["password"], at=at)
    if tried.account:
        ahead = accounts.pass_step(request, tried.account, "password", at=at)
        answer = redirect(ahead or target)
        keep_theme(answer, tried.account.theme)
        return answer
    status = 200 if tried.wait is None else 429
    return _page(request, form, target, problem=_problem(tried), status=status)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and go back to the sign-in page."""
    accounts.sign_out(request, at=timezone.now())
    return redirect("login")


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language, in the cookie and for a signed-in account; back to the same page."""
    back = _back(request)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        _keep(request, language=chosen)
        _set_cookie(back, settings.LANGUAGE_COOKIE_NAME, chosen, httponly=True)
    return back


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Change between light, dark and the computer's own; back to the same page."""
    back = _back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        _keep(request, theme=chosen)
        keep_theme(back, chosen)
    return back


def keep_theme(response: HttpResponse, theme: str) -> None:
    """Let this browser know the theme; without one it follows the computer or its own choice."""
    if theme:
        _set_cookie(response, THEME_COOKIE, theme, httponly=False)


def _problem(tried: accounts.Tried) -> str:
    """Tell what went wrong, the same for a wrong name and a wrong password."""
    if tried.wait is not None:
        return ngettext(
            "Too many wrong tries. Wait %(minutes)s minute, then try again.",
            "Too many wrong tries. Wait %(minutes)s minutes, then try again.",
            tried.wait_minutes,
        ) % {"minutes": tried.wait_minutes}
    minutes = int(float(settings.AXES_COOLOFF_TIME) * 60)
    return ngettext(
        "User name and password do not match. %(left)s try left, then %(minutes)s minutes' wait.",
        "User name and password do not match. %(left)s tries left, then %(minutes)s minutes' wait.",
        tried.left,
    ) % {"left": tried.left, "minutes": minutes}


def _page(
    request: HttpRequest, form: SignInForm, target: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "next": target,
        "problem": problem,
        "idle_minutes": settings.SESSION_IDLE_MINUTES,
        "is_demo": settings.PORTAL_MODE == "demo",
    }
    return render(request, "staff/login.html", context, status=status)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(safe_target(request))


def _keep(request: HttpRequest, **fields: str) -> None:
    """Store a setting of the signed-in account."""
    if isinstance(request.user, Account):
        Account.objects.filter(pk=request.user.pk).update(**fields)


def _set_cookie(response: HttpResponse, name: str, value: str, *, httponly: bool) -> None:
    response.set_cookie(
        name,
        value,
        max_age=_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=httponly,
        samesite="Lax",
    )
