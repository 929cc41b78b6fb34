"""METS 1.12 as E-ARK packages use it: header, references to metadata files, file section, structural map."""

from metadata.mets.entries import FileEntries, file_entries
from metadata.mets.reader import Division, Header, MetsReader, Pointer, Root, Section
from metadata.mets.values import FileGroup, HeaderAgent, MetadataFile, MetsDocument, MetsFile, StructureDivision, href, path_of
from metadata.mets.writer import NAMESPACE, write

__all__ = [
    "NAMESPACE",
    "Division",
    "FileEntries",
    "FileGroup",
    "Header",
    "HeaderAgent",
    "MetadataFile",
    "MetsDocument",
    "MetsFile",
    "MetsReader",
    "Pointer",
    "Root",
    "Section",
    "StructureDivision",
    "file_entries",
    "href",
    "path_of",
    "write",
]
