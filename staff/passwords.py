"""Changing and setting passwords; both end the account's other sessions."""

from datetime import datetime

from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

from config.kernel import journal
from config.shared.actors import Actor
from staff.accounts import LEDGER, actor_of
from staff.models import Account
from staff.sessions import end_sessions


def change_password(request: HttpRequest, account: Account, new: str, *, at: datetime) -> None:
    """Give the account its new password: this session goes on under a new key, others end."""
    with transaction.atomic():
        _store(account, new, must_change=False, at=at)
        update_session_auth_hash(request, account)
        end_sessions([account.pk], but=request.session.session_key)
        facts = {"account": account.pk, "by_owner": True}
        journal.note(LEDGER, "access.password_changed", facts, actor=actor_of(account), at=at)


def set_temporary_password(account: Account, new: str, *, actor: Actor, at: datetime) -> None:
    """Give somebody a password to be changed at the next sign-in; all sessions end."""
    with transaction.atomic():
        _store(account, new, must_change=True, at=at)
        end_sessions([account.pk])
        facts = {"account": account.pk, "by_owner": False}
        journal.note(LEDGER, "access.password_changed", facts, actor=actor, at=at)


def _store(account: Account, new: str, *, must_change: bool, at: datetime) -> None:
    account.set_password(new)
    account.must_change_password, account.password_changed_at = must_change, at
    account.save(update_fields=["password", "must_change_password", "password_changed_at"])
