"""Which user somebody is who has followed a mail's link or comes from a provider: the rules of v4, and one more."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from .database import Account, Adapter
from .users import User


class AccountNotLinked(Exception):
    """The account cannot be taken for this user's: another user has it, or has its address."""


class Accounts:
    """The rules inside one transaction. A configured user enters the database when it is first needed there."""

    def __init__(self, adapter: Adapter, configured: Iterable[User]) -> None:
        self.adapter = adapter
        self.configured = list(configured)

    def with_id(self, id: str) -> User | None:
        user = self.adapter.get_user(id)
        if user is not None:
            return self._current(user)
        configured = next((user for user in self.configured if user.id == id), None)
        return configured and self._enter(configured)

    def with_email(self, address: str) -> User | None:
        user = self.adapter.get_user_by_email(address)
        if user is not None:
            return self._current(user)
        configured = self._configured_with(address)
        return configured and self._enter(configured)

    def with_account(self, account: Account) -> User | None:
        user = self.adapter.get_user_by_account(account)
        return user and self._current(user)

    def sign_in_by_email(self, address: str, signed_in: str | None = None) -> User:
        """Whoever has the address, which is proven now, else somebody new. ``signed_in`` is the id of who follows it.

        A provider may have named the address to somebody else, who waited for this: what is linked so far goes, unless
        they are the same.
        """
        user = self.with_email(address)
        if user is None:
            return self.adapter.create_user(new_user(address), email_verified=True)
        is_proven = self.adapter.is_verified(user) or self._configured_with(address) is not None
        if not is_proven and user.id != signed_in:
            self.adapter.unlink_accounts(user)
            self.adapter.delete_sessions(user)
        self.adapter.verify_email(user)
        return user

    def sign_in_by_provider(
        self, account: Account, profile: User, signed_in: User | None, *, same_user: User | None = None
    ) -> User:
        """The user of the account, else the signed-in one, who gets it, else somebody new.

        ``profile`` is what the provider says; ``same_user`` is whom the account is known to belong to.
        AccountNotLinked if the account is another user's, or a user with its address signed in otherwise before.
        """
        owner = self.with_account(account)
        if owner is not None:
            if signed_in is not None and signed_in.id != owner.id:
                raise AccountNotLinked
            return owner
        user = signed_in or same_user
        if user is None:
            if profile.email and self.with_email(profile.email):
                raise AccountNotLinked
            user = self.adapter.create_user(replace(profile, id=str(uuid.uuid4())))
        self.adapter.link_account(account, user)
        return user

    def _enter(self, user: User) -> User:
        earlier = self.adapter.get_user_by_email(user.email.lower())
        if earlier is not None:
            return self._current(earlier)
        if self.adapter.get_user(user.id) is not None:
            user = replace(user, id=str(uuid.uuid4()))
        return self.adapter.create_user(replace(user, email=user.email.lower()))

    def _current(self, user: User) -> User:
        """With the name and the picture of the configuration, which may have changed since."""
        configured = self._configured_with(user.email)
        return replace(configured, id=user.id) if configured else user

    def _configured_with(self, address: str) -> User | None:
        return next((user for user in self.configured if user.email.lower() == address), None)


def new_user(address: str) -> User:
    """Somebody of whom nothing but the address is known."""
    # Always the same id for an address, also while the user is not stored yet.
    return User(str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{address}")), "", address, "")
