"""Declared against received: number of files, bytes, and every digest that the package states of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from ingest.sip import Declared, PackageTree, Role, Sip
from repository.findings import N_, Finding, Property, failure, not_checked, passed
from storage.digests import ALGORITHMS, Digester

_BLOCK: Final = 1 << 20
#: Digests of a length that depends on who asks, and others that `hashlib` has but that prove nothing, are not checked.
_UNUSABLE: Final = frozenset({"shake_128", "shake_256"})


def compare(tree: PackageTree, sip: Sip) -> list[Finding]:
    """Compares what a package declares with what was received.

    SHA-512, SHA-256 and SM3 were made while unpacking; a file is read once more only where another digest is declared of it,
    then for all of these at once.

    Args:
        tree: the package as received.
        sip: what its profile read.

    Returns:
        a failure for each file that is missing, unreadable, or has another digest or size than declared, and for wrong totals; a
        check not made where an algorithm is not available; one pass that says how many digests match.
    """
    findings: list[Finding] = []
    by_path: dict[str, list[Declared]] = {}
    for declared in sip.declared:
        by_path.setdefault(declared.path, []).append(declared)
    matching = 0
    unavailable: set[tuple[str, str]] = set()
    for path, statements in by_path.items():
        if path not in tree.files:
            findings.append(_missing(path, statements))
            continue
        findings += _sizes(tree, path, statements)
        received = _digests(tree, path, statements)
        if isinstance(received, Finding):
            findings.append(received)
            continue
        for declared in statements:
            if not declared.digest:
                continue
            actual = received.get(declared.algorithm)
            if actual is None:
                unavailable.add((declared.source, declared.algorithm))
            elif actual != declared.digest.lower():
                findings.append(_mismatch(path, declared, actual))
            else:
                matching += 1
    findings += (_unavailable(source, algorithm) for source, algorithm in sorted(unavailable))
    findings += _totals(tree, sip)
    if matching:
        findings.append(
            passed(
                "DIGESTS_MATCH",
                Property.INTEGRITY,
                tree.name,
                N_("{count} digests that the package declares match what was received."),
                count=matching,
            )
        )
    return findings


def _missing(path: str, statements: list[Declared]) -> Finding:
    return failure(
        "MANIFEST_FILE_MISSING",
        Property.INTEGRITY,
        path,
        N_("“{subject}” is missing: {source} lists it, but it is not in the package."),
        N_("Put the file into the package, or make the list again if it does not belong there."),
        source=", ".join(dict.fromkeys(declared.source for declared in statements)),
    )


def _sizes(tree: PackageTree, path: str, statements: list[Declared]) -> Iterator[Finding]:
    actual = tree.files[path].size
    for declared in statements:
        if declared.size is not None and declared.size != actual:
            yield failure(
                "DECLARED_SIZE_MISMATCH",
                Property.INTEGRITY,
                path,
                N_("The size of “{subject}” is a mismatch: {source} declares {expected} bytes, received were {actual}."),
                N_("Send the file again, or correct the size that is declared."),
                source=declared.source,
                expected=declared.size,
                actual=actual,
            )


def _digests(tree: PackageTree, path: str, statements: list[Declared]) -> Mapping[str, str] | Finding:
    file = tree.files[path]
    asked = {declared.algorithm for declared in statements if declared.digest}
    known: dict[str, str] = {name: file.digests.hex(name) for name in ALGORITHMS if name in asked}
    others = tuple(sorted(name for name in asked - known.keys() if _available(name)))
    if not others:
        return known
    digester = Digester(others)
    try:
        with tree.open(path) as stream:
            while block := stream.read(_BLOCK):
                digester.update(block)
    except OSError as error:
        return failure(
            "FILE_UNREADABLE",
            Property.INTEGRITY,
            path,
            N_("“{subject}” is unreadable: {reason}."),
            N_("Check the disk of the work folder, and ingest the package again."),
            reason=error.strerror or type(error).__name__,
        )
    return {**known, **dict(zip(others, digester.hexdigests().values(), strict=True))}


def _mismatch(path: str, declared: Declared, actual: str) -> Finding:
    return failure(
        "MANIFEST_DIGEST_MISMATCH",
        Property.INTEGRITY,
        path,
        N_("The {algorithm} digest of “{subject}” is a mismatch: {source} declares {expected}, received was {actual}."),
        N_("The file was changed after the list was made: send the original again, or make the list again if the change was meant."),
        algorithm=declared.algorithm,
        source=declared.source,
        expected=declared.digest,
        actual=actual,
    )


def _unavailable(source: str, algorithm: str) -> Finding:
    return not_checked(
        "MANIFEST_NOT_CHECKED",
        Property.INTEGRITY,
        source,
        N_("The digests in “{subject}” were not checked: the algorithm {algorithm} is not available here."),
        N_("Ask for a manifest with SHA-512, SHA-256 or SM3."),
        algorithm=algorithm,
    )


def _totals(tree: PackageTree, sip: Sip) -> Iterator[Finding]:
    if sip.declared_files is None and sip.declared_bytes is None:
        return
    content = [placement.source for placement in sip.placements if placement.role is Role.CONTENT]
    size = sum(tree.files[path].size for path in content)
    if sip.declared_files is not None and sip.declared_files != len(content):
        yield failure(
            "DECLARED_COUNT_MISMATCH",
            Property.INTEGRITY,
            tree.name,
            N_("The number of files is a mismatch: “{subject}” declares {expected}, received were {actual}."),
            N_("Compare the package with the original: files are missing or were added."),
            expected=sip.declared_files,
            actual=len(content),
        )
    if sip.declared_bytes is not None and sip.declared_bytes != size:
        yield failure(
            "DECLARED_BYTES_MISMATCH",
            Property.INTEGRITY,
            tree.name,
            N_("The size of the content is a mismatch: “{subject}” declares {expected} bytes, received were {actual}."),
            N_("Compare the package with the original: files are missing, were added or were changed."),
            expected=sip.declared_bytes,
            actual=size,
        )


def _available(algorithm: str) -> bool:
    if algorithm in _UNUSABLE:
        return False
    try:
        hashlib.new(algorithm)
    except ValueError:
        return False
    return True
