"""The own account: settings, signed-in browsers, password."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from config.kernel import journal
from staff import accounts, passwords
from staff.forms import PasswordForm, SettingsForm
from staff.http import StaffRequest
from staff.sessions import end_sessions, handle_of, sessions_of
from staff.views.signing_in import THEME_COOKIE, keep_theme

# The first sign found in a User-Agent decides; the order matters.
_BROWSERS = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@require_http_methods(["GET", "POST"])
def account(request: StaffRequest) -> HttpResponse:
    """Show the own settings and signed-in browsers; POST saves the settings."""
    form = SettingsForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your settings are saved."))
        answer = redirect("account")
        if request.user.theme:
            keep_theme(answer, request.user.theme)
        else:
            answer.delete_cookie(THEME_COOKIE)
        return answer
    context = {
        "form": form,
        "sessions": _sessions(request),
        "roles": [grant.get_role_display() for grant in request.user.grants.all()],
    }
    return render(request, "staff/account.html", context)


@require_POST
def end_session(request: StaffRequest, handle: str) -> HttpResponse:
    """End one of one's own sessions on another browser."""
    for row in sessions_of(request.user.pk):
        if handle_of(row.session_key) == handle:
            row.delete()
            _note_end(request, count=1)
            messages.success(request, _("That browser is signed out."))
            return redirect("account")
    raise Http404


@require_POST
def end_other_sessions(request: StaffRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    count = end_sessions([request.user.pk], but=request.session.session_key)
    _note_end(request, count=count)
    messages.success(request, _("All other browsers are signed out."))
    return redirect("account")


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: StaffRequest) -> HttpResponse:
    """Change the password; needs the current one, wrong ones count like wrong sign-ins."""
    form = PasswordForm(request.user, request.POST or None)
    wait = None
    if form.is_valid():
        at = timezone.now()
        current = form.cleaned_data["current"]
        tried = accounts.try_password(request, request.user.username, current, at=at)
        if tried.account:
            passwords.change_password(request, request.user, form.cleaned_data["new"], at=at)
            messages.success(request, _("Your password is changed. Other browsers are signed out."))
            return redirect("account")
        wait = tried.wait
        form.add_error("current", _wrong(tried))
    context = {"form": form, "forced": request.user.must_change_password}
    return render(request, "staff/password.html", context, status=429 if wait is not None else 200)


def _wrong(tried: accounts.Tried) -> str:
    if tried.wait is None:
        return _("This is not your current password.")
    text = _("Too many wrong tries. Try again later (minutes: %(minutes)s).")
    return text % {"minutes": tried.wait_minutes}


def _sessions(request: StaffRequest) -> list[dict[str, object]]:
    """Return the own sessions for the page, without their keys."""
    return [
        {
            "handle": handle_of(row.session_key),
            "current": row.session_key == request.session.session_key,
            "address": row.address,
            "browser": browser_name(row.browser),
            "started_at": row.started_at,
            "seen_at": row.seen_at,
        }
        for row in sessions_of(request.user.pk)
    ]


def browser_name(agent: str) -> str:
    """Return browser and system of a User-Agent header in two words, e.g. `Firefox · Windows`."""
    found = [
        next((name for sign, name in names.items() if sign in agent), "")
        for names in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(filter(None, found)) or _("Unknown browser")


def _note_end(request: StaffRequest, *, count: int) -> None:
    facts = {"account": request.user.pk, "count": count}
    journal.note(
        accounts.LEDGER, "access.sessions_ended", facts, actor=request.actor, at=timezone.now()
    )
