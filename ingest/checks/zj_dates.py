"""Checks of the times of a case: that they can be read, and that they follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ingest.checks.zj_case import Case, coded
from metadata.service_affairs import DESCRIPTION
from repository.findings import N_, Finding, Outcome, Property, Severity, failure, not_checked, warning
from repository.recordkeeping.dates import Moment, Writing, is_before

#: Times of the description in the order in which they must follow each other.
TIMES: Final = ("receivetime", "transacttime", "archivetime")
#: The day on which the Measures took effect.
MEASURES_IN_FORCE: Final = "2017-01-12"


def dates(case: Case) -> Iterator[Finding]:
    """GD-1-3: every time of the description can be read."""
    for name in TIMES:
        moment = case.moment(name)
        if moment.raw:
            yield from check_date(case.paths[DESCRIPTION], name, moment)


def check_date(path: str, element: str, moment: Moment) -> Iterator[Finding]:
    """What is to be said of one time as it was written."""
    if moment.writing is Writing.UNREADABLE:
        finding = failure(
            "DATE_UNREADABLE",
            Property.AUTHENTICITY,
            path,
            N_("{subject}: “{element}” is “{value}”, which is no date that can exist."),
            N_("Correct the date in the business system and export the case again; dates are written as 2018-06-22 10:05:31."),
            element=element,
            value=moment.raw,
        )
        yield coded(finding, "GD-1-3")
    elif moment.writing is Writing.MINUTES_FOR_MONTH:
        yield coded(date_pattern_wrong(path, element, moment), "GD-1-3")
    elif moment.writing is Writing.LOCAL:
        yield coded(date_written_locally(path, element, moment), "GD-1-3")


def date_pattern_wrong(path: str, element: str, moment: Moment) -> Finding:
    """A time whose month cannot be known; also used for the index of a batch."""
    return warning(
        "DATE_PATTERN_WRONG",
        Property.AUTHENTICITY,
        path,
        N_(
            "{subject}: “{element}” is “{value}”, written with a wrong pattern that puts the minutes in the month's place; "
            "the month cannot be known."
        ),
        N_("Tell the maker of the exporter: the pattern must be yyyy-MM-dd HH:mm:ss. The text is kept as it came."),
        element=element,
        value=moment.raw,
    )


def date_written_locally(path: str, element: str, moment: Moment) -> Finding:
    """A time in the habit of one machine; also used for the index of a batch."""
    return warning(
        "DATE_WRITTEN_LOCALLY",
        Property.AUTHENTICITY,
        path,
        N_("{subject}: “{element}” is “{value}”, written in the habit of one machine; it was read as {read}."),
        N_("Tell the maker of the exporter: dates are written as 2018-06-22 10:05:31, whatever the machine's settings."),
        element=element,
        value=moment.raw,
        read=moment.iso,
    )


def date_order(case: Case) -> Iterator[Finding]:
    """GD-1-5: accepted, then finished, then archived."""
    if DESCRIPTION not in case.documents:
        return
    moments = [(name, moment) for name in TIMES if (moment := case.moment(name)).raw and moment.writing is not Writing.UNREADABLE]
    unknown = [name for name, moment in moments if moment.value is None]
    known = [(name, moment) for name, moment in moments if moment.value is not None]
    for (first, earlier), (second, later) in pairwise(known):
        if is_before(earlier, later) is False:
            finding = failure(
                "DATE_ORDER",
                Property.AUTHENTICITY,
                case.paths[DESCRIPTION],
                N_("{subject}: “{second}” ({second_value}) is earlier than “{first}” ({first_value})."),
                N_("Find out which of the two is right, correct it in the business system and export the case again."),
                first=first,
                first_value=earlier.raw,
                second=second,
                second_value=later.raw,
            )
            yield coded(finding, "GD-1-5")
    if unknown:
        finding = not_checked(
            "DATE_ORDER",
            Property.AUTHENTICITY,
            case.paths[DESCRIPTION],
            N_("{subject}: the order of the times was not checked, because the month is unknown in: {elements}."),
            N_("Compare the times with the documents of the case."),
            elements=", ".join(unknown),
        )
        yield coded(finding, "GD-1-5")


def before_the_measures(case: Case) -> Iterator[Finding]:
    """Cases finished before the Measures took effect are told apart, and accepted (Measures Art. 25)."""
    finished = case.moment("transacttime")
    if finished.value is not None and finished.iso[:10] < MEASURES_IN_FORCE:
        yield Finding(
            code="BEFORE_THE_MEASURES",
            property=Property.INTEGRITY,
            severity=Severity.INFO,
            outcome=Outcome.NOT_APPLICABLE,
            subject=case.paths[DESCRIPTION],
            message=N_("{subject}: the case was finished on {day}, before the Measures took effect on {force}."),
            parameters={"day": finished.iso[:10], "force": MEASURES_IN_FORCE},
        )
