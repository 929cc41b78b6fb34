"""What a password must be like (GB/T 22239-2019, 8.1.4.1 a: complex, and changed from time to time): a pure function over the settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from repository.errors import UsageError
from repository.findings import N_
from repository.settings import AccountSettings

#: Nobody types more; what is longer would only keep the hash function busy.
LONGEST: Final = 1024
#: Fewer different characters than these are a pattern, not a password.
FEWEST_DIFFERENT: Final = 4

#: What everybody tries first. Longer words than these fail by being made of them (`_is_obvious`).
_OBVIOUS: Final = frozenset({
    "password", "passw0rd", "p@ssw0rd", "p@ssword", "letmein", "welcome", "admin", "administrator", "root", "login",
    "qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "1qaz2wsx", "qazwsx", "abc123", "abcd1234",
    "iloveyou", "monkey", "dragon", "default", "changeme", "secret", "test", "guest", "woaini", "5201314",
    "jingui", "archive", "archives", "dangan", "danganguan", "金匮", "档案", "档案馆", "密码",
})  # fmt: skip
#: Digits of two years, or of a day, beside obvious words make them no better.
_YEARS: Final = 8
_ROWS: Final = ("01234567890", "09876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that a password lacks.

    Args:
        template: English, marked with `N_`.
        values: of its places.
    """

    template: str
    values: Mapping[str, int] = field(default_factory=dict)


class WeakPassword(UsageError):
    """A password that the rules refuse; `faults` has everything that is wrong with it, the message the first of them."""

    code = "WEAK_PASSWORD"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        values = {name: str(value) for name, value in first.values.items()}
        super().__init__(first.template, remedy=N_("Take several words that belong together only for you."), **values)


def faults(rules: AccountSettings, name: str, password: str) -> list[Fault]:
    """Everything that is wrong with a password, apart from having been used before (`repository.accounts.passwords`).

    Args:
        rules: what is asked for.
        name: of the account.
        password: the wish.
    """
    found = []
    if len(password) < rules.password_length:
        found.append(
            Fault(
                template=N_("The password has {length} characters; it needs at least {shortest}."),
                values={"length": len(password), "shortest": rules.password_length},
            )
        )
    if len(password) > LONGEST:
        found.append(
            Fault(
                template=N_("The password has {length} characters; it may have at most {longest}."),
                values={"length": len(password), "longest": LONGEST},
            )
        )
    kinds = len({kind_of(character) for character in password})
    if kinds < rules.password_classes:
        found.append(
            Fault(
                template=N_(
                    "The password has {kinds} of the four kinds of characters (capital letters, small letters, digits, anything else);"
                    " it needs at least {fewest}."
                ),
                values={"kinds": kinds, "fewest": rules.password_classes},
            )
        )
    if len(set(password)) < FEWEST_DIFFERENT:
        found.append(Fault(template=N_("The password is made of too few different characters.")))
    if name and name.casefold() in password.casefold():
        found.append(Fault(template=N_("The password contains the name of the account.")))
    if _is_obvious(password):
        found.append(Fault(template=N_("The password is one of those that everybody tries first.")))
    return found


def kind_of(character: str) -> str:
    """Which of the four kinds a character is of; letters without capitals, Chinese among them, are of the fourth."""
    category = unicodedata.category(character)
    return {"Lu": "capital", "Ll": "small", "Nd": "digit"}.get(category, "other")


def _is_obvious(password: str) -> bool:
    """Whether hardly anything is left of it without obvious words, years, rows of keys and the signs that people put between them."""
    left = "".join(character for character in password.casefold() if character.isalnum())
    for word in sorted(_OBVIOUS, key=len, reverse=True):
        left = left.replace("".join(character for character in word if character.isalnum()), "")
    for row in _ROWS:
        for length in range(len(row), 2, -1):
            for start in range(len(row) - length + 1):
                left = left.replace(row[start : start + length], "")
    return len(left) <= _YEARS and all(character.isdigit() for character in left)
