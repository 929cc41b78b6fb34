"""Where objects lie in a storage root, and what the root says of itself (OCFL 1.1 §4; extension 0003).

A store holds the storage root below ``ocfl`` and, beside it, what is being written below ``staging`` and what was taken out
of its place below ``quarantine``. An object's folder has the same name in all of them, and its place in the storage root
follows from that name alone.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final
from urllib.parse import unquote

ROOT: Final = "ocfl"
STAGING: Final = "staging"
QUARANTINE: Final = "quarantine"
SPECIFICATION: Final = "https://ocfl.io/1.1/spec/"

#: NAMASTE declarations: file name and content.
ROOT_DECLARATION: Final = ("0=ocfl_1.1", b"ocfl_1.1\n")
OBJECT_DECLARATION: Final = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")

EXTENSION: Final = "0003-hash-and-id-n-tuple-storage-layout"
_TUPLES: Final = 3
_TUPLE_SIZE: Final = 3
_LONGEST_NAME: Final = 100
_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

LAYOUT: Final = (
    "ocfl_layout.json",
    json.dumps(
        {"extension": EXTENSION, "description": "Three levels of folders by the SHA-256 of the identifier, then the identifier."},
        indent=2,
    ).encode()
    + b"\n",
)
CONFIGURATION: Final = (
    f"extensions/{EXTENSION}/config.json",
    json.dumps(
        {
            "extensionName": EXTENSION,
            "digestAlgorithm": "sha256",
            "tupleSize": _TUPLE_SIZE,
            "numberOfTuples": _TUPLES,
            "shortObjectRoot": False,
        },
        indent=2,
    ).encode()
    + b"\n",
)

#: OCFL 1.1 §4.5: a local extension is documented by a text in the storage root.
LOCAL_EXTENSION: Final = (
    "sm3-digest-algorithm.md",
    b"""# Local extension: digest algorithm sm3

Fixity blocks in this storage root use one algorithm name beyond those of the OCFL specification.

| Digest algorithm name | Note |
| --- | --- |
| `sm3` | SM3 as defined by GB/T 32905-2016 and ISO/IEC 10118-3:2018, in hexadecimal (base16, RFC 4648) |

The `sm3` digest of a zero-length bitstream is `1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b`.

Content is addressed by `sha512` alone; a client that does not know `sm3` can leave these values unread.
""",
)


def folder_name(object_id: str) -> str:
    """The name of an object's own folder (0003): the identifier percent-encoded, cut off and completed by its digest where it is long."""
    encoded = "".join(chr(byte) if byte in _SAFE else f"%{byte:02x}" for byte in object_id.encode())
    if len(encoded) > _LONGEST_NAME:
        return f"{encoded[:_LONGEST_NAME]}-{_digest(object_id)}"
    return encoded


def root_key_of(name: str) -> str:
    """The key of the object root with this folder name (0003: tuples of the identifier's SHA-256, then the folder)."""
    digest = name[_LONGEST_NAME + 1 :] if len(name) > _LONGEST_NAME else _digest(unquote(name))
    tuples = [digest[start : start + _TUPLE_SIZE] for start in range(0, _TUPLES * _TUPLE_SIZE, _TUPLE_SIZE)]
    return "/".join((ROOT, *tuples, name))


def root_key(object_id: str) -> str:
    """The key of an object's root."""
    return root_key_of(folder_name(object_id))


def _digest(object_id: str) -> str:
    return hashlib.sha256(object_id.encode()).hexdigest()
