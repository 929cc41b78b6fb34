"""Writes METS with PREMIS for N files with metsrw; run by the Python of metsrw's own environment.

Usage: python metsrw_write.py N OUT   Each file has one PREMIS object and two events, as in `tests.benchmarks.bench_metadata`.
"""

from __future__ import annotations

import sys

import metsrw
from metsrw.plugins import premisrw

META = premisrw.PREMIS_3_0_META


def _object(number: int):
    identifier = ("object_identifier", ("object_identifier_type", "path"), ("object_identifier_value", f"data/file-{number:06}.pdf"))
    fixity = tuple(
        ("fixity", ("message_digest_algorithm", name), ("message_digest", f"{number:0{length}x}"))
        for name, length in (("SHA-512", 128), ("SHA-256", 64), ("SM3", 64))
    )
    named = ("format_designation", ("format_name", "Acrobat PDF 1.4"), ("format_version", "1.4"))
    registry = ("format_registry", ("format_registry_name", "PRONOM"), ("format_registry_key", "fmt/18"))
    made = ("creating_application", ("date_created_by_application", "2023-11-14T22:13:20Z"))
    characteristics = ("object_characteristics", *fixity, ("size", str(number)), ("format", named, registry), made)
    return premisrw.PREMISObject(data=("object", META, identifier, characteristics, ("original_name", f"file-{number:06}.pdf")))


def _event(number: int, kind: str):
    return premisrw.PREMISEvent(
        data=(
            "event",
            META,
            ("event_identifier", ("event_identifier_type", "UUID"), ("event_identifier_value", f"{kind}-{number}")),
            ("event_type", kind),
            ("event_date_time", "2024-05-17T09:30:00Z"),
            ("event_detail_information", ("event_detail", "Jingui 1.0")),
            ("event_outcome_information", ("event_outcome", "success")),
            (
                "linking_agent_identifier",
                ("linking_agent_identifier_type", "local"),
                ("linking_agent_identifier_value", "jingui"),
                ("linking_agent_role", "executing program"),
            ),
        )
    )


def main(count: int, out: str) -> None:
    """Builds and writes the document."""
    files = []
    for number in range(count):
        entry = metsrw.FSEntry(
            path=f"data/file-{number:06}.pdf", type="Item", file_uuid=f"{number:032x}", checksum=f"{number:064x}", checksumtype="SHA-256"
        )
        entry.add_premis_object(_object(number).serialize())
        for kind in ("format identification", "fixity check"):
            entry.add_premis_event(_event(number, kind).serialize())
        files.append(entry)
    document = metsrw.METSDocument()
    document.append_file(metsrw.FSEntry(path="data", type="Directory", children=files))
    document.write(out)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
