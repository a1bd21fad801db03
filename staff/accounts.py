"""Sign-in: who may, the steps, the limits on guessing, and what the record keeps of it.

Steps: `SIGN_IN_STEPS` lists what an account has to pass. Until all are done the session holds only
the account's pk and the steps behind it, never a password, and nobody is signed in.
Limits: AXES_FAILURE_LIMIT wrong passwords for one user name (known or not), ADDRESS_LIMIT for one
address, both within AXES_COOLOFF_TIME and counted in the database; a locked try never hashes.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from math import ceil
from typing import Any, Final

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse

from config.kernel import journal
from config.shared.actors import SYSTEM, Actor
from staff.models import Account

LEDGER: Final = "access"
_PENDING: Final = "sign_in"
_PENDING_FOR: Final = timedelta(minutes=5)
_BACKEND: Final = "staff.accounts.AccountBackend"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to pass on the way in: its page, and whether this account needs it."""

    key: str
    url_name: str
    needed: Callable[[Account], bool]


SIGN_IN_STEPS: Final[tuple[Step, ...]] = (Step("password", "login", lambda _account: True),)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try: the account, or how many tries are left, or how long to wait."""

    account: Account | None = None
    left: int = 0
    wait: timedelta | None = None

    @property
    def wait_minutes(self) -> int:
        """Whole minutes to wait, at least one."""
        return max(1, ceil((self.wait or timedelta()) / timedelta(minutes=1)))


class AccountBackend(BaseBackend):
    """Checks user name and password; an unknown name costs the same time as a wrong password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str = "",
        password: str = "",
        **_kwargs: Any,
    ) -> Account | None:
        """Return the active account, or None."""
        account = _usable().filter(username=normal_name(username)).first()
        if account is None:
            make_password(password)
            return None
        return account if account.check_password(password) else None

    def get_user(self, user_id: int) -> Account | None:
        """Return the account of a session, while it is active."""
        return _usable().filter(pk=user_id).first()


def _usable() -> QuerySet[Account]:
    """Accounts that may sign in: active, of people who work here; demo ones only in demo."""
    rows = Account.objects.select_related("person__department")
    rows = rows.filter(is_active=True, person__active=True)
    return rows.exclude(is_demo=True) if settings.PORTAL_MODE == "production" else rows


def normal_name(username: str) -> str:
    """Return the one spelling of a user name, so that `Officer` shares the limit of `officer`."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def client_address(request: HttpRequest) -> str | None:
    """Return the address of the visitor, None when the server knows none (a socket).

    X-Forwarded-For is read only behind a proxy of ours (BEHIND_PROXY), and only its last entry,
    the one that proxy wrote.
    """
    found = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        found = request.META.get("HTTP_X_FORWARDED_FOR", found).rsplit(",", 1)[-1]
    try:
        return str(ip_address(found.strip()))
    except ValueError:
        return None


def actor_of(account: Account) -> Actor:
    """Return the actor of a signed-in account."""
    person = account.person
    return Actor("person", person.pk, f"{person.name_en} {person.name_zh}")


def try_password(request: HttpRequest, username: str, password: str, *, at: datetime) -> Tried:
    """Check name and password within the limits and record a failure; signs nobody in.

    Leaves `request.axes_locked_out` set when the limit is reached.
    """
    name = normal_name(username)
    wait = _address_wait(client_address(request), at=at)
    if wait is not None:
        return Tried(wait=wait)
    account = authenticate(request, username=name, password=password)
    if isinstance(account, Account):
        return Tried(account=account)
    locked = bool(getattr(request, "axes_locked_out", False))
    failures = getattr(request, "axes_failures_since_start", None)
    if failures is not None:
        _note_failure(request, name, locked=locked, at=at)
    if locked:
        return Tried(wait=_name_wait(name, at=at))
    return Tried(left=max(0, settings.AXES_FAILURE_LIMIT - (failures or 0)))


def pass_step(request: HttpRequest, account: Account, key: str, *, at: datetime) -> str | None:
    """Note that `account` passed a step. Returns the next step's URL name, None when signed in."""
    pending: Mapping[str, Any] = request.session.get(_PENDING) or {}
    done = [*pending.get("done", []), key] if pending.get("account") == account.pk else [key]
    ahead = [s for s in SIGN_IN_STEPS if s.key not in done and s.needed(account)]
    if ahead:
        request.session.cycle_key()
        request.session[_PENDING] = {"account": account.pk, "done": done, "at": at.isoformat()}
        return ahead[0].url_name
    _sign_in(request, account, at=at)
    return None


def pending_account(request: HttpRequest, *, at: datetime) -> Account | None:
    """Return who has passed the first step on this browser within five minutes, for later steps."""
    pending = request.session.get(_PENDING)
    if not pending or at - datetime.fromisoformat(pending["at"]) > _PENDING_FOR:
        return None
    return _usable().filter(pk=pending["account"]).first()


def sign_out(request: HttpRequest, *, at: datetime) -> None:
    """End this session and record it."""
    if isinstance(request.user, Account):
        facts = {"account": request.user.pk}
        journal.note(LEDGER, "access.signed_out", facts, actor=actor_of(request.user), at=at)
    logout(request)


def locked_out(
    request: HttpRequest, response: HttpResponse, credentials: dict[str, str] | None = None
) -> HttpResponse:
    """Keep the page the sign-in view made (the hook of django-axes would replace it)."""
    return response


def sweep_attempts(at: datetime) -> int:
    """Forget failed tries that no longer count; returns how many rows went."""
    deleted: int = AccessAttempt.objects.filter(attempt_time__lt=at - _cool_off()).delete()[0]
    return deleted


def _sign_in(request: HttpRequest, account: Account, *, at: datetime) -> None:
    """Rotate the session, note where it began, record it."""
    request.session.pop(_PENDING, None)
    login(request, account, backend=_BACKEND)
    browser = str(request.META.get("HTTP_USER_AGENT", ""))
    request.session.began(address=client_address(request) or "", browser=browser, at=at)  # type: ignore[attr-defined]
    Account.objects.filter(pk=account.pk).update(last_login=at)
    facts = {"account": account.pk}
    words = {"address": client_address(request) or "", "browser": browser[:200]}
    journal.note(LEDGER, "access.signed_in", facts, words, actor=actor_of(account), at=at)


def _note_failure(request: HttpRequest, name: str, *, locked: bool, at: datetime) -> None:
    """Record a failed try; a name that is no account is not kept."""
    account = Account.objects.filter(username=name).values_list("pk", "person_id").first()
    facts = {"account": account and account[0], "person": account and account[1]}
    action = "access.locked_out" if locked else "access.sign_in_failed"
    words = {"address": client_address(request) or ""}
    journal.note(LEDGER, action, facts, words, actor=SYSTEM, at=at)


def _cool_off() -> timedelta:
    wait: timedelta = get_cool_off() or timedelta(minutes=15)
    return wait


def _name_wait(name: str, *, at: datetime) -> timedelta:
    """Return how long this name stays locked."""
    last = AccessAttempt.objects.filter(username=name).aggregate(Max("attempt_time"))
    return max(timedelta(), (last["attempt_time__max"] or at) + _cool_off() - at)


def _address_wait(address: str | None, *, at: datetime) -> timedelta | None:
    """Return how long this address must wait, None while it is below its limit."""
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gt=at - _cool_off())
    found = recent.aggregate(Sum("failures_since_start"), Max("attempt_time"))
    if (found["failures_since_start__sum"] or 0) < settings.SIGN_IN_ADDRESS_LIMIT:
        return None
    wait: timedelta = found["attempt_time__max"] + _cool_off() - at
    return wait
