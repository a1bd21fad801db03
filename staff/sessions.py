"""Database sessions that know their account, so they can be listed and ended one by one.

A session ends after SESSION_IDLE_MINUTES without a request, and SESSION_COOKIE_AGE seconds after
sign-in whatever happens.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from staff.models import AccountSession

_ACCOUNT, _ADDRESS, _BROWSER, _STARTED = "_auth_user_id", "address", "browser", "started_at"
_MINUTE = timedelta(minutes=1)


class SessionStore(DatabaseStore):
    """Stores sessions in AccountSession; a mere look saves at most once a minute."""

    _seen_at: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[AccountSession]:
        """Return the table behind this store."""
        return AccountSession

    def create_model_instance(self, data: dict[str, Any]) -> AccountSession:
        """Return the row for `data`, with account, address, browser and start copied out."""
        row = cast("AccountSession", super().create_model_instance(data))
        row.account_id = int(data[_ACCOUNT]) if data.get(_ACCOUNT) else None
        row.address, row.browser = data.get(_ADDRESS, ""), data.get(_BROWSER, "")[:200]
        row.seen_at = self._seen_at = timezone.now()
        started = data.get(_STARTED)
        row.started_at = datetime.fromisoformat(started) if started else row.seen_at
        return row

    def began(self, *, address: str, browser: str, at: datetime) -> None:
        """Note where and when somebody signed in; fixes the end of the session."""
        self[_ADDRESS], self[_BROWSER], self[_STARTED] = address, browser[:200], at.isoformat()
        self.set_expiry(at + timedelta(seconds=settings.SESSION_COOKIE_AGE))

    def touch(self) -> None:
        """Note that the session was used, at most once a minute."""
        now = timezone.now()
        if self._seen_at is not None and now - self._seen_at < _MINUTE:
            return
        AccountSession.objects.filter(session_key=self.session_key).update(seen_at=now)
        self._seen_at = now

    def _get_session_from_db(self) -> AccountSession | None:
        """Return the row unless it was quiet for too long; then it is deleted."""
        row = cast("AccountSession | None", super()._get_session_from_db())  # type: ignore[misc]
        if row is None:
            return None
        edge = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        if row.account_id is not None and row.seen_at is not None and row.seen_at < edge:
            row.delete()
            self._session_key: str | None = None
            return None
        self._seen_at = row.seen_at
        return row


def handle_of(session_key: str) -> str:
    """Return a name for a session that may stand in a page; the key itself may not."""
    return salted_hmac("staff.sessions", session_key, algorithm="sha256").hexdigest()[:20]


def sessions_of(account_id: int) -> QuerySet[AccountSession]:
    """Return the sessions of one account, the last used first."""
    rows = AccountSession.objects.filter(account_id=account_id)
    return rows.order_by("-seen_at", "session_key")


def end_sessions(account_ids: list[int], *, but: str | None = None) -> int:
    """End all sessions of these accounts, except the one with the key `but`."""
    rows = AccountSession.objects.filter(account_id__in=account_ids)
    if but:
        rows = rows.exclude(session_key=but)
    return rows.delete()[0]


def sweep(at: datetime) -> int:
    """Delete sessions that have ended by time or by quiet; returns how many."""
    idle = at - timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    ended = AccountSession.objects.filter(expire_date__lt=at)
    quiet = AccountSession.objects.filter(account_id__isnull=False, seen_at__lt=idle)
    return ended.delete()[0] + quiet.delete()[0]
