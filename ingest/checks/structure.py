"""Checks on the package as a set of files: is there anything in it, is anything empty, are the names fit for other systems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.sip import PackageTree, Role, Sip
from repository.findings import N_, Finding, Property, failure, is_valid, warning

#: Characters that other systems cannot have in a name, and marks that make a name look like another one (DA/T 70 GD-1-6).
_ODD: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|\ufffd\u202a-\u202e\u2066-\u2069]')


def check_content(tree: PackageTree, sip: Sip) -> Iterator[Finding]:
    """A package without content has nothing to keep; a file of no bytes has probably lost them."""
    content = [placement.source for placement in sip.placements if placement.role is Role.CONTENT]
    if not content:
        yield failure(
            "PACKAGE_EMPTY",
            Property.INTEGRITY,
            tree.name,
            N_("The package “{subject}” has no content: no file to be kept, only what describes it or nothing at all."),
            N_("Check that the package was made and sent whole."),
        )
    told = {finding.subject for finding in sip.findings if not is_valid((finding,))}
    for path in content:
        if tree.files[path].size == 0 and path not in told:
            yield warning(
                "FILE_EMPTY",
                Property.INTEGRITY,
                path,
                N_("“{subject}” has no bytes in it: expected content, found a file of 0 bytes."),
                N_("Ask the sender whether the file is meant to be empty."),
            )


def check_names(tree: PackageTree, sip: Sip) -> Iterator[Finding]:
    """Names are kept as they came; those that will be in somebody's way later are said."""
    del sip
    for path in tree.files:
        match = _ODD.search(path)
        if match:
            yield warning(
                "NAME_ODD",
                Property.USABILITY,
                path,
                N_("The name “{subject}” has the character U+{point}, which some systems cannot have in a name or show as something else."),
                N_("The name is kept as it is. Ask the sender to avoid such characters in new packages."),
                point=f"{ord(match.group()):04X}",
            )
        elif any(part.endswith((" ", ".")) or part.startswith(" ") for part in path.split("/")):
            yield warning(
                "NAME_ODD",
                Property.USABILITY,
                path,
                N_("A part of the name “{subject}” begins or ends with a blank, or ends with a full stop; some systems drop these."),
                N_("The name is kept as it is. Ask the sender to avoid such names in new packages."),
            )
