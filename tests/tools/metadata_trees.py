"""PREMIS and METS built as trees with lxml from the same values: slow and plain, to hold the streaming writers to."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from metadata import mets, premis, vocabularies
from metadata.times import format_moment, format_seconds

XSI = "http://www.w3.org/2001/XMLSchema-instance"
P = f"{{{premis.NAMESPACE}}}"
M = f"{{{mets.NAMESPACE}}}"
CSIP = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
XLINK = "http://www.w3.org/1999/xlink"


def canonical(root) -> bytes:
    """Canonical XML 1.0 of a tree: equal bytes for equal documents."""
    return etree.tostring(root, method="c14n")


def _add(parent, path: str, text: str = "", **attributes: str):
    for name in path.split("/"):
        parent = etree.SubElement(parent, P + name)
    parent.text = text or None
    parent.attrib.update(attributes)
    return parent


def _identified(parent, element: str, kind: str, value: str):
    inner = _add(parent, element)
    _add(inner, f"{element}Type", kind)
    _add(inner, f"{element}Value", value)
    return inner


def _derived(parent, kind: str, sources: Iterable[str]) -> None:
    if sources:
        relationship = _add(parent, "relationship")
        _add(relationship, "relationshipType", "derivation")
        _add(relationship, "relationshipSubType", "has source")
        for source in sources:
            _identified(relationship, "relatedObjectIdentifier", kind, source)


def _object(root, kind: str):
    element = _add(root, "object")
    element.set(f"{{{XSI}}}type", kind)
    return element


def _file(root, file: premis.File, prefix: str) -> None:
    element = _object(root, "file")
    _identified(element, "objectIdentifier", "path", prefix + file.path)
    if file.raw_name is not None:
        properties = _add(element, "significantProperties")
        _add(properties, "significantPropertiesType", "submitted file name (bytes in hexadecimal)")
        _add(properties, "significantPropertiesValue", file.raw_name.hex())
    characteristics = _add(element, "objectCharacteristics")
    fixities = [
        premis.Fixity(algorithm=name, digest=getattr(file.digests, field).hex(), originator=file.originator)
        for name, field in (("SHA-512", "sha512"), ("SHA-256", "sha256"), ("SM3", "sm3"))
    ]
    for one in (*fixities, *file.fixity):
        fixity = _add(characteristics, "fixity")
        _add(fixity, "messageDigestAlgorithm", one.algorithm)
        _add(fixity, "messageDigest", one.digest)
        if one.originator:
            _add(fixity, "messageDigestOriginator", one.originator)
    _add(characteristics, "size", str(file.size))
    _format(characteristics, file)
    made = format_seconds(file.modified) if file.modified is not None else ""
    if file.application or file.application_version or made:
        application = _add(characteristics, "creatingApplication")
        for name, value in (("creatingApplicationName", file.application), ("creatingApplicationVersion", file.application_version)):
            if value:
                _add(application, name, value)
        if made:
            _add(application, "dateCreatedByApplication", made)
    if file.original_name:
        _add(element, "originalName", file.original_name)
    _derived(element, "path", file.derived_from)


def _format(characteristics, file: premis.File) -> None:
    element = _add(characteristics, "format")
    if file.format_name or file.format_version or not file.puid:
        designation = _add(element, "formatDesignation")
        name = _add(designation, "formatName", file.format_name or "unknown")
        if not file.format_name:
            name.set("authority", "none")
        if file.format_version:
            _add(designation, "formatVersion", file.format_version)
    if file.puid:
        registry = _add(element, "formatRegistry")
        _add(registry, "formatRegistryName", "PRONOM")
        _add(registry, "formatRegistryKey", file.puid)
    unknown = not file.format_name and (file.format_version or not file.puid)
    note = file.format_note or ("not identified" if unknown else "")
    if note:
        _add(element, "formatNote", note)
    if file.mime:
        registry = _add(_add(characteristics, "format"), "formatRegistry")
        _add(registry, "formatRegistryName", "IANA media types")
        _add(registry, "formatRegistryKey", file.mime)


def _term(parent, tag: str, scheme: str, label: str) -> None:
    address = vocabularies.address(scheme, label)
    _add(parent, tag, label, **({"valueURI": address} if address else {}))


def _links(element, objects) -> None:
    for link in objects:
        inner = _identified(element, "linkingObjectIdentifier", link.kind, link.identifier)
        if link.role:
            _term(inner, "linkingObjectRole", "eventRelatedObjectRole", link.role)


def _event(root, event: premis.Event) -> None:
    element = _add(root, "event")
    _identified(element, "eventIdentifier", "UUID", event.identifier)
    _term(element, "eventType", "eventType", event.type)
    _add(element, "eventDateTime", format_moment(event.at))
    if event.detail:
        _add(element, "eventDetailInformation/eventDetail", event.detail)
    if event.outcome or event.outcome_note:
        outcome = _add(element, "eventOutcomeInformation")
        if event.outcome:
            _term(outcome, "eventOutcome", "eventOutcome", event.outcome)
        if event.outcome_note:
            _add(outcome, "eventOutcomeDetail/eventOutcomeDetailNote", event.outcome_note)
    for link in event.agents:
        inner = _identified(element, "linkingAgentIdentifier", "local", link.identifier)
        if link.role:
            _term(inner, "linkingAgentRole", "eventRelatedAgentRole", link.role)
    _links(element, event.objects)


def _rights(root, statement: premis.Rights) -> None:
    element = _add(root, "rights/rightsStatement")
    _identified(element, "rightsStatementIdentifier", "local", statement.identifier)
    if statement.basis == "statute":
        _add(element, "rightsBasis", "statute")
        information = _add(element, "statuteInformation")
        _add(information, "statuteJurisdiction", statement.jurisdiction)
        _add(information, "statuteCitation", statement.citation)
        note = "statuteNote"
    else:
        _add(element, "rightsBasis", "other")
        information = _add(element, "otherRightsInformation")
        _add(information, "otherRightsBasis", statement.basis)
        note = "otherRightsNote"
    if statement.note:
        _add(information, note, statement.note)
    if statement.act:
        granted = _add(element, "rightsGranted")
        _add(granted, "act", statement.act)
        for limit in statement.restrictions:
            _add(granted, "restriction", limit)
        if statement.start:
            term = _add(granted, "termOfGrant")
            _add(term, "startDate", statement.start)
            if statement.end:
                _add(term, "endDate", statement.end)
    _links(element, statement.objects)


def build_premis(*, objects=(), files=(), events=(), agents=(), rights=(), prefix=""):
    """The same document as `metadata.premis.write`, as a tree."""
    root = etree.Element(P + "premis", nsmap={None: premis.NAMESPACE, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", f"{premis.NAMESPACE} https://www.loc.gov/standards/premis/premis.xsd")
    root.set("version", "3.0")
    for one in objects:
        whole = isinstance(one, premis.IntellectualEntity)
        element = _object(root, "intellectualEntity" if whole else "representation")
        _identified(element, "objectIdentifier", "package" if whole else "representation", one.identifier)
        if one.name:
            _add(element, "originalName", one.name)
        if not whole:
            _derived(element, "representation", one.derived_from)
    for file in files:
        _file(root, file, prefix)
    for event in events:
        _event(root, event)
    for agent in agents:
        element = _add(root, "agent")
        _identified(element, "agentIdentifier", "local", agent.identifier)
        if agent.name:
            _add(element, "agentName", agent.name)
        if agent.kind:
            _term(element, "agentType", "agentType", agent.kind)
        for name, value in (("agentVersion", agent.version), ("agentNote", agent.note)):
            if value:
                _add(element, name, value)
    for statement in rights:
        _rights(root, statement)
    _one_a_line(root, 1)
    return root


def _one_a_line(element, depth: int) -> None:
    element.text = "\n"
    for child in element:
        child.tail = "\n"
        if depth > 1:
            _one_a_line(child, depth - 1)


def build_mets(document: mets.MetsDocument):
    """The same document as `metadata.mets.write`, as a tree."""
    root = etree.Element(M + "mets", nsmap={None: mets.NAMESPACE, "csip": CSIP, "xlink": XLINK, "xsi": XSI})
    pairs = ((mets.NAMESPACE, "mets/mets.xsd"), (XLINK, "xlink/xlink.xsd"))
    addresses = {name: f"https://www.loc.gov/standards/{path}" for name, path in pairs}
    addresses[CSIP] = "https://earkcsip.dilcis.eu/schema/DILCISExtensionMETS.xsd"
    location = " ".join(f"{name} {addresses[name]}" for name in (mets.NAMESPACE, CSIP, XLINK))
    _set(
        root,
        {
            f"{{{XSI}}}schemaLocation": location,
            "OBJID": document.identifier,
            "LABEL": document.label,
            "TYPE": document.type,
            f"{{{CSIP}}}CONTENTINFORMATIONTYPE": document.content_information_type,
            "PROFILE": document.profile,
        },
    )
    header = _sub(root, "metsHdr", CREATEDATE=document.created, LASTMODDATE=document.modified, RECORDSTATUS=document.record_status)
    _set(header, {f"{{{CSIP}}}OAISPACKAGETYPE": document.package_kind})
    header.text = "\n"
    for agent in document.agents:
        element = _sub(header, "agent", ROLE=agent.role, OTHERROLE=agent.other_role, TYPE=agent.type, OTHERTYPE=agent.other_type)
        _sub(element, "name", tail=None).text = agent.name
        if agent.note:
            note = _sub(element, "note", tail=None)
            note.text = agent.note
            _set(note, {f"{{{CSIP}}}NOTETYPE": agent.note_type})
    for kind, value in document.alternatives:
        _sub(header, "altRecordID", TYPE=kind).text = value
    for section in document.descriptive:
        _reference(_sub(root, "dmdSec", ID=section.identifier, CREATED=section.file.created, STATUS="CURRENT"), section)
    if document.provenance:
        administrative = _sub(root, "amdSec")
        administrative.text = "\n"
        for section in document.provenance:
            _reference(_sub(administrative, "digiprovMD", ID=section.identifier, STATUS="CURRENT"), section)
    if document.groups:
        section = _sub(root, "fileSec", ID="files")
        section.text = "\n"
        for group in document.groups:
            _group(section, group)
    structure = _sub(root, "structMap", ID="structure", TYPE="PHYSICAL", LABEL="CSIP")
    structure.text = "\n"
    _division(structure, document.structure)
    root.text = "\n"
    return root


def _set(element, attributes) -> None:
    for name, value in attributes.items():
        if value:
            element.set(name, value)


def _sub(parent, name: str, *, tail: str | None = "\n", **attributes: str):
    element = etree.SubElement(parent, M + name)
    element.tail = tail
    _set(element, attributes)
    return element


def _reference(section, one: mets.MetadataFile) -> None:
    element = _sub(section, "mdRef", tail=None, LOCTYPE="URL")
    file = one.file
    _set(
        element,
        {
            f"{{{XLINK}}}type": "simple",
            f"{{{XLINK}}}href": mets.href(file.path),
            "MDTYPE": one.type,
            "OTHERMDTYPE": one.other_type,
            "MDTYPEVERSION": one.version,
            "MIMETYPE": file.mime,
            "SIZE": str(file.size),
            "CREATED": file.created,
            "CHECKSUM": file.digest,
            "CHECKSUMTYPE": file.algorithm,
        },
    )


def _group(section, group: mets.FileGroup) -> None:
    element = _sub(section, "fileGrp", ID=group.identifier, USE=group.use)
    _set(element, {f"{{{CSIP}}}CONTENTINFORMATIONTYPE": "OTHER", f"{{{CSIP}}}OTHERCONTENTINFORMATIONTYPE": "archival record"})
    element.text = "\n"
    for number, file in enumerate(group.files, 1):
        inner = _sub(
            element,
            "file",
            ID=f"{group.file_prefix}{number}",
            MIMETYPE=file.mime,
            SIZE=str(file.size),
            CREATED=file.created,
            CHECKSUM=file.digest,
            CHECKSUMTYPE=file.algorithm,
        )
        location = _sub(inner, "FLocat", tail=None, LOCTYPE="URL")
        _set(location, {f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": mets.href(file.path)})


def _division(parent, division: mets.StructureDivision) -> None:
    element = _sub(
        parent,
        "div",
        ID=division.identifier,
        LABEL=division.label,
        DMDID=" ".join(division.descriptive),
        ADMID=" ".join(division.administrative),
    )
    element.text = "\n"
    if division.mets:
        pointer = _sub(element, "mptr", LOCTYPE="URL")
        _set(
            pointer, {f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": mets.href(division.mets), f"{{{XLINK}}}title": division.mets_title}
        )
    for group in division.groups:
        _sub(element, "fptr", FILEID=group)
    for below in division.divisions:
        _division(element, below)
