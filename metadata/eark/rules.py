"""Checks a package against the E-ARK specifications CSIP and SIP 2.1, requirement by requirement.

Requirements are named by their own numbers (CSIP58, CSIPSTR4, SIP3; https://earkcsip.dilcis.eu, https://earksip.dilcis.eu).
METS documents are read as streams; what is wrong becomes a violation, never an exception.
"""

from __future__ import annotations

from datetime import datetime

from metadata.eark.document import check_document
from metadata.eark.structure import check_structure
from metadata.eark.violations import UNREADABLE, Level, PackageView, Report, Violation
from metadata.errors import MetadataError


def validate_csip(view: PackageView, *, now: datetime) -> list[Violation]:
    """Everything in which a package differs from CSIP 2.1, and from SIP 2.1 where it says that it is one.

    Args:
        view: the package.
        now: the present time with its zone; dates must not lie after it.

    Returns:
        Violations of all levels: a package that meets every MUST may still have some. Empty if there are none.
    """
    report = Report()
    check_structure(view, report)
    documents = ["METS.xml"] if "METS.xml" in view.sizes else []
    documents += sorted(path for path in view.sizes if path.startswith("representations/") and path.split("/")[2:] == ["METS.xml"])
    for path in documents:
        try:
            check_document(view, path, report, now=now)
        except (MetadataError, OSError) as error:
            code = "CSIPSTR4" if path == "METS.xml" else "CSIPSTR12"
            report.add(code, Level.MUST, path, UNREADABLE, reason=error)
    return report.close()
