"""E-ARK information packages (CSIP, SIP, AIP, DIP 2.x): written, read again and checked."""

from metadata.eark.package import InformationPackage, PackageFile, Representation, WrittenFile
from metadata.eark.reader import read_package
from metadata.eark.rules import validate_csip
from metadata.eark.violations import Level, PackageView, Violation
from metadata.eark.writer import write_package

__all__ = [
    "InformationPackage",
    "Level",
    "PackageFile",
    "PackageView",
    "Representation",
    "Violation",
    "WrittenFile",
    "read_package",
    "validate_csip",
    "write_package",
]
