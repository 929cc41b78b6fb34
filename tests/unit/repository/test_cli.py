"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from repository import cli as shell
from repository.cli import main
from repository.errors import Conflict, JinguiError
from storage.errors import StorageError, StoreUnavailable, UnsafePackage
from tests.conftest import Cli

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _one_database(database: str) -> None:
    """None of this depends on the database."""


def run_command(monkeypatch: pytest.MonkeyPatch, body: click.Command, *arguments: str) -> click.testing.Result:
    monkeypatch.setattr(shell, "commands", lambda: {"try": "somewhere:try"})
    monkeypatch.setattr(shell, "resolve", lambda target: body)
    return CliRunner().invoke(main, ["try", *arguments])


def test_help_names_every_command_with_a_line_about_it() -> None:
    help = CliRunner().invoke(main, ["--help"])
    listed = {line.split()[0]: line.split(maxsplit=1)[1:] for line in help.stdout.split("Commands:")[1].splitlines() if line.strip()}
    wanted = {
        "init", "serve", "worker", "check", "ingest", "identify", "audit", "export", "dip", "ocfl", "store", "formats", "search", "user",
        "rebuild", "doctor",
    }  # fmt: skip
    assert wanted <= set(listed)
    assert all(listed[name] for name in wanted)


@pytest.mark.parametrize("name", sorted(shell.commands()))
def test_every_command_is_where_the_features_say_and_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"Usage: jingui {name}") or f" {name} " in result.stdout.splitlines()[0] + " "


@pytest.mark.parametrize("arguments", [["no-such-command"], ["store", "list", "--no-such-option"], ["user", "add"]])
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage" in result.stderr


def test_no_home_is_exit_code_2_with_the_remedy(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--home", str(tmp_path / "none"), "store", "list"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"jingui init {tmp_path / 'none'}" in result.stderr


def test_init_makes_a_home_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        result = CliRunner().invoke(main, ["init", str(tmp_path / "家")])
        assert (result.exit_code, result.stderr) == (0, "")
        assert str(tmp_path / "家") in result.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JinguiError("{subject} broke", subject="it"), 3),
        (Conflict("{subject} broke", subject="it"), 1),
        (UnsafePackage("X", "{subject} broke", subject="it"), 1),
        (StoreUnavailable("X", "{subject} broke", subject="it"), 3),
        (StorageError("X", "{subject} broke", subject="it"), 3),
    ],
)
def test_errors_are_a_message_and_a_code(monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    @click.command()
    def body() -> None:
        raise error

    result = run_command(monkeypatch, body)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "jingui: it broke\n")


def test_what_nobody_expected_has_a_number_and_no_traceback_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def body() -> None:
        raise RuntimeError("boom")

    result = run_command(monkeypatch, body)
    assert result.exit_code == 3
    assert "RuntimeError: boom" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in CliRunner().invoke(main, ["--debug", "try"]).stderr


def test_help_is_in_the_language_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "translator", lambda language: {"Greet.": "问候。", "How loud.": "音量。"}.get)

    @click.command(help="Greet.")
    @click.option("--loud", help="How loud.")
    def body(loud: str) -> None:
        """Greets."""

    monkeypatch.setattr(shell, "commands", lambda: {"try": "somewhere:try"})
    monkeypatch.setattr(shell, "resolve", lambda target: body)
    result = CliRunner().invoke(main.get_command(click.Context(main), "try"), ["--help"])
    assert "问候。" in result.stdout
    assert "音量。" in result.stdout


def test_a_command_may_return_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def body() -> int:
        return 1

    assert run_command(monkeypatch, body).exit_code == 1


def test_a_name_that_is_no_text_is_still_json(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def body() -> None:
        shell.print_json({"path": os.fsdecode(b"\xff\xfe.pdf"), "题名": "办件"})

    result = run_command(monkeypatch, body)
    assert json.loads(result.stdout) == {"path": "\udcff\udcfe.pdf", "题名": "办件"}
    assert "题名" in result.stdout


def test_stores_as_the_command_line_promises_them(cli: Cli, home: Path) -> None:
    lines = [json.loads(line) for line in cli("store", "list", "--json").stdout.splitlines()]
    assert lines == [
        {
            "store": name, "kind": "folder", "location": str(home / "stores" / name), "priority": priority, "read_only": False,
            "aips": 0, "bytes": 0, "owed": 0,
        }
        for name, priority in (("a", 10), ("b", 20))
    ]  # fmt: skip


def test_the_doctor_finds_a_fresh_home_well(cli: Cli) -> None:
    result = cli("doctor")
    assert result.exit_code == 0, result.stdout
    for name in ("home", "catalogue", "clock", "store a", "store b", "copies", "fido"):
        assert any(name in line for line in result.stdout.splitlines()), name


def test_the_doctor_names_a_store_that_is_away(cli: Cli, home: Path) -> None:
    (home / "stores" / "b").rename(home / "elsewhere")
    result = cli("doctor", "--json")
    assert result.exit_code == 1
    found = {item["check"]: item for item in map(json.loads, result.stdout.splitlines())}
    assert found["store a"]["health"] == "fine"
    assert found["store b"]["health"] == "problem"
    assert str(home / "stores" / "b") in found["store b"]["message"] or "b" in found["store b"]["message"]


def test_the_doctor_names_what_keeps_a_home_from_opening(cli: Cli, home: Path) -> None:
    (home / "jingui.toml").write_text("copies_required = 0", encoding="utf-8")
    result = cli("doctor")
    assert result.exit_code == 1
    assert "copies_required" in result.stdout


def test_the_doctor_sees_a_clock_that_went_back(cli: Cli, home: Path) -> None:
    from datetime import timedelta

    from repository.archive import Archive
    from repository.events import EventType
    from repository.permissions import Actor

    archive = Archive.open(home)
    with archive.transaction(Actor.local()) as tx:
        tx.record_event(EventType.INGESTION, objects=[], at=tx.now + timedelta(days=1))
    archive.close()
    result = cli("doctor", "--json")
    assert result.exit_code == 1
    assert next(item for item in map(json.loads, result.stdout.splitlines()) if item["check"] == "clock")["health"] == "problem"


def test_a_reader_that_goes_away_is_no_error(program: list[str]) -> None:
    done = subprocess.run(
        f"{' '.join(program)} --help | true", shell=True, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert done.stderr == ""


def test_logs_as_json_lines_on_standard_error(program: list[str], home: Path) -> None:
    code = "import logging; logging.getLogger('x').warning('喂 %s', 1)"
    done = subprocess.run(
        [program[0], "-c", f"from repository.cli import set_up_logging; set_up_logging(20, as_json=True); {code}"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.stdout == ""
    assert {key: value for key, value in json.loads(done.stderr).items() if key != "at"} == {
        "level": "warning", "logger": "x", "message": "喂 1",
    }  # fmt: skip
