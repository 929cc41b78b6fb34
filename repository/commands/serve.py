"""``jingui serve`` and ``jingui worker``."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from repository.cli import Invocation, pass_invocation, say
from repository.errors import UsageError
from repository.findings import N_

if TYPE_CHECKING:
    from repository.archive import Archive
    from repository.jobs.consuming import CeleryWorker

logger = logging.getLogger(__name__)

_THREADS: Final = 8
_LOOK_SECONDS: Final = 0.25


@click.command(help=N_("Web, workers and timetable in one command, until Ctrl-C."))
@click.option("--host", default="127.0.0.1", show_default=True, help=N_("Address to listen at."))
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help=N_("Port to listen at; 0: any that is free."))
@click.option("--workers", type=click.IntRange(0, 64), help=N_("Worker processes; by default as the settings say."))
@click.option("--demo", is_flag=True, help=N_("Fill an empty home with demo accounts and packages."))
@pass_invocation
def serve(invocation: Invocation, host: str, port: int, workers: int | None, demo: bool) -> None:
    """Serves the home, which is made if there is none."""
    from repository.home import make_home
    from repository.jobs.recovery import recover
    from repository.jobs.supervisor import Supervisor, Ticker
    from repository.search.pending import prepare

    translate = invocation.translate
    archive = make_home(invocation.home)
    try:
        with _only_server(archive.settings.under_home("serve.lock")):
            if archive.settings.broker_url:
                from repository.jobs.delivery import celery_app

                # a missing library is said here, not by workers that come and go
                celery_app(archive.settings.broker_url)
            server = _listen(archive, host, port)
            ended = _ending()
            click.echo(translate(N_("Repository home: {home}")).format(home=archive.home))
            for done in recover(archive):
                click.echo(translate(N_("Recovered: {done}")).format(done=done))
            prepare(archive)
            if demo:
                _offer_demo(invocation, archive, host)
            ticker = Ticker(archive)
            supervisor = Supervisor(archive.home, archive.settings.workers if workers is None else workers, options=_options(invocation))
            try:
                ticker.start()
                threading.Thread(target=server.run, name="web", daemon=True).start()
                address = _address(host, server.effective_port)
                click.echo(translate(N_("Listening at {address}")).format(address=address))
                _offer_setup(invocation, archive, address)
                sys.stdout.flush()
                while not ended.wait(_LOOK_SECONDS):
                    supervisor.look_after()
            finally:
                server.close()
                supervisor.end()
                ticker.end()
                _write_journal(archive)
            click.echo(translate(N_("Ended.")))
    finally:
        archive.close()


@click.command(help=N_("A worker process more, for instance on another machine; until Ctrl-C."))
@click.option("--supervised", is_flag=True, hidden=True)
@click.option("--until-idle", is_flag=True, help=N_("End when no job is left to begin."))
@pass_invocation
def worker(invocation: Invocation, supervised: bool, until_idle: bool) -> None:
    """Takes jobs until told to end: those that the broker brings or, without one and to get done what is left, those in the table."""
    from repository.jobs.supervisor import Ticker, watch_parent
    from repository.jobs.worker import Worker

    with invocation.archive() as archive:
        working: Worker | CeleryWorker
        if archive.settings.broker_url and not until_idle:
            from repository.jobs.consuming import CeleryWorker

            working = CeleryWorker(archive)
        else:
            working = Worker(archive)
        working.listen_to_signals()
        if supervised:
            watch_parent(working.stop)
            working.run(until_large=True)
            return
        ticker = Ticker(archive)
        ticker.start()
        try:
            count = working.run(until_idle=until_idle) if isinstance(working, Worker) else working.run()
        finally:
            ticker.end()
        say(invocation.translate(N_("Jobs done: {count}")).format(count=count))


def _ending() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    ended = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
    return ended


@contextmanager
def _only_server(path: Path) -> Iterator[None]:
    """Holds the lock that says that this home is being served on this machine."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                N_("{subject} is being served by another process already."),
                subject=str(path.parent),
                remedy=N_("End that one first, or add workers with “jingui worker”."),
            ) from None
        yield
    finally:
        os.close(descriptor)


def _listen(archive: Archive, host: str, port: int) -> Any:
    """The web server, bound to its port but not yet answering."""
    import waitress

    from repository.app import create_app

    app = create_app(archive)
    logging.getLogger("waitress").setLevel(logging.WARNING)
    try:
        return waitress.create_server(
            app,
            host=host,
            port=port,
            threads=_THREADS,
            ident=None,
            max_request_body_size=archive.settings.upload_limit_bytes,
            channel_timeout=300,
            # without a web server in front, nobody's word counts for where a request came from
            clear_untrusted_proxy_headers=not archive.settings.proxies,
        )
    except OSError as error:
        address = _address(host, port)
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                N_("{subject} is in use by another program."), subject=address, remedy=N_("Choose another port with --port.")
            ) from error
        raise UsageError(
            N_("Nothing can listen at {subject}: {reason}."),
            subject=address,
            remedy=N_("Choose an address of this machine with --host and a port you may use with --port."),
            reason=error.strerror or str(error),
        ) from error


def _offer_demo(invocation: Invocation, archive: Archive, host: str) -> None:
    """Makes the demo accounts and has a worker load the packages, if the home is empty; prints how to log in."""
    from repository.demo.accounts import ACCOUNTS, PASSWORD, begin_demo, is_demo

    translate = invocation.translate
    if not begin_demo(archive) and not is_demo(archive):
        say(translate(N_("The home is not empty, so no demo data is added.")))
        return
    click.echo(translate(N_("Demo accounts, all with the password {password}:")).format(password=PASSWORD))
    for account in ACCOUNTS:
        click.echo(f"  {account.name:<12} {translate(account.title)}")
    if not _is_loopback(host):
        warning = N_("Everybody who can reach {host} can log in with these accounts: do not keep real records here.")
        say(translate(warning).format(host=host))


def _offer_setup(invocation: Invocation, archive: Archive, address: str) -> None:
    """Prints where the first administrators are made, as long as there is no account."""
    from repository.accounts.first_run import offer_setup

    key = offer_setup(archive)
    if key is not None:
        translate = invocation.translate
        click.echo(translate(N_("There is no account yet. Make the three administrators at this address, which works once:")))
        click.echo(f"  {address}setup?key={key}")


def _write_journal(archive: Archive) -> None:
    """Leaves nothing to the catalogue alone; what fails is written at the next start."""
    from repository.journal import JournalBehind, flush

    try:
        flush(archive)
    except JournalBehind as error:
        logger.warning("%s", error.message)


def _options(invocation: Invocation) -> tuple[str, ...]:
    """The options of this command line that its workers get too."""
    if invocation.debug:
        return ("--debug",)
    return ("--verbose",) if logging.getLogger().isEnabledFor(logging.INFO) else ()


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
