"""How long the console's lists take over a large catalogue on SQLite, as a person waits for them.

    python -m tests.benchmarks.bench_lists [--files 1000000] [--rounds 20] [--folder /dev/shm] [--keep FOLDER]

The home has a record for every ten files, with its package's rows, copies and submission (`tests.tools.large_catalogue`).
Every page goes through the whole application, from the request to the last byte of HTML, with the session of somebody who
may see it. The peer, in the same run, is the plainest program that could answer: one indexed SELECT of thirty rows by
Python's own sqlite3, written out as rows of a table.
"""

from __future__ import annotations

import argparse
import html
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from repository.app import create_app
from repository.archive import Archive
from repository.home import make_home
from repository.settings import SETTINGS_FILE
from tests.tools.console import Visitor, add_people
from tests.tools.large_catalogue import fill, record_id

#: Who, and which page.
PAGES: Sequence[tuple[str, str, str]] = (
    ("records, newest", "archivist", "/records/"),
    ("records, of one agency", "archivist", "/records/?unit=杭州市民政局"),
    ("records, two filters", "archivist", "/records/?year=2024&retention=D30"),
    ("records, of one format", "archivist", "/records/?format=fmt/412"),
    ("search, common words", "archivist", "/records/?q=食品经营许可"),
    ("search, a rare number", "archivist", "/records/?q=杭20240000012"),
    ("search, words and filter", "archivist", "/records/?q=变更&year=2023"),
    ("records, for a researcher", "researcher", "/records/"),
    ("search, for a researcher", "researcher", "/records/?q=教师资格认定"),
    ("one record", "archivist", f"/records/{record_id(4321)}"),
    ("submissions", "archivist", "/ingest/"),
    ("submissions, rejected", "archivist", "/ingest/?state=rejected"),
    ("overview, archivist", "archivist", "/"),
    ("overview, preservation", "preservation-officer", "/"),
    ("jobs", "archivist", "/jobs"),
    ("logbook", "audit-administrator", "/log"),
)


class Times(NamedTuple):
    """Seconds: the middle, and what 95 of 100 stay below."""

    middle: float
    p95: float


def measured(act: Callable[[], object], rounds: int) -> Times:
    """Times of so many rounds, the first of them too: nobody warms a page up before reading it."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    times.sort()
    return Times(statistics.median(times), times[min(len(times) - 1, int(0.95 * len(times)))])


def plain_list(database: Path) -> str:
    """What the peer does."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT id, title, unit, year FROM record ORDER BY changed_at DESC LIMIT 30").fetchall()
    return "".join(f"<tr>{''.join(f'<td>{html.escape(value)}</td>' for value in row)}</tr>" for row in rows)


def main() -> None:
    """Makes the home, asks for every page, prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the home is made")
    parser.add_argument("--keep", type=Path, help="a home to use, made there if it is absent, and kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        home = chosen.keep or Path(folder) / "home"
        if not home.exists():
            make_home(home).close()
            settings = home / SETTINGS_FILE
            settings.write_text('search_engine = "database"\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")
            archive = Archive.open(home)
            add_people(archive)
            started = time.perf_counter()
            records = fill(archive, files=chosen.files)
            archive.close()
            print(f"{chosen.files:,} files, {records:,} records, filled and indexed in {time.perf_counter() - started:.0f} s\n", flush=True)
        archive = Archive.open(home)
        try:
            report(archive, chosen.rounds)
        finally:
            archive.close()


def report(archive: Archive, rounds: int) -> None:
    """Prints the table."""
    app = create_app(archive)
    visitors: dict[str, Visitor] = {}
    peer = measured(lambda: plain_list(archive.home / "catalogue.sqlite"), rounds)
    print("| page | median | p95 | peers' medians |\n|---|---|---|---|")
    for title, role, address in PAGES:
        if role not in visitors:
            visitors[role] = Visitor(app)
            visitors[role].log_in(role)
        visitor = visitors[role]
        answer = visitor.get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status}")
        times = measured(lambda visitor=visitor, address=address: visitor.get(address), rounds)  # type: ignore[misc]
        print(f"| {title} | {times.middle * 1000:.0f} ms | {times.p95 * 1000:.0f} ms | {times.middle / peer.middle:.0f} × |", flush=True)
    print(f"\nPeer: {peer.middle * 1000:.1f} ms.")


if __name__ == "__main__":
    main()
