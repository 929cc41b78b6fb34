"""Checks on what a package says of its record, whatever the profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ingest.sip import PackageTree, Sip
from repository.findings import N_, Finding, Property, failure

#: Classifications (密级) that a system without secrecy clearance must not hold: law on guarding state secrets, Art. 9, 30.
STATE_SECRETS: Final = frozenset({"秘密", "机密", "绝密"})


def check_classification(tree: PackageTree, sip: Sip) -> Iterator[Finding]:
    """A state secret must not come in."""
    security = sip.description.security.strip()
    if security in STATE_SECRETS and not any(finding.code == "STATE_SECRET" for finding in sip.findings):
        yield failure(
            "STATE_SECRET",
            Property.SAFETY,
            tree.name,
            N_("The record “{subject}” is classified “{security}”: state secrets must not be taken into this system."),
            N_("Hand the record over by the channel for classified files, or have it declassified first."),
            security=security,
        )
