"""The command line ``jingui``: a thin shell that finds commands by name, says errors, and gives exit codes.

Exit codes: 0 fine, 1 findings (an invalid package, damage found, something not there), 2 usage, 3 the system. Nothing
but results on standard output; errors, progress and logs on standard error. A command is a `click` command somewhere
in the slices; it may return an exit code, and takes what it needs of this invocation with `pass_invocation`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from metadata.errors import MetadataError
from repository import __version__
from repository.errors import JinguiError
from repository.features import command_summaries, commands, resolve
from repository.findings import N_, Translate
from repository.translating import language_of_environment, translator
from storage.errors import ObjectDamaged, StorageError, UnsafePackage

if TYPE_CHECKING:
    from repository.archive import Archive

logger = logging.getLogger(__name__)

#: What is wrong with what was handed in, or with a copy: findings, not a failure of the system.
_THEIRS: Final = (UnsafePackage, ObjectDamaged, MetadataError)
_INTERRUPTED: Final = 130
_PIPE_CLOSED: Final = 141


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of the command line.

    Args:
        home: the repository home; need not exist.
        debug: whether tracebacks are shown.
        language: the terminal's language.
    """

    home: Path
    debug: bool
    language: str

    @property
    def translate(self) -> Translate:
        """Puts texts into the terminal's language."""
        return translator(self.language)

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """The open archive of the home; closed when the block ends.

        Raises:
            HomeMissing, HomeUnusable: see `Archive.open`.
        """
        from repository.archive import Archive

        opened = Archive.open(self.home)
        try:
            yield opened
        finally:
            opened.close()


#: Gives a command the `Invocation` as its first argument.
pass_invocation = click.make_pass_decorator(Invocation)


class Shell(click.Group):
    """The group whose commands are imported when they are called, and whose errors become messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the alphabet."""
        return sorted(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        target = commands().get(cmd_name)
        if target is None:
            return None
        command: click.Command = resolve(target)
        translate_help(command, translator(language_of_environment()))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands with a line about each, importing none."""
        translate = translator(language_of_environment())
        summaries = command_summaries()
        with formatter.section(translate(N_("Commands"))):
            formatter.write_dl([(name, translate(summaries.get(name, ""))) for name in self.list_commands(ctx)])

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs a command line and exits with its code."""
        arguments = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        translate_help(self, translator(language_of_environment()))
        code = self._code(arguments, prog_name or "jingui", extra)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            code = _quiet_pipe()
        sys.exit(code)

    def _code(self, arguments: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        debug = "--debug" in arguments
        translate = translator(language_of_environment())
        try:
            result = super().main(arguments, prog_name, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo(translate(N_("Interrupted.")), err=True)
            return _INTERRUPTED
        except BrokenPipeError:
            return _quiet_pipe()
        except (JinguiError, StorageError, MetadataError) as error:
            if debug:
                traceback.print_exc()
            say_error(error, translate)
            return exit_code(error)
        except Exception as error:
            number = uuid.uuid4().hex[:8]
            logger.debug("unexpected error %s", number, exc_info=error)
            text = translate(N_("Something unexpected went wrong [{number}]: {error}"))
            say(text.format(number=number, error=f"{type(error).__name__}: {error}"))
            if debug:
                traceback.print_exc()
            else:
                say("  " + translate(N_("Run the same command with --debug before its name to see where, and report it with this number.")))
            return JinguiError.exit_code
        return result if isinstance(result, int) else 0


def translate_help(command: click.Command, translate: Translate) -> None:
    """Puts what a command says of itself into a language: texts given as ``help=N_("…")``."""
    if command.help:
        command.help = translate(command.help)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = translate(parameter.help)
    if isinstance(command, click.Group):
        for child in command.commands.values():
            translate_help(child, translate)


def exit_code(error: JinguiError | StorageError | MetadataError) -> int:
    """The exit code that stands for an error."""
    if isinstance(error, JinguiError):
        return error.exit_code
    return 1 if isinstance(error, _THEIRS) else JinguiError.exit_code


def say_error(error: JinguiError | StorageError | MetadataError, translate: Translate) -> None:
    """Writes an error and its remedy to standard error."""
    places = {"subject": error.subject, **error.parameters}
    say(f"jingui: {translate(error.template).format_map(places)}")
    if error.remedy:
        say(f"  {translate(error.remedy).format_map(places)}")


def say(text: str) -> None:
    """Writes a line for people to standard error."""
    click.echo(text.encode("utf-8", "backslashreplace"), err=True)


def print_json(value: object) -> None:
    """Writes a result as one JSON line, at once; text that is no UTF-8 (a file's name) is written with escapes."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode("utf-8", "backslashreplace"))
    sys.stdout.flush()


class _TextLines(logging.Formatter):
    """Log records for people. What somebody sent begins no line of its own, and is no command to a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return _harmless(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        """The trace of an error: its lines stand off the margin, where records begin."""
        return "\n".join(f"  {_harmless(line)}" for line in super().formatException(ei).splitlines())


def _harmless(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\u3000" else ascii(character)[1:-1] for character in text)


class _JsonLines(logging.Formatter):
    """Log records as JSON lines, for collectors."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # JSON takes other control characters and changes of direction as they are, a terminal acts on them
        text = json.dumps(entry, ensure_ascii=False)
        return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def set_up_logging(level: int, *, as_json: bool = False) -> None:
    """Sends logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if as_json else _TextLines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _quiet_pipe() -> int:
    """Whoever read our output has gone; the interpreter must not complain when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _PIPE_CLOSED


@click.command(
    cls=Shell,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=N_("Jingui 金匮: keeps records for ever, and proves it."),
)
@click.option(
    "--home",
    envvar="JINGUI_HOME",
    default="jingui-home",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help=N_("The repository home; also $JINGUI_HOME."),
)
@click.option("-v", "--verbose", is_flag=True, help=N_("Log what is being done."))
@click.option("--debug", is_flag=True, help=N_("Log everything, and show where errors come from."))
@click.option("--log-json", is_flag=True, envvar="JINGUI_LOG_JSON", help=N_("Logs as JSON lines."))
@click.version_option(__version__, prog_name="jingui")
@click.pass_context
def main(ctx: click.Context, home: Path, verbose: bool, debug: bool, log_json: bool) -> None:
    """Sets up what every command shares."""
    set_up_logging(logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING, as_json=log_json)
    ctx.obj = Invocation(home=home.absolute(), debug=debug, language=language_of_environment())
