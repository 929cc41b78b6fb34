"""Accounts: who can log in, with which roles."""

from repository.accounts.passwords import check_strength
from repository.accounts.users import (
    authenticate,
    create_user,
    disable_user,
    enable_user,
    find_actor,
    has_users,
    list_users,
    set_password,
    set_roles,
)

__all__ = [
    "authenticate",
    "check_strength",
    "create_user",
    "disable_user",
    "enable_user",
    "find_actor",
    "has_users",
    "list_users",
    "set_password",
    "set_roles",
]
