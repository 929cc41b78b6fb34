"""Keeps the Chinese catalogue complete: every text marked for translation has one, with the same places.

``python -m tests.tools.translations`` checks and exits 1 where something is missing; ``--update`` first gathers the
marked texts of the sources into the catalogue, keeping the translations that are there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "repository/translations/zh_Hans_CN/LC_MESSAGES/messages.po"
PLACES = re.compile(r"\{\w*\}|%\(\w+\)[sd]")


def gather() -> Catalog:
    """Every text marked in the sources, read with the same tool that translators use."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        options = ["--mapping-file=babel.cfg", "--keywords=N_", "--no-location", "--sort-output", f"--output-file={template}"]
        subprocess.run([sys.executable, "-m", "babel.messages.frontend", "-q", "extract", *options, "."], cwd=ROOT, check=True)
        with template.open("rb") as stream:
            return read_po(stream)


def places(text: str) -> set[str]:
    """The places for values in a text."""
    return set(PLACES.findall(text))


def faults(wanted: Catalog, catalogue: Catalog) -> list[str]:
    """What is wrong with the catalogue: missing, fuzzy, no longer in the sources, or with other places than the source text."""
    found = ["the header is marked as unsure (fuzzy), so nothing would be compiled"] if catalogue.fuzzy else []
    for message in wanted:
        if not message.id:
            continue
        key = message.id[0] if isinstance(message.id, tuple) else message.id
        translated = catalogue.get(key)
        texts = _texts(translated)
        if not texts or not all(texts):
            found.append(f"no translation: {key!r}")
        elif translated is not None and translated.fuzzy:
            found.append(f"unsure translation (fuzzy): {key!r}")
        elif any(places(text) not in _allowed(message) for text in texts):
            found.append(f"other places than the source: {key!r} -> {texts[0]!r}")
    known = {message.id for message in wanted}
    found += [f"no longer in the sources: {message.id!r}" for message in catalogue if message.id not in known]
    return found


def _allowed(message: Message) -> list[set[str]]:
    """The places that a translation may have: those of the text, or of its plural, since Chinese has one form for both."""
    return [places(text) for text in ((message.id,) if isinstance(message.id, str) else message.id)]


def _texts(message: Message | None) -> tuple[str, ...]:
    if message is None or not message.string:
        return ()
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string,)


def main(arguments: list[str]) -> int:
    """Checks, after ``--update`` gathers."""
    wanted = gather()
    with CATALOGUE.open("rb") as stream:
        catalogue = read_po(stream, locale="zh_Hans_CN")
    if "--update" in arguments:
        catalogue.update(wanted, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        # a catalogue whose header is marked as unsure is not compiled at all
        catalogue.fuzzy = False
        with CATALOGUE.open("wb") as stream:
            write_po(stream, catalogue, sort_output=True, width=120, omit_header=False)
    found = faults(wanted, catalogue)
    for fault in found:
        print(fault)
    print(f"{sum(1 for message in wanted if message.id)} texts, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
