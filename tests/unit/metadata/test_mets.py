"""METS written as text: the same document that lxml builds, and references that mean the file they were made from."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from metadata import mets
from metadata.errors import MalformedXml
from metadata.mets import FileGroup, HeaderAgent, MetadataFile, MetsDocument, MetsFile, MetsReader, StructureDivision, href, path_of
from metadata.mets.reader import FileItem, Group, Header, Root, Section, StructureMap
from tests.tools.information_packages import paths, texts, words
from tests.tools.metadata_trees import build_mets, canonical

identifiers = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
mets_files = st.builds(
    MetsFile,
    path=paths,
    size=st.integers(0, 2**63 - 1),
    mime=words,
    created=st.just("2024-05-17T09:30:00Z"),
    digest=st.just("ab" * 32),
    algorithm=st.just("SHA-256"),
)
references = st.builds(MetadataFile, identifier=identifiers, file=mets_files, type=st.just("OTHER"), other_type=texts, version=texts)
leaves = st.builds(
    StructureDivision,
    identifier=identifiers,
    label=words,
    groups=st.lists(identifiers, max_size=2).map(tuple),
    mets=st.one_of(st.just(""), paths),
    mets_title=identifiers,
)
documents = st.builds(
    MetsDocument,
    identifier=words,
    label=texts,
    type=st.just("Mixed"),
    content_information_type=st.just("MIXED"),
    profile=words,
    package_kind=st.just("AIP"),
    created=st.just("2024-05-17T09:30:00Z"),
    modified=st.just("2024-05-17T09:30:00Z"),
    record_status=texts,
    agents=st.lists(
        st.builds(HeaderAgent, role=words, type=words, name=words, other_role=texts, other_type=texts, note=texts, note_type=texts),
        max_size=2,
    ).map(tuple),
    alternatives=st.lists(st.tuples(words, words), max_size=1).map(tuple),
    descriptive=st.lists(references, max_size=2).map(tuple),
    provenance=st.lists(references, max_size=2).map(tuple),
    groups=st.lists(
        st.builds(FileGroup, identifier=identifiers, use=words, files=st.lists(mets_files, max_size=2).map(tuple), file_prefix=identifiers),
        max_size=2,
    ).map(tuple),
    structure=st.builds(
        StructureDivision,
        identifier=identifiers,
        label=words,
        descriptive=st.lists(identifiers, max_size=2).map(tuple),
        administrative=st.lists(identifiers, max_size=2).map(tuple),
        divisions=st.lists(leaves, max_size=2).map(tuple),
    ),
)


def written(document):
    out = io.BytesIO()
    mets.write(out, document)
    return out.getvalue()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(document=documents)
def test_the_text_is_canonically_the_tree_that_lxml_builds(document):
    assert canonical(etree.fromstring(written(document))) == canonical(build_mets(document))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(document=documents)
def test_every_part_is_read_as_it_was_written(document):
    parts = list(MetsReader(io.BytesIO(written(document)), "METS.xml"))
    assert isinstance(parts[0], Root)
    assert parts[0].attributes["OBJID"] == document.identifier
    (header,) = (part for part in parts if isinstance(part, Header))
    assert header.alternatives == document.alternatives
    assert [agent.name for agent in header.header_agents()] == [agent.name for agent in document.agents]
    expected = [(group.use, file.path, str(file.size)) for group in document.groups for file in group.files]
    found = [(part.group["USE"], part.path, part.attributes["SIZE"]) for part in parts if isinstance(part, FileItem)]
    assert found == expected
    assert [part.files for part in parts if isinstance(part, Group)] == [len(group.files) for group in document.groups]
    sections = [(part.kind, part.attributes["ID"]) for part in parts if isinstance(part, Section)]
    assert sections == [("dmdSec", one.identifier) for one in document.descriptive] + [
        ("digiprovMD", one.identifier) for one in document.provenance
    ]
    (structure,) = (part for part in parts if isinstance(part, StructureMap))
    assert [below.attributes["LABEL"] for below in structure.divisions[0].divisions] == [
        below.label for below in document.structure.divisions
    ]


@given(path=paths)
def test_a_reference_is_a_uri_and_means_the_path(path):
    reference = href(path)
    assert reference.isascii()
    assert not set(reference) & set(' "<>\\^`{|}#?:\n')
    assert path_of(reference) == path


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("file:///data/a%20b.txt", "data/a b.txt"),
        ("file://./data/a.txt", "data/a.txt"),
        ("file:data/a.txt", "data/a.txt"),
        ("./data/a.txt", "data/a.txt"),
        ("data/%E9%87%91.pdf", "data/金.pdf"),
        ("data/%FF.pdf", "data/%FF.pdf"),
    ],
)
def test_references_of_other_systems_are_understood(reference, path):
    assert path_of(reference) == path


def test_files_of_nested_groups_belong_to_the_inner_one():
    document = (
        f'<mets xmlns="{mets.NAMESPACE}"><fileSec><fileGrp USE="outer"><fileGrp USE="a"><file ID="1"/><file ID="2"/></fileGrp>'
        '<fileGrp USE="b"/></fileGrp><fileGrp USE="c"><file ID="3"/></fileGrp></fileSec></mets>'
    )
    parts = list(MetsReader(io.BytesIO(document.encode()), "METS.xml"))
    assert [(part.attributes["ID"], part.group["USE"]) for part in parts if isinstance(part, FileItem)] == [
        ("1", "a"),
        ("2", "a"),
        ("3", "c"),
    ]
    counts = [(part.attributes["USE"], part.files, part.groups) for part in parts if isinstance(part, Group)]
    assert counts == [("a", 2, 0), ("b", 0, 0), ("outer", 0, 2), ("c", 1, 0)]


def test_a_document_of_another_kind_is_not_mets():
    with pytest.raises(MalformedXml, match="not a METS document"):
        list(MetsReader(io.BytesIO(b"<html/>"), "METS.xml"))
