"""The folders of an E-ARK package (CSIP 2.1 chapter 4, CSIPSTR1–CSIPSTR16)."""

from __future__ import annotations

from typing import Final

from metadata.eark.violations import FILE, FOLDER, Level, PackageView, Report

_ROOT: Final = (
    ("CSIPSTR5", Level.SHOULD, "metadata"),
    ("CSIPSTR6", Level.SHOULD, "metadata/preservation"),
    ("CSIPSTR7", Level.SHOULD, "metadata/descriptive"),
    ("CSIPSTR9", Level.SHOULD, "representations"),
)
#: Folders that may as well lie in every representation.
_ANYWHERE: Final = (("CSIPSTR15", "schemas"), ("CSIPSTR16", "documentation"))


def check_structure(view: PackageView, report: Report) -> None:
    """Notes folders and files that are not where they belong."""
    if "METS.xml" not in view.sizes:
        report.add("CSIPSTR4", Level.MUST, view.name, FILE, file="METS.xml")
    folders = set(view.folders)
    for code, level, folder in _ROOT:
        if folder not in folders:
            report.add(code, level, view.name, FOLDER, folder=folder)
    representations = sorted(folder for folder in folders if folder.startswith("representations/") and folder.count("/") == 1)
    if "representations" in folders and not representations:
        report.add("CSIPSTR10", Level.SHOULD, "representations", FOLDER, folder="representations/…")
    for representation in representations:
        for code, name in (("CSIPSTR11", "data"), ("CSIPSTR13", "metadata")):
            if f"{representation}/{name}" not in folders:
                report.add(code, Level.SHOULD, representation, FOLDER, folder=f"{representation}/{name}")
        if f"{representation}/METS.xml" not in view.sizes:
            report.add("CSIPSTR12", Level.SHOULD, representation, FILE, file=f"{representation}/METS.xml")
    for code, name in _ANYWHERE:
        if name not in folders and not any(f"{representation}/{name}" in folders for representation in representations):
            report.add(code, Level.SHOULD, view.name, FOLDER, folder=name)
