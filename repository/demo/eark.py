"""One package in the European form: an E-ARK SIP, as an agency that bought a system from elsewhere sends it."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta, timezone
from pathlib import Path
from typing import Final

from metadata.description import Description, Element
from metadata.eark import InformationPackage, PackageFile, Representation, write_package
from metadata.premis import FileDigests
from metadata.service_affairs import document_kind
from metadata.vocabularies import PackageKind
from repository.demo.cases import DemoCase
from repository.demo.faults import Files

#: 北京时间, which every time of the invented city is in.
_CHINA: Final = timezone(timedelta(hours=8))
_MIMES: Final = {
    "pdf": "application/pdf",
    "ofd": "application/ofd",
    "jpg": "image/jpeg",
    "html": "text/html",
    "xml": "application/xml",
    "txt": "text/plain",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def write_submission(folder: Path, files: Files, case: DemoCase) -> None:
    """Writes a case as an E-ARK SIP (CSIP 2.x): its materials as one representation, its fields as descriptive metadata."""
    at = case.archived.replace(tzinfo=_CHINA)
    content = {path: data for path, data in files.items() if document_kind(path) is None}
    folder.mkdir(parents=True)
    for path, data in content.items():
        target = folder / "representations/original/data" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        os.utime(target, (at.timestamp(), at.timestamp()))
    write_package(
        folder,
        InformationPackage(
            kind=PackageKind.SIP,
            identifier=case.identifier,
            created=at,
            modified=at,
            archive="云栖市档案馆",
            software="云栖市规划审批系统",
            software_version="4.2",
            description=_description(case),
            label=case.title,
            record_status="NEW",
            creator=case.agency.name,
            representations=(Representation(id="original", files=[_file(path, data, at.timestamp()) for path, data in content.items()]),),
        ),
    )


def _description(case: DemoCase) -> Description:
    return Description(
        identifier=case.identifier,
        title=case.title,
        unit=case.agency.name,
        affair_code=case.affair.code,
        affair=case.affair.name,
        affair_type=case.affair.kind,
        case_number=case.number,
        applicant=case.applicant,
        dates=(case.finished.isoformat(),),
        year=str(case.finished.year),
        retention="Y" if case.retention == "永久" else f"D{case.retention.removesuffix('年')}",
        language="chi",
        elements=(
            Element(scheme="DAT46", name="M22", label="题名", value=case.title),
            Element(scheme="DAT46", name="M12", label="保管期限", value=case.retention),
        ),
        process=case.steps(),
    )


def _file(path: str, data: bytes, modified: float) -> PackageFile:
    return PackageFile(
        path=path,
        size=len(data),
        digests=FileDigests(*(hashlib.new(name, data).digest() for name in ("sha512", "sha256", "sm3"))),
        mime=_MIMES.get(path.rpartition(".")[2], ""),
        modified=modified,
    )
