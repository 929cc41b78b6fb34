"""DA/T 46-2009 文书类电子文件元数据方案: its 88 elements, and the record of a description in our own XML.

The record holds everything that `metadata.description.Description` holds and comes back equal. Normalised fields carry the
code of the DA/T 46 element they mean, always with the scheme before it (``DAT46:M22``): other standards number differently.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from metadata.description import Description, Element, ProcessStep
from metadata.errors import N_, MalformedXml
from metadata.xml import Destination, Writer, escape, escape_attribute, is_legal, iterate
from metadata.xml import Element as XmlElement

NAMESPACE: Final = "urn:jingui:record:1"
SCHEME: Final = "DAT46"
#: The XML Schema of the record, our own; every package carries a copy.
SCHEMA_FILE: Final = Path(__file__).parent / "record.xsd"


class MetadataElement(NamedTuple):
    """An element of DA/T 46-2009.

    Fields: number (22 for M22), Chinese and English name, whether it is a container (容器型), obligation (``M`` 必选, ``CM`` 条件选,
    ``O`` 可选), whether it may repeat.
    """

    number: int
    chinese: str
    english: str
    container: bool
    obligation: str
    repeatable: bool

    @property
    def code(self) -> str:
        """The code with its scheme, ``DAT46:M22``."""
        return f"{SCHEME}:M{self.number}"


#: DA/T 46-2009, all elements in order: M1–M75 文件实体, M76–M79 机构人员实体, M80–M84 业务实体, M85–M88 实体关系.
ELEMENTS: Final = (
    MetadataElement(1, "聚合层次", "aggregation level", False, "M", False),
    MetadataElement(2, "来源", "provenance", True, "M", False),
    MetadataElement(3, "档案馆名称", "archives name", False, "O", False),
    MetadataElement(4, "档案馆代码", "archives identifier", False, "O", False),
    MetadataElement(5, "全宗名称", "fonds name", False, "O", False),
    MetadataElement(6, "立档单位名称", "fonds constituting unit name", False, "M", False),
    MetadataElement(7, "电子文件号", "electronic record code", False, "M", False),
    MetadataElement(8, "档号", "archival code", True, "M", False),
    MetadataElement(9, "全宗号", "fonds identifier", False, "CM", False),
    MetadataElement(10, "目录号", "catalogue number", False, "O", False),
    MetadataElement(11, "年度", "year", False, "M", False),
    MetadataElement(12, "保管期限", "retention period", False, "M", False),
    MetadataElement(13, "机构或问题", "organizational structure or function", False, "O", False),
    MetadataElement(14, "类别号", "category code", False, "O", False),
    MetadataElement(15, "室编案卷号", "agency file number", False, "CM", False),
    MetadataElement(16, "馆编案卷号", "archives file number", False, "CM", False),
    MetadataElement(17, "室编件号", "agency item number", False, "CM", False),
    MetadataElement(18, "馆编件号", "archives item number", False, "CM", False),
    MetadataElement(19, "文档序号", "document sequence number", False, "O", False),
    MetadataElement(20, "页号", "page number", False, "O", False),
    MetadataElement(21, "内容描述", "content description", True, "M", False),
    MetadataElement(22, "题名", "title", False, "M", False),
    MetadataElement(23, "并列题名", "parallel title", False, "O", False),
    MetadataElement(24, "副题名", "alternative title", False, "O", False),
    MetadataElement(25, "说明题名文字", "other title information", False, "O", False),
    MetadataElement(26, "主题词", "descriptor", False, "O", True),
    MetadataElement(27, "关键词", "keyword", False, "O", False),
    MetadataElement(28, "人名", "personal name", False, "O", False),
    MetadataElement(29, "摘要", "abstract", False, "O", False),
    MetadataElement(30, "分类号", "class code", False, "O", False),
    MetadataElement(31, "文件编号", "document number", False, "CM", False),
    MetadataElement(32, "责任者", "author", False, "M", False),
    MetadataElement(33, "日期", "date", False, "M", False),
    MetadataElement(34, "文种", "document type", False, "O", False),
    MetadataElement(35, "紧急程度", "precedence", False, "O", False),
    MetadataElement(36, "主送", "principal receiver", False, "O", False),
    MetadataElement(37, "抄送", "other receivers", False, "O", False),
    MetadataElement(38, "密级", "security classification", False, "M", False),
    MetadataElement(39, "保密期限", "secrecy period", False, "CM", False),
    MetadataElement(40, "形式特征", "formal characteristics", True, "M", False),
    MetadataElement(41, "文件组合类型", "document aggregation type", False, "M", False),
    MetadataElement(42, "件数", "total number of items", False, "CM", False),
    MetadataElement(43, "页数", "total number of pages", False, "O", False),
    MetadataElement(44, "语种", "language", False, "O", False),
    MetadataElement(45, "稿本", "manuscript type", False, "O", False),
    MetadataElement(46, "电子属性", "electronic attributes", True, "M", True),
    MetadataElement(47, "格式信息", "format information", False, "O", False),
    MetadataElement(48, "计算机文件名", "computer file name", False, "M", False),
    MetadataElement(49, "计算机文件大小", "computer file size", False, "M", False),
    MetadataElement(50, "文档创建程序", "document creating application", False, "O", False),
    MetadataElement(51, "信息系统描述", "information system description", False, "O", True),
    MetadataElement(52, "数字化属性", "digitization attributes", True, "CM", True),
    MetadataElement(53, "数字化对象形态", "physical record characteristics", False, "O", False),
    MetadataElement(54, "扫描分辨率", "scanning resolution", False, "CM", False),
    MetadataElement(55, "扫描色彩模式", "scanning colour model", False, "CM", False),
    MetadataElement(56, "图像压缩方案", "image compression scheme", False, "O", False),
    MetadataElement(57, "电子签名", "electronic signature", True, "O", True),
    MetadataElement(58, "签名规则", "signature rules", False, "CM", False),
    MetadataElement(59, "签名时间", "signature time", False, "O", False),
    MetadataElement(60, "签名人", "signer", False, "O", False),
    MetadataElement(61, "签名结果", "signature", False, "CM", False),
    MetadataElement(62, "证书", "certificate", False, "CM", True),
    MetadataElement(63, "证书引证", "certificate reference", False, "O", False),
    MetadataElement(64, "签名算法标识", "signature algorithm identifier", False, "CM", False),
    MetadataElement(65, "存储位置", "storage location", True, "M", False),
    MetadataElement(66, "当前位置", "current location", False, "O", False),
    MetadataElement(67, "脱机载体编号", "offline medium identifier", False, "CM", True),
    MetadataElement(68, "脱机载体存址", "offline medium storage location", False, "O", True),
    MetadataElement(69, "缩微号", "microform identifier", False, "O", False),
    MetadataElement(70, "权限管理", "rights management", True, "O", False),
    MetadataElement(71, "知识产权说明", "intellectual property statement", False, "O", False),
    MetadataElement(72, "授权对象", "authorized agent", False, "CM", True),
    MetadataElement(73, "授权行为", "permission assignment", False, "CM", True),
    MetadataElement(74, "控制标识", "control identifier", False, "CM", False),
    MetadataElement(75, "附注", "annotation", False, "O", True),
    MetadataElement(76, "机构人员类型", "agent type", False, "O", False),
    MetadataElement(77, "机构人员名称", "agent name", False, "M", False),
    MetadataElement(78, "组织机构代码", "organization code", False, "O", False),
    MetadataElement(79, "个人职位", "position name", False, "O", False),
    MetadataElement(80, "业务状态", "business status", False, "M", False),
    MetadataElement(81, "业务行为", "business activity", False, "M", False),
    MetadataElement(82, "行为时间", "action time", False, "M", False),
    MetadataElement(83, "行为依据", "action mandate", False, "O", False),
    MetadataElement(84, "行为描述", "action description", False, "O", False),
    MetadataElement(85, "实体标识符", "entity identifier", False, "M", False),
    MetadataElement(86, "关系类型", "relation type", False, "O", False),
    MetadataElement(87, "关系", "relation", False, "O", False),
    MetadataElement(88, "关系描述", "relation description", False, "O", False),
)

#: Fields of a description that are one text, with the DA/T 46 element they mean (or none), in the order they are written.
_FIELDS: Final = (
    ("identifier", "M7"),
    ("title", "M22"),
    ("unit", "M6"),
    ("affair_code", ""),
    ("affair", ""),
    ("affair_type", ""),
    ("case_number", ""),
    ("applicant", ""),
    ("year", "M11"),
    ("retention", "M12"),
    ("sharing", ""),
    ("security", "M38"),
    ("abstract", "M29"),
    ("language", "M44"),
)
#: Fields that are lists of texts.
_LISTS: Final = (("creators", "M32"), ("dates", "M33"), ("subjects", "M26"))
#: Parts of a process step; the step as a whole is M81 业务行为.
_STEP: Final = (("node", "M81"), ("actor", "M77"), ("kind", ""), ("opinion", "M84"), ("at", "M82"))
_R: Final = f"{{{NAMESPACE}}}"


def _content(text: str) -> tuple[str, str]:
    """Attributes and content for a text; one that XML cannot carry is written as Base64 of its UTF-8 bytes."""
    if is_legal(text):
        return "", escape(text)
    return ' encoding="base64"', base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _line(tag: str, text: str, code: str = "", extra: str = "") -> str:
    encoding, content = _content(text)
    element = f' element="{SCHEME}:{code}"' if code else ""
    return f"<{tag}{element}{extra}{encoding}>{content}</{tag}>\n"


def write_record(stream: Destination, description: Description) -> None:
    """Writes the record of a description, empty fields left out.

    Args:
        stream: open for writing bytes.
    """
    with Writer(stream, indent=False) as out:
        out.raw(f'<record xmlns="{NAMESPACE}" version="1.0">\n')
        for name, code in _FIELDS:
            if value := getattr(description, name):
                out.raw(_line(name.replace("_", "-"), value, code))
        for name, code in _LISTS:
            for value in getattr(description, name):
                out.raw(_line(name.removesuffix("s"), value, code))
        for step in description.process:
            out.raw("<step>")
            for name, code in _STEP:
                if value := getattr(step, name):
                    out.raw(_line(name, value, code).rstrip("\n"))
            out.raw("</step>\n")
        for element in description.elements:
            out.raw(_element(element))
        out.raw("</record>\n")


def _element(element: Element) -> str:
    encoding, content = _content(element.value)
    given = (("scheme", element.scheme), ("name", element.name), ("label", element.label))
    names = "".join(_attribute(name, value) for name, value in given if value)
    sensitive = ' sensitive="true"' if element.sensitive else ""
    return f"<element{names}{sensitive}{encoding}>{content}</element>\n"


def _attribute(name: str, value: str) -> str:
    if is_legal(value):
        return f' {name}="{escape_attribute(value)}"'
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
    return f' {name}-base64="{encoded}"'


def read_record(stream: BinaryIO, subject: str) -> Description:
    """The description that `write_record` wrote.

    Args:
        stream: open for reading bytes.
        subject: what to call the document in messages.

    Raises:
        UnsafeXml: a DOCTYPE or a limit passed.
        MalformedXml: not well-formed, or not such a record.
    """
    fields = {name.replace("_", "-"): name for name, _ in _FIELDS}
    lists = {name.removesuffix("s"): name for name, _ in _LISTS}
    single: dict[str, str] = {}
    many: dict[str, list[str]] = {name: [] for name, _ in _LISTS}
    elements: list[Element] = []
    process: list[ProcessStep] = []
    names = [*fields, *lists, "step", "element", "record"]
    seen = False
    for item in iterate(stream, subject, [_R + name for name in names]):
        name = item.tag[len(_R) :]
        seen = True
        if name in fields:
            single[fields[name]] = _value(item, subject)
        elif name in lists:
            many[lists[name]].append(_value(item, subject))
        elif name == "element":
            elements.append(_read_element(item, subject))
        elif name == "step":
            process.append(ProcessStep(**{part: _value(item.find(_R + part), subject) for part, _ in _STEP}))
    if not seen:
        raise MalformedXml(
            "RECORD_NOT_A_RECORD",
            N_("{subject} is not a record in the namespace {namespace}."),
            subject=subject,
            remedy=N_("Check that the file is the record that was written into the package."),
            namespace=NAMESPACE,
        )
    return Description(
        **single,
        creators=tuple(many["creators"]),
        dates=tuple(many["dates"]),
        subjects=tuple(many["subjects"]),
        elements=tuple(elements),
        process=tuple(process),
    )


def _decoded(text: str, subject: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise MalformedXml(
            "RECORD_VALUE",
            N_("{subject} has a value that is marked as Base64 and is not."),
            subject=subject,
            remedy=N_("Take the record from another copy of the package."),
        ) from error


def _value(item: XmlElement | None, subject: str) -> str:
    if item is None:
        return ""
    text = item.text or ""
    return _decoded(text, subject) if item.get("encoding") == "base64" else text


def _read_element(item: XmlElement, subject: str) -> Element:
    def attribute(name: str) -> str:
        encoded = item.get(f"{name}-base64")
        return _decoded(encoded, subject) if encoded is not None else item.get(name) or ""

    return Element(
        scheme=attribute("scheme"),
        name=attribute("name"),
        label=attribute("label"),
        value=_value(item, subject),
        sensitive=item.get("sensitive") == "true",
    )
