"""A search as the query part of an address, and back: what a page links to, what is saved, what an alert asks again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from repository.search.finding import FILTERS, SearchQuery
from repository.search.order import Sort
from repository.search.rules import Rule

#: What of an address says how the list looks, not what is in it.
LOOKS: Final = ("view", "columns")
_KNOWN: Final = ("q", *FILTERS, "rule", "sort", *LOOKS)


def query_of(pairs: Iterable[tuple[str, str]], *, limit: int = 20, after: str | None = None, before: str | None = None) -> SearchQuery:
    """The search that arguments of an address ask for; what is no argument of a search is ignored.

    Args:
        pairs: names and values, decoded.
        limit: records of a page.
        after: mark of the page before.
        before: mark of the page after.
    """
    filters: dict[str, list[str]] = {}
    rules: list[Rule] = []
    text, sort = "", Sort.LATEST
    for name, value in pairs:
        if not value:
            continue
        if name in FILTERS:
            filters.setdefault(name, []).append(value)
        elif name == "q":
            text = value
        elif name == "rule" and value in set(Rule):
            rules.append(Rule(value))
        elif name == "sort" and value in set(Sort):
            sort = Sort(value)
    return SearchQuery(text=text, filters=filters, rules=rules, sort=sort, limit=limit, after=after, before=before)


def canonical(address: str) -> str:
    """The query part of an address with only what belongs to a search, encoded anew, each argument once and in one order.

    Whatever somebody puts into it, what comes out holds only ASCII letters, digits and ``%&+=-._~``.
    """
    given: list[tuple[str, str]] = parse_qsl(address.lstrip("?"))
    pairs = dict.fromkeys((name, value) for name, value in given if name in _KNOWN and value)
    order: Mapping[str, int] = {name: place for place, name in enumerate(_KNOWN)}
    ordered = sorted(pairs, key=lambda pair: order[pair[0]])
    return urlencode(ordered, errors="replace")


def saved_query(address: str, *, limit: int = 20) -> SearchQuery:
    """The search behind the query part of an address."""
    return query_of(parse_qsl(address), limit=limit)
