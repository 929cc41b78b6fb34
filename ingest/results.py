"""What was found, put in order for people: by property, worst first, counted, narrowed and cut into pages. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ingest.submissions import StepView, SubmissionView
from repository.findings import Finding, Outcome, Property

#: The outcomes of the detection in the order in which they matter.
ORDER: Final = (Outcome.FAIL, Outcome.MANUAL, Outcome.WARN, Outcome.NOT_CHECKED, Outcome.PASS, Outcome.NOT_APPLICABLE)
#: What is shown of itself; what passed is counted and can be unfolded.
TOLD: Final = frozenset({Outcome.FAIL, Outcome.MANUAL, Outcome.WARN, Outcome.NOT_CHECKED})
#: Findings of one property that are shown where all four stand together, and on a page of one of them.
FEW: Final = 10
PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class PropertyResult:
    """One of the four properties.

    Args:
        property: which.
        counts: how many findings there are of each outcome, in the order in which they matter; none that is zero.
        told: the findings to show, worst first.
        passed: what passed, to be unfolded.
        hidden: how many more there are than `told` and `passed` show.
        page: the part that `told` is, from 1.
        pages: how many parts there are.
        judged: whether a step has looked at it; what nobody checked must not look like a pass.
        verdict: how that step ended (`ingest.work.StepState`); the findings themselves are told when all checks have spoken.
    """

    property: Property
    counts: Mapping[Outcome, int]
    told: Sequence[Finding]
    passed: Sequence[Finding]
    hidden: int
    page: int
    pages: int
    judged: bool
    verdict: str


def results(view: SubmissionView, *, property: str = "", outcome: str = "", page: int = 1) -> Sequence[PropertyResult]:
    """The findings under their properties.

    Args:
        view: the submission.
        property: only this one, in pages; empty: all four, the first few findings of each.
        outcome: only findings of this outcome.
        page: which part, from 1; only with a property.
    """
    judged = {step.name: step.state for step in view.steps if step.ended_at is not None}
    chosen = [item for item in Property if not property or item == property]
    found = []
    for item in chosen:
        own = sorted((finding for finding in view.findings if finding.property == item), key=lambda finding: ORDER.index(finding.outcome))
        shown = [finding for finding in own if (finding.outcome == outcome if outcome else finding.outcome in TOLD)]
        passed = [] if outcome else [finding for finding in own if finding.outcome not in TOLD]
        size = PAGE if property else FEW
        pages = max(1, -(-len(shown) // size)) if property else 1
        at = min(max(page, 1), pages) if property else 1
        told = shown[(at - 1) * size : at * size]
        hidden = 0 if property else (len(shown) - len(told)) + max(0, len(passed) - FEW)
        found.append(
            PropertyResult(
                property=item,
                counts=counted(own),
                told=told,
                passed=passed if property else passed[:FEW],
                hidden=hidden,
                page=at,
                pages=pages,
                judged=item in judged,
                verdict=judged.get(item, ""),
            )
        )
    return found


def counted(findings: Sequence[Finding]) -> Mapping[Outcome, int]:
    """How many there are of each outcome, in the order in which they matter; none that is zero."""
    counts = Counter(finding.outcome for finding in findings)
    return {outcome: counts[outcome] for outcome in ORDER if counts[outcome]}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How far the step at hand is, how fast it goes and how long it will take.

    Args:
        stage: what is being done, a template to be translated.
        done: units done.
        total: units in all, or None where it is not known.
        unit: what is counted.
        bytes: bytes done.
        bytes_total: bytes in all, or None where it is not known.
        rate: bytes a second, or None before it can be told.
        remaining: how long the step will take from here, or None before it can be told.
        fraction: what part of the step is done, 0 to 1, or None.
    """

    stage: str
    done: int
    total: int | None
    unit: str
    bytes: int
    bytes_total: int | None
    rate: float | None
    remaining: timedelta | None
    fraction: float | None


def pace(progress: Mapping[str, Any] | None, steps: Sequence[StepView], seen_at: datetime | None) -> Pace | None:
    """How far the running step is; None where nothing is known of it.

    The rate is that of the whole step so far: bytes done since it began, up to when the worker was last heard of.
    """
    running = next((step for step in steps if step.state == "running"), None)
    if progress is None or running is None:
        return None
    done, total = int(progress.get("done", 0)), progress.get("total")
    size, size_total = int(progress.get("bytes", 0)), progress.get("bytes_total")
    seconds = (seen_at - running.started_at).total_seconds() if seen_at is not None and running.started_at is not None else 0.0
    fraction = None
    if size_total:
        fraction = min(1.0, size / size_total)
    elif total:
        fraction = min(1.0, done / total)
    # in the first moments a rate says more about the start than about the work
    known = seconds >= 1
    remaining = timedelta(seconds=round(seconds * (1 - fraction) / fraction)) if known and fraction else None
    return Pace(
        stage=str(progress.get("stage", "")),
        done=done,
        total=total,
        unit=str(progress.get("unit", "")),
        bytes=size,
        bytes_total=size_total,
        rate=size / seconds if known and size else None,
        remaining=remaining,
        fraction=fraction,
    )
