"""Accounts: who can log in, with which roles."""

from repository.accounts.authentication import authenticate
from repository.accounts.passwords import check_strength
from repository.accounts.roles import set_roles
from repository.accounts.users import (
    change_user,
    create_user,
    disable_user,
    enable_user,
    find_actor,
    find_user,
    has_users,
    list_users,
    set_password,
    unlock_user,
)

__all__ = [
    "authenticate",
    "change_user",
    "check_strength",
    "create_user",
    "disable_user",
    "enable_user",
    "find_actor",
    "find_user",
    "has_users",
    "list_users",
    "set_password",
    "set_roles",
    "unlock_user",
]
