"""Errors of ingest that mean "cannot continue with this package"."""

from __future__ import annotations

from collections.abc import Sequence

from repository.errors import JinguiError
from repository.findings import N_, Finding


class PackageRefused(JinguiError):
    """A package that must not be opened further: hostile, broken or unreadable. The sender's matter, with every finding.

    Args:
        findings: all that is wrong, as far as it could be seen without opening the package further.
        subject: the package.
    """

    code = "PACKAGE_REFUSED"
    exit_code = 1
    http_status = 422

    def __init__(self, findings: Sequence[Finding], *, subject: str = "") -> None:
        self.findings = tuple(findings)
        super().__init__(
            N_("The package {subject} cannot be taken in: {count} findings."),
            subject=subject,
            remedy=N_("See the findings; correct the package and hand it in again."),
            count=len(self.findings),
        )
