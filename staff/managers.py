"""Managers of the staff room."""

from typing import TYPE_CHECKING

from django.contrib.auth.base_user import BaseUserManager

if TYPE_CHECKING:
    from staff.models.accounts import Account


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts with a hashed password."""

    def create_account(self, username: str, password: str | None, **fields: object) -> "Account":
        """Return a saved account; without password it cannot sign in."""
        name = self.model.normalize_username(username).strip().lower()
        account = self.model(username=name, **fields)
        account.set_password(password)
        account.save()
        return account
