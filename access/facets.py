"""The narrowing-down beside a list of records: values with words and counts, and what taking a filter away would bring."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from access import catalogue
from repository.findings import N_
from repository.search.finding import SearchQuery, SearchResult, count_records
from repository.transaction import Transaction
from repository.web.words import retention_word, word

#: What each facet is headed by, in the order of the page.
FACETS: Final[Mapping[str, str]] = {
    "unit": N_("Agency"),
    "affair_type": N_("Kind of affair"),
    "affair": N_("Affair"),
    "year": N_("Year"),
    "retention": N_("Retention"),
    "sharing": N_("Sharing"),
    "profile": N_("Package kind"),
    "format": N_("Format"),
    "agreement": N_("Agreement"),
}
#: Those that stand open and are counted at once; the others are counted when they are opened or in force.
USUAL: Final = ("unit", "affair_type", "year", "retention")
#: Values that are shown before “more values”.
SHOWN: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A value that the records found can be narrowed by, as a page shows it.

    Args:
        value: as the address has it.
        label: for people.
        code: the value itself where the label does not say it, or empty.
        count: records that have it; with it is left out, more.
        chosen: whether it is in force.
        values: of the same filter that would be in force after following the link.
    """

    value: str
    label: str
    code: str
    count: int
    chosen: bool
    values: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A facet as a page shows it.

    Args:
        name: of the filter.
        heading: marked for translation.
        counted: whether its values are known; where not, opening it asks for them.
        first: the commonest values and those in force.
        rest: the other values.
    """

    name: str
    heading: str
    counted: bool
    first: Sequence[Choice] = ()
    rest: Sequence[Choice] = ()

    @property
    def chosen(self) -> Sequence[Choice]:
        """The values in force."""
        return [choice for choice in (*self.first, *self.rest) if choice.chosen]


@dataclass(frozen=True, kw_only=True, slots=True)
class Relief:
    """A filter whose removal would bring records where there are none now.

    Args:
        name: of the argument of the address (``unit``, ``q``, ``rule``).
        count: records that there would be.
    """

    name: str
    count: int


def wanted_facets(filters: Collection[str], opened: Collection[str]) -> Sequence[str]:
    """The facets to count: the usual ones, those in force, and those that somebody opened."""
    return [name for name in FACETS if name in USUAL or name in filters or name in opened]


def panels(tx: Transaction, found: SearchResult, filters: Mapping[str, Collection[str]]) -> Sequence[Panel]:
    """Every facet that leaves a choice, and those that were not counted."""
    formats = [item.value for item in found.facets.get("format", ()) if item.value]
    names = catalogue.format_names(tx, formats)
    shown: list[Panel] = []
    for name, heading in FACETS.items():
        if name not in found.facets:
            shown.append(Panel(name=name, heading=heading, counted=False))
            continue
        chosen = [*filters.get(name, ())]
        # a value in force of which nothing is left must stay there to be taken away
        counted = {item.value: item.count for item in found.facets[name] if item.value}
        counted |= dict.fromkeys((value for value in chosen if value not in counted), 0)
        if len(counted) < 2 and not chosen and name in USUAL:
            continue
        choices = [
            Choice(
                value=value,
                label=_label(name, value, names),
                code=value if name == "format" and value in names else "",
                count=count,
                chosen=value in chosen,
                values=[other for other in chosen if other != value] if value in chosen else [*chosen, value],
            )
            for value, count in counted.items()
        ]
        if name == "year":
            choices.sort(key=lambda choice: choice.value, reverse=True)
        # one value behind a click saves nothing
        few = len(choices) <= SHOWN + 2
        first = [choice for place, choice in enumerate(choices) if choice.chosen or few or place < SHOWN]
        rest = [choice for choice in choices if choice not in first]
        shown.append(Panel(name=name, heading=heading, counted=True, first=first, rest=rest))
    return shown


def reliefs(tx: Transaction, query: SearchQuery) -> Sequence[Relief]:
    """For a search that found nothing: what leaving out the words, the rules or a filter would bring, the most first."""
    trials: dict[str, SearchQuery] = {}
    if query.text:
        trials["q"] = replace(query, text="")
    if query.rules:
        trials["rule"] = replace(query, rules=())
    for name in query.filters:
        trials[name] = replace(query, filters={other: values for other, values in query.filters.items() if other != name})
    if len(trials) < 2:
        return ()
    found = [Relief(name=name, count=count_records(tx, replace(trial, after=None, before=None))) for name, trial in trials.items()]
    return sorted((relief for relief in found if relief.count), key=lambda relief: -relief.count)


def _label(facet: str, value: str, formats: Mapping[str, str]) -> str:
    match facet:
        case "format":
            return formats.get(value, value)
        case "retention":
            return retention_word(value)
        case "profile":
            return word(value)
    return value
