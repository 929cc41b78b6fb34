"""Ingest against the plain programs that move and digest the same bytes: ``python -m tests.benchmarks.bench_ingest``.

The package is one zip of many small files of the kinds that service affairs bring. The peer does what must at least be
done: ``unzip``, ``cp -r`` to two places, ``sha256sum`` of both. Runs alternate; the ratio is that of the medians. Memory is
the proportional set size of all processes of the command together. Modules are compiled before the first counted run, as those of
an installed program are. The last run has durable writes on, to show fsync apart.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from PIL import Image

_WORDS = ("档案", "移交", "申请", "受理", "决定", "许可", "办理", "结果", "材料", "agency", "record", "archive", "permit", "2024")


def make_package(path: Path, files: int, *, seed: int = 1) -> int:
    """Writes a zip of small files (7 KB on average); says how many bytes they have."""
    chance = random.Random(seed)
    makers = (_text, _xml, _html, _jpeg, _pdf, _png, _docx, _pdf)
    total = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(files):
            suffix, content = makers[number % len(makers)](chance)
            total += len(content)
            archive.writestr(f"package/{number // 200:03d}/材料-{number:06d}.{suffix}", content)
    return total


def _prose(chance: random.Random, size: int) -> str:
    return " ".join(chance.choices(_WORDS, k=size // 7))


def _text(chance: random.Random) -> tuple[str, bytes]:
    return "txt", _prose(chance, chance.randint(2000, 12000)).encode()


def _xml(chance: random.Random) -> tuple[str, bytes]:
    return "xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<case><text>{_prose(chance, 6000)}</text></case>'.encode()


def _html(chance: random.Random) -> tuple[str, bytes]:
    return "html", f"<!DOCTYPE html><html><head><title>x</title></head><body><p>{_prose(chance, 6000)}</p></body></html>".encode()


def _picture(chance: random.Random, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (48, 48), chance.randbytes(48 * 48 * 3)).save(stream, kind)
    return stream.getvalue()


def _jpeg(chance: random.Random) -> tuple[str, bytes]:
    return "jpg", _picture(chance, "JPEG")


def _png(chance: random.Random) -> tuple[str, bytes]:
    return "png", _picture(chance, "PNG")


def _pdf(chance: random.Random) -> tuple[str, bytes]:
    page = chance.randbytes(chance.randint(3000, 15000))
    return "pdf", b"%%PDF-1.4\n1 0 obj<</Length %d>>stream\n%b\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n" % (len(page), page)


def _docx(chance: random.Random) -> tuple[str, bytes]:
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/word/document.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", "<Relationships/>")
        archive.writestr("word/document.xml", f"<w:document>{_prose(chance, 9000)}</w:document>")
    return "docx", stream.getvalue()


class Memory(threading.Thread):
    """Samples the memory of a process and all its descendants; `peak` in MiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        """Samples ten times a second."""
        while not self._ended.wait(0.1):
            self.peak = max(self.peak, sum(map(_proportional_set, _tree(self._pid))) / 1024)

    def stop(self) -> float:
        """Ends and says the peak."""
        self._ended.set()
        self.join()
        return self.peak


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return found


def _proportional_set(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def ingest(package: Path, folder: Path, compiled: Path, *, durable: bool) -> tuple[float, float]:
    """Seconds and MiB of one `jingui ingest` into a new home."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    environment = {**os.environ, "JINGUI_DURABLE_WRITES": str(durable).lower(), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    program = [sys.executable, "-m", "repository", "--home", str(home)]
    subprocess.run([*program, "init"], check=True, env=environment, stdout=subprocess.DEVNULL)
    if compiled.exists():
        shutil.copytree(compiled, home / "formats/compiled")
    begun = time.perf_counter()
    process = subprocess.Popen([*program, "ingest", "--json", str(package)], env=environment, stdout=subprocess.PIPE)
    memory = Memory(process.pid)
    memory.start()
    said, _ = process.communicate()
    seconds = time.perf_counter() - begun
    peak = memory.stop()
    if process.returncode != 0 or b'"stored"' not in said:
        raise SystemExit(f"ingest failed: {said.decode()[:2000]}")
    if not compiled.exists():
        shutil.copytree(home / "formats/compiled", compiled)
    return seconds, peak


def peer(package: Path, folder: Path) -> float:
    """Seconds of unzip, two copies and their digests."""
    place = folder / "peer"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    begun = time.perf_counter()
    subprocess.run(["unzip", "-q", str(package), "-d", "x"], cwd=place, check=True)
    subprocess.run(["cp", "-r", "x", "a"], cwd=place, check=True)
    subprocess.run(["cp", "-r", "x", "b"], cwd=place, check=True)
    subprocess.run("find a b -type f -print0 | xargs -0 sha256sum > digests", shell=True, cwd=place, check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Makes the package, runs both in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; a memory file system shows the programs rather than the disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        package = folder / "package.zip"
        size = make_package(package, options.files)
        compiled = folder / "compiled"
        small = folder / "small.zip"
        make_package(small, 1)
        ingest(small, folder, compiled, durable=False)
        ours, theirs, peaks = [], [], []
        for _ in range(options.runs):
            theirs.append(peer(package, folder))
            seconds, peak = ingest(package, folder, compiled, durable=False)
            ours.append(seconds)
            peaks.append(peak)
        durable, _ = ingest(package, folder, compiled, durable=True)
    own, other = statistics.median(ours), statistics.median(theirs)
    print(f"{options.files} files, {size / 1e6:.0f} MB, package.zip, two copies, every byte re-read; median of {options.runs}")
    print(
        f"jingui ingest                        {own:8.2f} s   {options.files / own:8.0f} files/s   peak {max(peaks):.0f} MiB, all processes"
    )
    print(f"unzip + cp -r twice + sha256sum      {other:8.2f} s")
    print(f"ratio                                {own / other:8.2f}")
    print(f"jingui ingest with durable writes    {durable:8.2f} s   (fsync of every file and folder of both copies: {durable - own:.2f} s)")


if __name__ == "__main__":
    main()
