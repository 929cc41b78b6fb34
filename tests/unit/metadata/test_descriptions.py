"""Descriptions as our own record, as Dublin Core and from EAD; the element table of DA/T 46."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings

from metadata import dat46, dublin_core, ead, schemas
from metadata.description import Description, Element
from metadata.errors import MalformedXml, UnsafeXml
from tests.tools.information_packages import descriptions, sample

SCHEMA = schemas.load(dat46.SCHEMA_FILE)


def recorded(description: Description) -> bytes:
    out = io.BytesIO()
    dat46.write_record(out, description)
    return out.getvalue()


@settings(deadline=None, max_examples=40)
@given(description=descriptions)
def test_a_record_comes_back_equal_whatever_characters_it_holds(description):
    assert dat46.read_record(io.BytesIO(recorded(description)), "record.xml") == description


@settings(deadline=None, max_examples=40)
@given(description=descriptions)
def test_a_record_is_valid_by_the_schema_that_goes_with_it(description):
    assert schemas.validate(io.BytesIO(recorded(description)), "record.xml", SCHEMA, [f"{{{dat46.NAMESPACE}}}element"]) == []


def test_fields_carry_the_codes_of_da_t_46_with_the_scheme_before_them():
    text = recorded(sample().description).decode()
    assert '<title element="DAT46:M22">张三-门牌证明</title>' in text
    assert '<identifier element="DAT46:M7">33040113-01-02-003-2018-30年-00017</identifier>' in text


def test_the_table_of_da_t_46_has_its_88_elements():
    assert [element.number for element in dat46.ELEMENTS] == list(range(1, 89))
    by_code = {element.code: element for element in dat46.ELEMENTS}
    assert by_code["DAT46:M22"].chinese == "题名"
    assert by_code["DAT46:M46"].container
    assert by_code["DAT46:M26"].repeatable


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (b"<record/>", MalformedXml),
        (b"<!DOCTYPE record><record/>", UnsafeXml),
        (f'<record xmlns="{dat46.NAMESPACE}"><title encoding="base64">!</title></record>'.encode(), MalformedXml),
    ],
)
def test_what_is_no_record_of_ours_is_refused(document, kind):
    with pytest.raises(kind):
        dat46.read_record(io.BytesIO(document), "record.xml")


def test_dublin_core_says_the_same_in_fifteen_words():
    out = io.BytesIO()
    dublin_core.write(out, sample().description, publisher="虚构市档案馆")
    read = dublin_core.read(io.BytesIO(out.getvalue()), "dc.xml")
    assert (read.title, read.unit, read.dates) == ("张三-门牌证明", "虚构市民政局", ("2018-06-21",))
    assert Element(scheme="dc", name="publisher", value="虚构市档案馆") in read.elements


def test_dublin_core_of_others_is_read_in_any_of_its_namespaces():
    document = b'<r xmlns:t="http://purl.org/dc/terms/"><t:title> A  </t:title><t:creator>B</t:creator><t:creator>C</t:creator><x/></r>'
    read = dublin_core.read(io.BytesIO(document), "dc.xml")
    assert (read.title, read.creators) == ("A", ("B", "C"))


def test_ead_gives_the_highest_level():
    document = b"""<ead xmlns="urn:isbn:1-931666-22-9"><archdesc><did><unittitle>Papers of <b>A</b></unittitle>
      <unitid>F 1</unitid><unitdate>1998/2001</unitdate><origination><corpname>Office</corpname></origination></did>
      <dsc><c><did><unittitle>Letters</unittitle></did></c></dsc></archdesc></ead>"""
    read = ead.read(io.BytesIO(document), "ead.xml")
    assert (read.title, read.identifier, read.dates, read.unit, read.year) == ("Papers of A", "F 1", ("1998/2001",), "Office", "1998")
