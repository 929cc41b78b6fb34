"""Information packages for tests: hypothesis strategies for whatever a package can hold, and a folder with the bytes of one."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from metadata.description import Description, Element, ProcessStep
from metadata.eark import InformationPackage, PackageFile, Representation
from metadata.premis import Agent, AgentLink, Event, FileDigests, ObjectLink, Rights
from metadata.vocabularies import EVENT_TYPES, PackageKind

CONTENT = b"content\n"
MOMENT = datetime(2024, 5, 17, 9, 30, 0, 123456, tzinfo=UTC)

#: Text that XML 1.0 can carry, with the characters that get lost when somebody is careless.
texts = st.text(
    st.one_of(
        st.sampled_from("\t\n\r &<>\"'%#?:;\u0301\u3000\u0085\u2028\ufeff金匮é𠮷"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    ),
    max_size=20,
)
words = texts.filter(bool)
#: One part of a path; never one that means another folder.
names = words.map(lambda text: text.replace("/", "_")).filter(lambda text: text not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
#: Times as file systems have them: nanoseconds since the epoch.
seconds = st.integers(-(10**18), 10**19).map(lambda nanoseconds: nanoseconds / 10**9)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def digests_of(content: bytes) -> FileDigests:
    return FileDigests(*(hashlib.new(name, content).digest() for name in ("sha512", "sha256", "sm3")))


def file_of(path: str, content: bytes = CONTENT, **fields: object) -> PackageFile:
    return PackageFile(**{"path": path, "size": len(content), "digests": digests_of(content), **fields})


files = st.builds(
    PackageFile,
    path=paths,
    size=st.integers(0, 2**63 - 1),
    digests=st.builds(
        FileDigests, st.binary(min_size=64, max_size=64), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32)
    ),
    format_name=texts,
    format_version=texts,
    puid=st.sampled_from(["", "fmt/18", "x-fmt/111"]),
    mime=st.sampled_from(["", "application/pdf", "text/plain"]),
    format_note=texts,
    original_name=texts,
    raw_name=st.none() | st.binary(max_size=20),
    modified=st.none() | seconds,
    application=texts,
    application_version=texts,
    derived_from=st.lists(words, max_size=2).map(tuple),
    originator=texts,
)
events = st.builds(
    Event,
    identifier=words,
    type=st.sampled_from(sorted(EVENT_TYPES)) | words,
    at=moments,
    detail=texts,
    outcome=st.sampled_from(["", "success", "fail", "warning"]) | texts,
    outcome_note=texts,
    agents=st.lists(st.builds(AgentLink, identifier=words, role=st.sampled_from(["implementer", "executing program", ""])), max_size=2).map(
        tuple
    ),
    objects=st.lists(st.builds(ObjectLink, identifier=words, kind=st.sampled_from(["path", "package"]), role=texts), max_size=2).map(tuple),
)
agents = st.builds(Agent, identifier=words, name=texts, kind=st.sampled_from(["", "person", "software"]) | texts, version=texts, note=texts)
rights = st.builds(
    Rights,
    identifier=words,
    basis=st.sampled_from(["policy", "donor agreement"]),
    note=texts,
    act=words,
    restrictions=st.lists(words, max_size=2).map(tuple),
    start=words,
    end=texts,
) | st.builds(Rights, identifier=words, basis=st.just("statute"), jurisdiction=words, citation=words, note=texts)
anything = st.text(max_size=20)
descriptions = st.builds(
    Description,
    **dict.fromkeys(("identifier", "title", "unit", "affair_code", "affair", "affair_type", "case_number", "applicant", "year"), anything),
    **dict.fromkeys(("retention", "sharing", "security", "abstract", "language"), anything),
    creators=st.lists(anything, max_size=2).map(tuple),
    dates=st.lists(anything, max_size=2).map(tuple),
    subjects=st.lists(anything, max_size=2).map(tuple),
    elements=st.lists(
        st.builds(Element, scheme=anything, name=anything, value=anything, label=anything, sensitive=st.booleans()), max_size=3
    ).map(tuple),
    process=st.lists(st.builds(ProcessStep, node=anything, actor=anything, kind=anything, opinion=anything, at=anything), max_size=2).map(
        tuple
    ),
)
others = st.lists(
    st.builds(
        lambda file, folder: dataclasses.replace(file, path=f"{folder}/given/{file.path}"),
        files,
        st.sampled_from(["metadata/other", "documentation", "schemas", "metadata/descriptive", "metadata/preservation"]),
    ),
    max_size=3,
).map(tuple)
representations = st.lists(
    st.builds(
        Representation,
        id=names,
        files=st.lists(files, max_size=3).map(tuple),
        name=texts,
        derived_from=st.lists(words, max_size=1).map(tuple),
        events=st.lists(events, max_size=1).map(tuple),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda representation: representation.id,
).map(tuple)
packages = st.builds(
    InformationPackage,
    kind=st.sampled_from([PackageKind.AIP, PackageKind.DIP, PackageKind.SIP]),
    identifier=words,
    created=moments,
    modified=moments,
    archive=texts,
    software=words,
    software_version=words,
    description=descriptions,
    label=texts,
    record_status=st.sampled_from(["", "NEW", "VERSION"]),
    creator=texts,
    agreement=texts,
    representations=representations,
    events=st.lists(events, max_size=3).map(tuple),
    agents=st.lists(agents, max_size=2).map(tuple),
    rights=st.lists(rights, max_size=2).map(tuple),
    other=others,
)


def whole(package: InformationPackage) -> InformationPackage:
    """The package with every list read out, so that two can be compared."""
    return dataclasses.replace(
        package,
        events=tuple(package.events),
        agents=tuple(package.agents),
        rights=tuple(package.rights),
        other=tuple(package.other),
        representations=tuple(
            dataclasses.replace(one, files=tuple(one.files), events=tuple(one.events)) for one in package.representations
        ),
    )


def sample(identifier: str = "urn:uuid:6f9c2a1e-0000-4000-8000-000000000001") -> InformationPackage:
    """A package with names that get lost easily, two representations, events, agents, rights and submitted documents."""
    awkward = ("材料/申请表 & <附件>.pdf", "line\nbreak%20.txt", "e\u0301.jpg", "dots...", "a:b?c#d.doc", '"quoted".xml', "é" * 120)
    content = tuple(
        file_of(name, puid="fmt/18", format_name="Acrobat PDF", format_version="1.4", mime="application/pdf", modified=1.7e9 + 0.25)
        for name in awkward
    )
    return InformationPackage(
        kind=PackageKind.AIP,
        identifier=identifier,
        created=MOMENT,
        modified=MOMENT,
        archive="虚构市档案馆",
        software="Jingui",
        software_version="1.0",
        label="张三-门牌证明",
        record_status="NEW",
        creator="虚构市民政局",
        agreement="XY-2024-01",
        description=Description(
            identifier="33040113-01-02-003-2018-30年-00017",
            title="张三-门牌证明",
            unit="虚构市民政局",
            affair="门牌证明",
            dates=("2018-06-21",),
            year="2018",
            elements=(
                Element(scheme="zj-zwfw", name="projectpassword", label="查询密码", value="SECRET-1", sensitive=True),
                Element(scheme="DAT46", name="M22", value="张三-门牌证明"),
            ),
            process=(ProcessStep(node="受理", actor="李四", kind="受理意见", opinion="同意", at="2018-06-20 09:00:00"),),
        ),
        representations=(
            Representation(id="original", files=content, name="as received"),
            Representation(
                id="pdfa",
                files=(file_of("申请表.pdf", derived_from=("representations/original/data/dots...",)),),
                derived_from=("original",),
                events=(Event(identifier="e-2", type="migration", at=MOMENT),),
            ),
        ),
        events=(
            Event(
                identifier="e-1",
                type="ingestion",
                at=MOMENT,
                detail="received and checked",
                outcome="success",
                outcome_note="7 files",
                agents=(AgentLink(identifier="jingui-1.0", role="executing program"), AgentLink(identifier="li-si")),
                objects=(ObjectLink(identifier=identifier, kind="package"), ObjectLink(identifier="a.txt", role="source")),
            ),
        ),
        agents=(Agent(identifier="jingui-1.0", name="Jingui", kind="software", version="1.0"), Agent(identifier="li-si", name="李四")),
        rights=(
            Rights(identifier="r-1", basis="policy", note="conditional sharing", act="disseminate", restrictions=("agency",), start="2024"),
            Rights(identifier="r-2", basis="statute", jurisdiction="CN", citation="档案法 第二十七条"),
        ),
        other=(
            file_of("metadata/other/checks/report.json", mime="application/json"),
            file_of("metadata/descriptive/received/基本信息描述.XML", mime="text/xml"),
            file_of("documentation/说明.txt", mime="text/plain"),
        ),
    )


def place_content(folder: Path, package: InformationPackage, content: bytes = CONTENT) -> None:
    """Writes the bytes of every file that the package lists, as an export does."""
    listed = [f"representations/{one.id}/data/{file.path}" for one in package.representations for file in one.files]
    for path in (*listed, *(file.path for file in package.other)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
