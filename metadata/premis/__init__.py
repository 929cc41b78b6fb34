"""PREMIS 3.0: objects, events, agents and rights as values, written and read as a stream."""

from metadata.premis.reader import read
from metadata.premis.values import (
    Agent,
    AgentLink,
    Entity,
    Event,
    File,
    FileDigests,
    Fixity,
    IntellectualEntity,
    ObjectLink,
    RepresentationObject,
    Rights,
)
from metadata.premis.writer import NAMESPACE, write

__all__ = [
    "NAMESPACE",
    "Agent",
    "AgentLink",
    "Entity",
    "Event",
    "File",
    "FileDigests",
    "Fixity",
    "IntellectualEntity",
    "ObjectLink",
    "RepresentationObject",
    "Rights",
    "read",
    "write",
]
