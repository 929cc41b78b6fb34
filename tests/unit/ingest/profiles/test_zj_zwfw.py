"""The Zhejiang service-affair package: what is read, what is refused, and what is only remarked on."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ingest.profiles import folder
from ingest.profiles.zj_zwfw import profile
from ingest.sip import PackageTree, Role, Sip
from ingest.unpack import unpack
from repository.findings import Finding, Outcome, Property, is_valid
from repository.settings import UnpackLimits

IDENTIFIER = "33990113-01-02-003-2018-30年-00017"

CONFIGURATION = """<?xml version="1.0" encoding="UTF-8"?>
<description title="归档配置表">
  <servicecode title="权力事项编码">确认-00203-000</servicecode><servicename title="权力事项名称">门牌证明</servicename>
  <deptname title="部门名称">云栖市民政局</deptname><retentionperiod title="保管期限">30年</retentionperiod>
  <filingranges title="归档范围">
    <filingrange title="申请材料">
      <file><filename>申请表</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>
      <file><filename>委托书</filename><auxiliaryone>非必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>
    </filingrange>
    <filingrange title="结果">
      <file><filename>证明</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>
    </filingrange>
  </filingranges>
</description>"""
DESCRIPTION = f"""<?xml version="1.0" encoding="UTF-8"?>
<description title="基本信息描述">
  <deptname title="立档单位名称">云栖市民政局</deptname>
  <documentnumber title="电子文件号">{IDENTIFIER}</documentnumber>
  <retentionperiod title="保管期限">30年</retentionperiod>
  <archivetime title="归档时间">2018-06-22 10:05:31</archivetime>
  <eventtype title="权力事项类型">行政确认</eventtype>
  <applyname title="行政相对人名称">云知秋</applyname>
  <mobile title="行政相对人手机">10000000001</mobile>
  <contactidcard title="证件号码">11010519491231002X</contactidcard>
  <projectname title="办件名称">云知秋-门牌证明</projectname>
  <receivedepartmentname title="承办单位">云栖市民政局</receivedepartmentname>
  <receivetime title="受理（立案）时间">2018-06-20 09:00:00</receivetime>
  <transacttime title="办结时间">2018-06-21 15:30:00</transacttime>
  <projid title="业务流水号">33990113180620000017</projid>
  <projectpassword title="查询密码">123456</projectpassword>
  <servicetype title="事项类型">承诺件</servicetype>
  <kzx title="扩展项">保留</kzx>
</description>"""
PROCESS = """<?xml version="1.0" encoding="UTF-8"?>
<Opinions><Opinion nodename="受理"><Author>柏听雨</Author>
<Type>受理意见</Type><Body>受理</Body><Modified>2018-06-20 09:10:00</Modified></Opinion></Opinions>"""
GOOD = {
    "归档配置表.xml": CONFIGURATION,
    "基本信息描述.xml": DESCRIPTION,
    "办理流程.xml": PROCESS,
    "申请表.pdf": "x",
    "结果/C-002-证明.ofd": "x",
}

Read = Callable[[Mapping[str, str | bytes]], Sip]


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], PackageTree]:
    def build(files: Mapping[str, str | bytes]) -> PackageTree:
        work = tmp_path / "work"
        work.mkdir()
        source = write(tmp_path / IDENTIFIER, files)
        return unpack(source, work, limits=UnpackLimits(), progress=lambda files, size: None)[0]

    return build


@pytest.fixture
def read(unpacked: Callable[[Mapping[str, str | bytes]], PackageTree]) -> Read:
    return lambda files: profile.read(unpacked(files))


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert old in GOOD[name]
    return GOOD | {name: GOOD[name].replace(old, new)}


def failing(sip: Sip) -> list[Finding]:
    return [finding for finding in sip.findings if not is_valid([finding])]


def codes(sip: Sip) -> set[str]:
    return {finding.code for finding in sip.findings}


def test_a_package_as_it_should_be(read: Read) -> None:
    sip = read(GOOD)
    assert not sip.findings
    description = sip.description
    assert description.identifier == IDENTIFIER
    assert (description.title, description.unit, description.affair_code) == ("云知秋-门牌证明", "云栖市民政局", "确认-00203-000")
    assert (description.affair, description.affair_type, description.case_number) == ("门牌证明", "行政确认", "33990113180620000017")
    assert (description.retention, description.year, description.applicant) == ("D30", "2018", "云知秋")
    assert description.dates == ("2018-06-21T15:30:00", "2018-06-20T09:00:00", "2018-06-22T10:05:31")
    assert [(step.node, step.actor) for step in description.process] == [("受理", "柏听雨")]


def test_every_element_is_kept_and_personal_ones_are_marked(read: Read) -> None:
    elements = {(element.scheme, element.name): element for element in read(GOOD).description.elements}
    assert elements["zj-zwfw/基本信息描述", "kzx"].value == "保留"
    assert elements["zj-zwfw/基本信息描述", "kzx"].label == "扩展项"
    assert elements["zj-zwfw/归档配置表", "filingranges/filingrange[1]/file[2]/filename"].value == "委托书"
    sensitive = {name for (_, name), element in elements.items() if element.sensitive}
    assert sensitive == {"mobile", "contactidcard", "projectpassword"}


def test_documents_are_kept_as_received_and_materials_are_content(read: Read) -> None:
    roles = {placement.source: (placement.role, placement.path) for placement in read(GOOD).placements}
    assert roles["基本信息描述.xml"] == (Role.OTHER, "submission/基本信息描述.xml")
    assert roles["结果/C-002-证明.ofd"] == (Role.CONTENT, "结果/C-002-证明.ofd")


@pytest.mark.parametrize(("names", "low", "high"), [(3, 90, 100), (2, 70, 97), (1, 20, 70), (0, 0, 0)])
def test_recognition(unpacked: Callable[[Mapping[str, str | bytes]], PackageTree], names: int, low: int, high: int) -> None:
    documents = dict(list(GOOD.items())[:names])
    tree = unpacked({name.replace(".xml", ".XML"): content for name, content in documents.items()} | {"a.pdf": "x"})
    assert low <= profile.recognise(tree).score <= high
    assert (profile.recognise(tree).score > folder.profile.recognise(tree).score) == (names > 0)


@pytest.mark.parametrize(
    "element",
    ["deptname", "documentnumber", "retentionperiod", "archivetime", "eventtype", "applyname", "projectname", "receivedepartmentname"]
    + ["receivetime", "transacttime", "projid"],
)
def test_each_mandatory_element(read: Read, element: str) -> None:
    sip = read(GOOD | {"基本信息描述.xml": _emptied(DESCRIPTION, element)})
    assert [(finding.code, finding.subject, finding.parameters["element"]) for finding in failing(sip)] == [
        ("FIELD_MISSING", "基本信息描述.xml", element)
    ]
    assert failing(sip)[0].standard_code == "GD-2-4"


def _emptied(text: str, element: str) -> str:
    before, start, rest = text.partition(f"<{element} ")
    opening, _, rest = rest.partition(">")
    return f"{before}{start}{opening}>{rest[rest.index('<') :]}"


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("基本信息描述.xml", "2018-06-21 15:30:00", "2018-06-19 15:30:00", "DATE_ORDER"),
        ("基本信息描述.xml", "2018-06-21 15:30:00", "2018-02-30 15:30:00", "DATE_UNREADABLE"),
        ("基本信息描述.xml", "30年</", "若干年</", "RETENTION_UNKNOWN"),
        ("基本信息描述.xml", "30年</", "长期</", "RETENTION_FORMER_TERM"),
        ("基本信息描述.xml", "11010519491231002X", "110105194912310021", "NUMBER_CHECK_WRONG"),
        ("基本信息描述.xml", '<kzx title="扩展项">保留', '<kzx title="密级">秘密★5年', "STATE_SECRET"),
        ("基本信息描述.xml", '<kzx title="扩展项">保留', '<kzx title="密级">高', "CLASSIFICATION_UNKNOWN"),
        ("基本信息描述.xml", "云知秋-", "云知秋\ufffd-", "CHARACTER_FORBIDDEN"),
        ("基本信息描述.xml", "-00017", "-0/0017", "IDENTIFIER_CHARACTERS"),
        ("基本信息描述.xml", "<description ", '<!DOCTYPE d SYSTEM "file:///etc/passwd"><description ', "XML_DOCTYPE"),
        ("基本信息描述.xml", "</description>", "", "XML_MALFORMED"),
        ("基本信息描述.xml", "description", "beschreibung", "SERVICE_AFFAIR_ROOT"),
        ("归档配置表.xml", "确认-00203-000", "", "FIELD_MISSING"),
        ("归档配置表.xml", "filename>", "name>", "FIELD_MISSING"),
        ("办理流程.xml", "<Author>柏听雨</Author>", "", "PROCESS_INCOMPLETE"),
        ("办理流程.xml", "2018-06-20 09:10:00", "2018-06-31 09:10:00", "DATE_UNREADABLE"),
    ],
)
def test_one_thing_wrong_is_one_finding_that_names_the_file(read: Read, name: str, old: str, new: str, code: str) -> None:
    sip = read(changed(name, old, new))
    assert [(finding.code, finding.subject) for finding in failing(sip)] == [(code, name)]
    assert failing(sip)[0].remedy_text()


def test_a_state_secret_is_a_matter_of_safety(read: Read) -> None:
    sip = read(changed("基本信息描述.xml", '<kzx title="扩展项">保留', '<kzx title="密级">机密'))
    assert failing(sip)[0].property is Property.SAFETY
    assert sip.description.security == "机密"


@pytest.mark.parametrize("missing", ["归档配置表.xml", "基本信息描述.xml", "办理流程.xml"])
def test_each_document_must_be_there(read: Read, missing: str) -> None:
    sip = read({name: content for name, content in GOOD.items() if name != missing})
    assert [(finding.code, finding.subject) for finding in failing(sip)] == [("DOCUMENT_MISSING", missing.replace("xml", "XML"))]


def test_necessary_electronic_material_missing(read: Read) -> None:
    sip = read({name: content for name, content in GOOD.items() if name != "申请表.pdf"})
    assert [finding.code for finding in failing(sip)] == ["MATERIAL_MISSING"]
    assert "申请表" in failing(sip)[0].text()
    assert "归档配置表.xml" in failing(sip)[0].text()


def test_necessary_material_on_paper_asks_where_the_paper_is(read: Read) -> None:
    before, mark, after = CONFIGURATION.partition("<filename>证明</filename>")
    configuration = before + mark + after.replace("电子归档", "纸质归档")
    files = {name: content for name, content in GOOD.items() if "证明" not in name}
    sip = read(files | {"归档配置表.xml": configuration})
    assert [(finding.code, finding.outcome) for finding in sip.findings] == [("MATERIAL_ON_PAPER", Outcome.WARN)]


def test_a_material_of_one_range_does_not_stand_for_that_of_another(read: Read) -> None:
    files = {name: content for name, content in GOOD.items() if "证明" not in name} | {"申请材料/证明.pdf": "x"}
    assert "MATERIAL_MISSING" in {finding.code for finding in failing(read(files))}


def test_what_the_configuration_does_not_name_is_kept_and_said(read: Read) -> None:
    sip = read(GOOD | {"别的.pdf": "x"})
    assert [(finding.code, finding.subject) for finding in sip.findings] == [("MATERIAL_NOT_CONFIGURED", "别的.pdf")]
    assert is_valid(sip.findings)


def test_empty_files_and_links_are_refused(read: Read) -> None:
    sip = read(GOOD | {"申请表.pdf": "", "委托书.url": "[InternetShortcut]"})
    assert {(finding.code, finding.subject) for finding in failing(sip)} == {
        ("FILE_EMPTY", "申请表.pdf"),
        ("MATERIAL_IS_LINK", "委托书.url"),
    }


def test_a_penalty_without_proof_of_service_fails(read: Read) -> None:
    penalty = {"基本信息描述.xml": DESCRIPTION.replace("行政确认", "行政处罚")}
    sip = read(GOOD | penalty | {"行政处罚决定书.pdf": "x"})
    assert [finding.code for finding in failing(sip)] == ["CASE_FILE_DOCUMENT_MISSING"]
    assert "送达回证" in failing(sip)[0].text()


def test_what_exporters_get_wrong_is_read_and_reported(read: Read) -> None:
    files = {
        "归档配置表.XML": CONFIGURATION.replace("retentionperiod", "retentionperio"),
        "基本信息描述.XML": DESCRIPTION.replace("2018-06-21 15:30:00", "2018-30-21 15: 30:00").replace(
            "2018-06-20 09:00:00", "2018/6/20 9:00:00"
        ),
        "办理流程.XML": PROCESS,
        "申请表.pdf": "x",
        "证明.ofd": "x",
    }
    sip = read(files)
    assert codes(sip) == {"EXTENSION_UPPER_CASE", "ELEMENT_MISSPELT", "DATE_PATTERN_WRONG", "DATE_WRITTEN_LOCALLY", "DATE_ORDER"}
    assert {finding.outcome for finding in sip.findings if finding.code == "DATE_ORDER"} == {Outcome.NOT_CHECKED}
    assert is_valid(sip.findings)
    assert (sip.description.year, sip.description.retention) == ("2018", "D30")


def test_an_unknown_month_does_not_hide_that_the_rest_is_out_of_order(read: Read) -> None:
    text = DESCRIPTION.replace("2018-06-21 15:30:00", "2018-30-21 15: 30:00").replace("2018-06-22 10:05:31", "2018-06-01 10:05:31")
    assert [finding.code for finding in failing(read(GOOD | {"基本信息描述.xml": text}))] == ["DATE_ORDER"]


def test_former_retention_terms_are_accepted_for_old_cases(read: Read) -> None:
    text = DESCRIPTION.replace("30年</", "长期</").replace('">2018-', '">2004-')
    sip = read(GOOD | {"基本信息描述.xml": text})
    assert is_valid(sip.findings)
    assert {"RETENTION_FORMER_TERM", "BEFORE_THE_MEASURES"} <= codes(sip)


def test_a_document_in_gb18030_is_read(read: Read) -> None:
    text = DESCRIPTION.replace("UTF-8", "GB18030").encode("gb18030")
    assert read(GOOD | {"基本信息描述.xml": text}).description.applicant == "云知秋"


def test_a_package_under_another_name_is_remarked_on(read: Read) -> None:
    sip = read(changed("基本信息描述.xml", "-00017", "-00018"))
    assert codes(sip) == {"PACKAGE_NAME_DIFFERS"}
    assert is_valid(sip.findings)


def inner(name: str) -> dict[str, str]:
    return GOOD | {"基本信息描述.xml": DESCRIPTION.replace(IDENTIFIER, name)}


def packed(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_joint_case_names_the_inner_case_in_every_finding(read: Read) -> None:
    first = {f"案一/{name}": content for name, content in inner("案一").items()}
    second = packed({f"案二/{name}": content for name, content in inner("案二").items() if name != "申请表.pdf"})
    first["案一/基本信息描述.xml"] = first["案一/基本信息描述.xml"].replace("云知秋</applyname>", "</applyname>")
    sip = read(GOOD | first | {"案二.zip": second})
    assert [(finding.code, finding.subject) for finding in failing(sip)] == [
        ("FIELD_MISSING", "案一/基本信息描述.xml"),
        ("MATERIAL_MISSING", "案二.zip/申请表"),
    ]
    assert sip.description.identifier == IDENTIFIER
    schemes = {element.scheme for element in sip.description.elements}
    assert {"zj-zwfw/基本信息描述", "zj-zwfw/案一/基本信息描述", "zj-zwfw/案二.zip/基本信息描述"} <= schemes
    assert len(sip.placements) == len(GOOD) + len(first) + 1


def test_only_one_level_of_nesting(read: Read) -> None:
    deeper = {f"案一/案二/{name}": content for name, content in inner("案二").items()}
    sip = read(GOOD | {f"案一/{name}": content for name, content in inner("案一").items()} | deeper)
    assert [(finding.code, finding.subject) for finding in failing(sip)] == [("NESTING_TOO_DEEP", "案一/案二")]


def test_a_broken_inner_archive_is_named(read: Read) -> None:
    sip = read(GOOD | {"案二.zip": packed(inner("案二"))[:-30]})
    assert [(finding.code, finding.subject) for finding in failing(sip)] == [("NESTED_ARCHIVE_UNREADABLE", "案二.zip")]
