"""The checks of a package, by the property of the four-property detection (四性检测, DA/T 70-2018) under which they run.

What a profile found while reading is told under the property each finding names. A check is a function of the package
and of what its profile made of it, and gives findings; it never raises for what is wrong with the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ingest.checks.description import check_classification
from ingest.checks.received import compare
from ingest.checks.structure import check_content, check_names
from ingest.checks.xml import check_xml
from ingest.sip import PackageTree, Sip
from repository.findings import Finding, Property

Check = Callable[[PackageTree, Sip], Iterable[Finding]]

CHECKS: Final[Mapping[Property, tuple[Check, ...]]] = {
    Property.SAFETY: (check_xml, check_classification),
    Property.AUTHENTICITY: (),
    Property.INTEGRITY: (check_content, compare),
    Property.USABILITY: (check_names,),
}


def examine(property: Property, tree: PackageTree, sip: Sip) -> list[Finding]:
    """Every finding of one property: the profile's, then those of the checks.

    The same fault of the same thing is told once, whoever saw it first.
    """
    found = [finding for finding in sip.findings if finding.property is property]
    told = {(finding.code, finding.subject) for finding in sip.findings}
    for check in CHECKS[property]:
        found.extend(finding for finding in check(tree, sip) if (finding.code, finding.subject) not in told)
    return found
