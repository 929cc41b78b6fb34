"""PREMIS written as text: the same document that lxml builds of the same values, and back to the same values."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from metadata import premis
from metadata.errors import MalformedXml, MetadataError, UnsafeXml
from metadata.premis import Event, File, Fixity, IntellectualEntity, RepresentationObject, lines
from metadata.xml import iterate, text_of
from tests.tools.information_packages import MOMENT, agents, events, file_of, files, names, rights, sample, texts, words
from tests.tools.metadata_trees import build_premis, canonical

objects = st.one_of(
    st.builds(RepresentationObject, identifier=words, name=texts, derived_from=st.lists(words, max_size=2).map(tuple)),
    st.builds(IntellectualEntity, identifier=words, name=texts),
)
documents = st.fixed_dictionaries(
    {
        "objects": st.lists(objects, max_size=2),
        "files": st.lists(files, max_size=3),
        "events": st.lists(events, max_size=3),
        "agents": st.lists(agents, max_size=2),
        "rights": st.lists(rights, max_size=2),
    }
).filter(lambda document: any(document.values()))


def written(document, prefix=""):
    out = io.BytesIO()
    premis.write(out, **document, prefix=prefix)
    return out.getvalue()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents, prefix=st.sampled_from(["", "representations/original/data/"]))
def test_every_entity_comes_back_equal_and_in_order(document, prefix):
    expected = [one for kind in ("objects", "files", "events", "agents", "rights") for one in document[kind]]
    assert list(premis.read(io.BytesIO(written(document, prefix)), "premis.xml", prefix=prefix)) == expected


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents)
def test_what_is_taken_apart_at_once_says_the_same_as_element_by_element(document):
    once = written(document)
    # an element that we never write says nothing, but leaves no entity in our form
    again = once.replace(b"</event>", b"<x/></event>").replace(b"</object>", b"<x/></object>")
    assert list(premis.read(io.BytesIO(once), "premis.xml")) == list(premis.read(io.BytesIO(again), "premis.xml"))


def test_our_own_form_is_taken_apart_at_once():
    file = file_of(
        "a b/材料.pdf", puid="fmt/18", format_name="PDF", mime="application/pdf", modified=1.5, raw_name=b"\xb2", derived_from=("a", "b")
    )
    plain = file_of("b")
    document = written({"files": [file, plain], "events": sample().events})
    elements = [text_of(element) for element in iterate(io.BytesIO(document), "premis.xml", ["{*}object", "{*}event"])]
    events = [event for event in map(lines.event, elements[2:]) if event]
    assert [lines.file(text, "") for text in elements[:2]] == [file, plain]
    assert events == [event for event in sample().events if not {"&", "<", ">"} & set(event.detail + event.outcome_note)]
    assert events


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents, prefix=names.map(lambda name: name + "/"))
def test_the_text_is_canonically_the_tree_that_lxml_builds(document, prefix):
    tree = build_premis(**document, prefix=prefix)
    assert canonical(etree.fromstring(written(document, prefix))) == canonical(tree)


def test_the_three_digests_and_the_registry_key_stand_where_premis_wants_them():
    file = file_of("a.pdf", puid="fmt/18", format_name="Acrobat PDF", format_version="1.4", originator="Jingui 1.0")
    root = etree.fromstring(written({"files": [file]}))
    p = {"p": premis.NAMESPACE}
    assert root.xpath("//p:fixity/p:messageDigestAlgorithm/text()", namespaces=p) == ["SHA-512", "SHA-256", "SM3"]
    assert root.xpath("//p:fixity/p:messageDigest/text()", namespaces=p)[2] == file.digests.sm3.hex()
    assert set(root.xpath("//p:fixity/p:messageDigestOriginator/text()", namespaces=p)) == {"Jingui 1.0"}
    assert root.xpath("string(//p:formatRegistryName)", namespaces=p) == "PRONOM"
    assert root.xpath("string(//p:formatRegistryKey)", namespaces=p) == "fmt/18"


def test_an_event_type_of_the_vocabulary_names_its_address():
    root = etree.fromstring(written({"events": [Event(identifier="e", type="fixity check", at=MOMENT, outcome="fail")]}))
    p = {"p": premis.NAMESPACE}
    assert root.xpath("string(//p:eventType/@valueURI)", namespaces=p) == "http://id.loc.gov/vocabulary/preservation/eventType/fix"
    assert root.xpath("string(//p:eventOutcome/@valueURI)", namespaces=p) == "http://id.loc.gov/vocabulary/preservation/eventOutcome/fai"


def test_words_for_people_lose_what_xml_cannot_carry_but_names_are_refused():
    event = Event(identifier="e", type="ingestion", at=MOMENT, detail="bell \x07")
    (read,) = premis.read(io.BytesIO(written({"events": [event]})), "premis.xml")
    assert read.detail == "bell \ufffd"
    with pytest.raises(MetadataError) as refused:
        written({"files": [file_of("bell\x07")]})
    assert refused.value.code == "XML_CHARACTER"


def test_a_document_of_another_system_is_read_as_far_as_it_goes():
    document = f"""<p:premis xmlns:p="{premis.NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0">
      <p:object xsi:type="p:file">
        <p:objectIdentifier><p:objectIdentifierType>local</p:objectIdentifierType>
          <p:objectIdentifierValue>f1</p:objectIdentifierValue></p:objectIdentifier>
        <p:objectCharacteristics>
          <p:fixity><p:messageDigestAlgorithm>MD5</p:messageDigestAlgorithm><p:messageDigest>00ff</p:messageDigest></p:fixity>
          <p:size>12</p:size>
          <p:format><p:formatDesignation><p:formatName>text/plain</p:formatName></p:formatDesignation></p:format>
        </p:objectCharacteristics>
        <p:originalName>a.txt</p:originalName>
      </p:object></p:premis>"""
    assert list(premis.read(io.BytesIO(document.encode()), "premis.xml")) == [
        File(
            path="f1",
            size=12,
            digests=None,
            format_name="text/plain",
            original_name="a.txt",
            fixity=(Fixity(algorithm="MD5", digest="00ff"),),
        )
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((b"<size>8</size>", b"<size>many</size>"), "many"),
        ((b"2024-05-17T", b"yesterdayT"), "yesterday"),
        ((b'xsi:type="file"', b'xsi:type="folder"'), "folder"),
    ],
)
def test_a_value_that_makes_no_sense_is_told(change, told):
    whole = written({"files": [file_of("a")], "events": sample().events})
    with pytest.raises(MalformedXml, match=told):
        list(premis.read(io.BytesIO(whole.replace(*change)), "premis.xml"))


def test_what_is_not_premis_3_says_so():
    with pytest.raises(MalformedXml, match="holds no PREMIS 3"):
        list(premis.read(io.BytesIO(b'<premis xmlns="info:lc/xmlns/premis-v2"><object/></premis>'), "premis.xml"))
    with pytest.raises(UnsafeXml):
        list(premis.read(io.BytesIO(b"<!DOCTYPE premis><premis/>"), "premis.xml"))
