"""Features are named by strings, and texts are translated without a web request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repository import features
from repository.errors import NotFound
from repository.translating import language_of_environment, translator

ROOT = Path(__file__).parents[3]


def test_the_slices_are_switched_on_in_order() -> None:
    assert [feature.name for feature in features.features()] == ["repository", "ingest", "preservation", "access"]


@pytest.mark.parametrize("kind", sorted({kind for feature in features.features() for kind in feature.jobs}))
def test_every_kind_of_job_has_its_handler(kind: str) -> None:
    assert callable(features.job_handler(kind))


def test_owners_of_abandoned_jobs_are_functions_and_their_jobs_exist() -> None:
    kinds = {kind for feature in features.features() for kind in feature.jobs}
    abandoned = {kind for feature in features.features() for kind in feature.abandoned}
    assert "ingest.process" in abandoned <= kinds
    assert all(callable(features.owner_of_abandoned(kind)) for kind in abandoned)
    assert features.owner_of_abandoned("no.such") is None


def test_an_unknown_kind_of_job_is_refused() -> None:
    with pytest.raises(NotFound, match=r"no\.such"):
        features.job_handler("no.such")


def test_timetables_name_jobs_that_exist() -> None:
    kinds = {kind for feature in features.features() for kind in feature.jobs}
    assert {spec.kind for spec in features.schedules()} <= kinds
    assert any(spec.kind == "journal.flush" and spec.every_seconds <= 300 for spec in features.schedules())


def test_every_command_has_a_line_about_it() -> None:
    assert set(features.commands()) == set(features.command_summaries())


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = "import sys, repository.cli, repository.features as f; f.commands(); print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert not loaded & {"sqlalchemy", "flask", "lxml", "pydantic", "hyperscan", "fido", "alembic", "argon2"}


def test_english_is_what_the_sources_say() -> None:
    assert translator("en")("Interrupted.") == "Interrupted."
    assert translator("tlh")("Interrupted.") == "Interrupted."
    assert translator("en")("") == ""


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_Hans_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh_Hans_CN"),
    ],
)
def test_the_terminal_says_its_language(environment: dict[str, str], language: str) -> None:
    assert language_of_environment(environment) == language
