"""Checks on the XML files of a package: nothing that reaches outside the document, and well-formed.

What describes the record must be safe and readable, or the package is refused. An XML file of the content is kept as it
came and is no danger to us, but it is to whoever opens it: entities and document types in it are refused too, except the
public document types of web pages and drawings, which every such file of that time begins with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.sip import PackageTree, ReceivedFile, Role, Sip
from metadata.errors import MalformedXml, MetadataError, UnsafeXml
from metadata.xml import iterate
from repository.findings import N_, Finding, Property, failure, warning

#: Names by which a file says that it is XML.
SUFFIXES: Final = (".xml", ".xsd", ".xsl", ".xslt", ".rdf", ".svg", ".xhtml", ".kml", ".gml")
#: How much of a file is looked at for its document type.
_HEAD: Final = 64 * 1024
_PUBLIC: Final = re.compile(
    rb"<!DOCTYPE\s+(?:html|svg)(?:\s+PUBLIC\s+[\"']-//(?:W3C|IETF)//[^\"'<>]*[\"'](?:\s*[\"'][^\"'<>]*[\"'])?)?\s*>", re.IGNORECASE
)


def check_xml(tree: PackageTree, sip: Sip) -> Iterator[Finding]:
    """Parses every XML file with the hardened parser, as a stream."""
    roles = {placement.source: placement.role for placement in sip.placements}
    for path, file in tree.files.items():
        if file.size and path.lower().endswith(SUFFIXES):
            found = _check(tree, file, content=roles[path] is Role.CONTENT)
            if found is not None:
                yield found


def _check(tree: PackageTree, file: ReceivedFile, *, content: bool) -> Finding | None:
    try:
        with tree.open(file.path) as stream:
            for _ in iterate(stream, file.path, ("*",)):
                pass
    except UnsafeXml as error:
        if content and error.code == "XML_DOCTYPE" and _has_public_type(tree, file):
            return warning(
                "XML_PUBLIC_DOCTYPE",
                Property.SAFETY,
                file.path,
                N_("“{subject}” names a public document type; programs that fetch it reach out of the archive."),
                N_("The file is kept as it is. Open it with a program that does not fetch document types."),
            )
        return _finding(error, Property.SAFETY, refuse=not content or error.code == "XML_DOCTYPE")
    except MalformedXml as error:
        return _finding(error, Property.USABILITY, refuse=not content)
    return None


def _has_public_type(tree: PackageTree, file: ReceivedFile) -> bool:
    with tree.open(file.path) as stream:
        head = stream.read(_HEAD)
    return _PUBLIC.search(head) is not None


def _finding(error: MetadataError, property: Property, *, refuse: bool) -> Finding:
    make = failure if refuse else warning
    return make(error.code, property, error.subject, error.template, error.remedy, **error.parameters)
