"""How fast the ingest goes and how long it will take, and how findings are put in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.results import Pace, counted, pace
from ingest.submissions import StepView
from repository.findings import Finding, Outcome, Property, failure, not_checked, passed, warning

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


def step(state: str = "running", seconds: float = 10) -> StepView:
    return StepView(
        name="store", label="Store", state=state, note="", values={}, started_at=NOW - timedelta(seconds=seconds), ended_at=None
    )


def paced(**progress: object) -> Pace:
    found = pace({"stage": "storing", **progress}, [step()], NOW)
    assert found is not None
    return found


def test_bytes_tell_the_rate_and_what_remains() -> None:
    found = paced(done=1, total=4, unit="files", bytes=100, bytes_total=400)
    assert (found.rate, found.remaining, found.fraction) == (10.0, timedelta(seconds=30), 0.25)


def test_without_bytes_the_units_tell_what_remains() -> None:
    found = paced(done=1, total=4, unit="files")
    assert (found.rate, found.remaining, found.fraction) == (None, timedelta(seconds=30), 0.25)


def test_without_a_total_nothing_is_promised() -> None:
    found = paced(done=7, bytes=100)
    assert (found.rate, found.remaining, found.fraction) == (10.0, None, None)


@pytest.mark.parametrize("progress", [{"done": 0, "total": 0}, {"bytes": 0, "bytes_total": 0}, {"done": 0, "total": 4}, {}])
def test_nothing_done_promises_nothing(progress: dict[str, int]) -> None:
    assert paced(**progress).remaining is None


def test_more_than_announced_is_no_more_than_all() -> None:
    assert paced(bytes=500, bytes_total=400).fraction == 1.0


def test_the_first_moment_says_nothing_of_the_rate() -> None:
    found = pace({"stage": "storing", "bytes": 10, "bytes_total": 20}, [step(seconds=0.2)], NOW)
    assert found is not None
    assert (found.rate, found.remaining, found.fraction) == (None, None, 0.5)


def test_a_step_that_does_not_run_has_no_pace() -> None:
    assert pace({"stage": "storing"}, [step("done")], NOW) is None
    assert pace(None, [step()], NOW) is None


def test_counts_come_worst_first() -> None:
    def of(make: object) -> Finding:
        assert callable(make)
        found = make("CODE", Property.SAFETY, "a", "text")
        assert isinstance(found, Finding)
        return found

    found = counted([of(passed), of(warning), of(failure), of(not_checked), of(warning)])
    assert list(found.items()) == [(Outcome.FAIL, 1), (Outcome.WARN, 2), (Outcome.NOT_CHECKED, 1), (Outcome.PASS, 1)]
