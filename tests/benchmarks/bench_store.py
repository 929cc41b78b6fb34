"""Stores against plain tools: writing against `cp -r`, re-reading against `bagit.py --validate` and `sha256sum`.

    python tests/benchmarks/bench_store.py [--files 10000] [--size 7000] [--rounds 3] [--folder /dev/shm] [--durable]

Every round runs each side once, one after the other, on the same files; what is printed are the medians and the ratio.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import bagit

from storage.digests import Digests
from storage.ocfl.reader import StorageRoot
from storage.ocfl.verify import CopyOutcome, check_copy
from storage.ocfl.writer import NewFile, VersionPlan, plan_version
from storage.replicas import write_everywhere
from storage.stores.local import LocalStore

OBJECT = "urn:uuid:bench"


def make_files(folder: Path, count: int, size: int) -> list[NewFile]:
    files = []
    for number in range(count):
        path = f"data/{number // 250:05d}/{number}.bin"
        source = folder / path
        source.parent.mkdir(parents=True, exist_ok=True)
        content = os.urandom(size)
        source.write_bytes(content)
        digests = Digests(hashlib.sha512(content).digest(), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())
        files.append(NewFile(path, str(source), size, digests))
    return files


def new_stores(folder: Path) -> list[LocalStore]:
    stores = []
    for name in ("a", "b"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
        stores.append(LocalStore(name, folder / name))
        StorageRoot(stores[-1]).create()
    return stores


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copy_and_digest(folder: Path) -> None:
    for name in ("plain-a", "plain-b"):
        subprocess.run(["cp", "-r", folder / "source", folder / name], check=True)
        subprocess.run(
            ["sh", "-c", f"find {folder / name} -type f -print0 | xargs -0 -P2 -n500 sha256sum"], check=True, stdout=subprocess.DEVNULL
        )


def write_both(stores: list[LocalStore], plan: VersionPlan, *, durable: bool) -> None:
    assert all(result.verified for result in write_everywhere(stores, plan, required=2, durable=durable))


def audit(store: LocalStore, expected: dict[str, tuple[int, bytes]]) -> None:
    assert check_copy(store, OBJECT, expected=expected).outcome is CopyOutcome.MATCH


def show(what: str, ours: list[float], theirs: list[float], peer: str) -> None:
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{what}: {mine:.2f} s; {peer}: {other:.2f} s; ratio {mine / other:.2f} ({other / mine:.1f} times as fast)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=7_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--durable", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as temporary:
        folder = Path(temporary)
        files = make_files(folder / "source", chosen.files, chosen.size)
        plan = plan_version(
            object_id=OBJECT, previous=None, files=files, message="bench", user_name="bench", user_address="", created=datetime.now(UTC)
        )
        expected = {f"v1/content/{file.logical_path}": (file.size, file.digests.sha256) for file in files}
        shutil.copytree(folder / "source", folder / "bag")
        bagit.make_bag(str(folder / "bag"), checksums=["sha256"])
        validate = [sys.executable, bagit.__file__, "--validate", "--processes", "2", "--quiet", str(folder / "bag")]
        writing, copying, auditing, validating = [], [], [], []
        for _ in range(chosen.rounds):
            stores = new_stores(folder)
            writing.append(timed(partial(write_both, stores, plan, durable=chosen.durable)))
            for name in ("plain-a", "plain-b"):
                shutil.rmtree(folder / name, ignore_errors=True)
            copying.append(timed(lambda: copy_and_digest(folder)))
            auditing.append(timed(partial(audit, stores[0], expected)))
            validating.append(timed(lambda: subprocess.run(validate, check=True)))
        print(f"{chosen.files} files of {chosen.size} bytes, {chosen.rounds} rounds, {os.cpu_count()} processors")
        show("two stores written and re-read", writing, copying, "cp -r twice and sha256sum of both")
        show("audit of one copy", auditing, validating, "bagit.py --validate --processes 2")


if __name__ == "__main__":
    main()
