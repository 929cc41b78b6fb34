"""Numbers of persons and bodies, and their check characters.

统一社会信用代码 (GB 32100-2015, 18 characters), 组织机构代码 (GB 11714-1997, 9 characters), 公民身份号码 (GB 11643-1999, 18 characters).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_BODY_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_TABLE: Final = "10X98765432"
_CREDIT: Final = re.compile(rf"[1-9ANY][{_CREDIT_ALPHABET}]\d{{6}}[{_CREDIT_ALPHABET}]{{10}}")
_RESIDENT: Final = re.compile(r"[1-9]\d{16}[\dX]")


class NumberKind(StrEnum):
    """Which number it is."""

    RESIDENT = "resident"
    CREDIT = "credit"
    BODY = "body"


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberCheck:
    """What the check of a number found.

    Args:
        kind: which number it looks like.
        valid: whether its check character (and, in a resident number, the date of birth) holds.
        expected: the last character that the others ask for, or empty where the date of birth is impossible.
        found: the last character it has.
    """

    kind: NumberKind
    valid: bool
    expected: str
    found: str


def credit_check_character(first: str) -> str:
    """The 18th character of a 统一社会信用代码 for its first 17 (GB 32100-2015).

    Raises:
        ValueError: not 17 characters of its alphabet.
    """
    if len(first) != 17:
        raise ValueError("a credit code has 17 characters before its check character")
    total = sum(_CREDIT_ALPHABET.index(character) * weight for character, weight in zip(first, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def body_check_character(first: str) -> str:
    """The 9th character of a 组织机构代码 for its first 8 (GB 11714-1997).

    Raises:
        ValueError: not 8 digits or letters.
    """
    if len(first) != 8:
        raise ValueError("an organisation code has 8 characters before its check character")
    total = sum(int(character, 36) * weight for character, weight in zip(first, _BODY_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def resident_check_character(first: str) -> str:
    """The 18th character of a 公民身份号码 for its first 17 digits (GB 11643-1999).

    Raises:
        ValueError: not 17 digits.
    """
    if len(first) != 17:
        raise ValueError("a resident number has 17 digits before its check character")
    return _RESIDENT_TABLE[sum(int(digit) * weight for digit, weight in zip(first, _RESIDENT_WEIGHTS, strict=True)) % 11]


def check_number(text: str) -> NumberCheck | None:
    """Checks a number that may be any of the three; None where it looks like none of them (a passport, an old 15-digit number).

    Eighteen digits can be a resident number or a credit code: it is valid when it holds as either.
    """
    plain = plain_number(text)
    checks = [check for check in (_resident(plain), _credit(plain), _body(plain)) if check is not None]
    return next((check for check in checks if check.valid), checks[0] if checks else None)


def check_credit_code(text: str) -> NumberCheck | None:
    """Checks a 统一社会信用代码; None where it does not look like one (18 characters of its alphabet, GB 32100-2015, clause 4)."""
    return _credit(plain_number(text))


def plain_number(text: str) -> str:
    """A number as it is kept: without spaces, in plain capitals."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _resident(plain: str) -> NumberCheck | None:
    if not _RESIDENT.fullmatch(plain):
        return None
    expected = resident_check_character(plain[:17])
    try:
        born = date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        return NumberCheck(kind=NumberKind.RESIDENT, valid=False, expected="", found=plain[-1])
    valid = expected == plain[-1] and born.year >= 1850
    return NumberCheck(kind=NumberKind.RESIDENT, valid=valid, expected=expected if born.year >= 1850 else "", found=plain[-1])


def _credit(plain: str) -> NumberCheck | None:
    if not _CREDIT.fullmatch(plain):
        return None
    expected = credit_check_character(plain[:17])
    return NumberCheck(kind=NumberKind.CREDIT, valid=expected == plain[-1], expected=expected, found=plain[-1])


def _body(plain: str) -> NumberCheck | None:
    bare = plain.replace("-", "")
    if not re.fullmatch(r"[0-9A-Z]{8}-[0-9X]", plain):
        return None
    expected = body_check_character(bare[:8])
    return NumberCheck(kind=NumberKind.BODY, valid=expected == bare[-1], expected=expected, found=bare[-1])
