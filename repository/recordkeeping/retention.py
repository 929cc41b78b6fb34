"""Retention periods 保管期限 as they are written, and the one way we keep them (``Y``, ``D30``, ``D10``; DA/T 13-2022)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

#: Terms of before the Measures of 2006 (档案局令第8号), with the longest time each could mean, so that nothing is due too early:
#: 国档发〔1987〕27号 has 长期 for 16 to 50 years and 短期 for at most 15.
_FORMER: Final = {"长期": "D50", "短期": "D15"}
_PERMANENT: Final = frozenset({"永久", "永久保存", "Y"})
_YEARS: Final = re.compile(r"(?:保管|保存)?(?:D(?P<code>\d{1,2})|(?P<years>\d{1,3})年?)(?:保存)?")
_DIGITS: Final = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_CHINESE: Final = re.compile(r"([二三四五六七八九]?)(十?)([一二三四五六七八九]?)年")

#: The last year whose cases may carry 长期 and 短期; from 2006 on periods are given in years.
LAST_YEAR_OF_FORMER_TERMS: Final = 2005


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """A retention period.

    Args:
        code: ``Y`` or ``D`` and the number of years, without leading zero.
        years: number of years, or None for ever.
        former: written in a term (长期, 短期) that is no longer given; `code` is then the longest it could mean.
    """

    code: str
    years: int | None
    former: bool = False


def parse_retention(text: str) -> Retention | None:
    """What a written retention period means, or None where it means nothing to us.

    Understood: 永久, Y; 30年, 10年, any number of years from 1 to 99, also in Chinese numerals; D30, D10, D1 to D99;
    长期 and 短期. Full-width digits, blanks and lower case make no difference.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if plain in _PERMANENT:
        return Retention(code="Y", years=None)
    if plain in _FORMER:
        code = _FORMER[plain]
        return Retention(code=code, years=int(code[1:]), former=True)
    years = _in_digits(plain) or _in_chinese(plain)
    return Retention(code=f"D{years}", years=years) if years and years <= 99 else None


def _in_digits(plain: str) -> int:
    match = _YEARS.fullmatch(plain)
    if match is None or (match["years"] is not None and not plain.rstrip("保存").endswith("年")):
        return 0
    return int(match["code"] or match["years"])


def _in_chinese(plain: str) -> int:
    match = _CHINESE.fullmatch(plain)
    if match is None:
        return 0
    tens, ten, ones = match.groups()
    if not ten:
        return _DIGITS.get(tens or ones, 0) if not (tens and ones) else 0
    return 10 * _DIGITS.get(tens, 1) + _DIGITS.get(ones, 0)
