"""Format identification: what a file is, on what evidence, and who says so."""

from preservation.identification.answers import Basis, Identification
from preservation.identification.batches import identify_many
from preservation.identification.engine import Release
from preservation.identification.identifier import WINDOW, FidoIdentifier, Identifier, is_unreadable
from preservation.identification.remarks import Remark, translated

__all__ = [
    "WINDOW",
    "Basis",
    "FidoIdentifier",
    "Identification",
    "Identifier",
    "Release",
    "Remark",
    "identify_many",
    "is_unreadable",
    "translated",
]
