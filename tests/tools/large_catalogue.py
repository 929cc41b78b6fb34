"""A catalogue of many records without packages behind them: what lists and searches are measured over.

Rows are made from a seed, so that two runs measure the same. The proportions are those of government-service affairs
(办件): some ten files a record, few formats, a few hundred affairs, agencies of very different sizes.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from metadata.description import Description
from repository.aip import description_as_json
from repository.archive import Archive
from repository.database import insert_files, insert_rows
from repository.holdings import Aip, AipVersion, Copy, CopyState, Record, RecordState, Submission, SubmissionState
from repository.identifiers import aip_id
from repository.permissions import Actor
from repository.search.pending import refresh, start_again
from repository.statistics import refresh_statistics

_CITIES: Final = ("杭州", "宁波", "温州", "嘉兴", "湖州", "绍兴", "金华", "衢州", "舟山", "台州", "丽水", "云栖")
_OFFICES: Final = (
    "民政局",
    "公安局",
    "住房和城乡建设局",
    "市场监督管理局",
    "自然资源局",
    "人力资源和社会保障局",
    "交通运输局",
    "生态环境局",
    "卫生健康局",
    "教育局",
)
_AFFAIRS: Final = (
    "食品经营许可",
    "公园规划许可",
    "排污许可",
    "建筑工程施工许可",
    "道路运输经营许可",
    "医师执业注册",
    "社会团体登记",
    "居住证办理",
    "失业保险金申领",
    "教师资格认定",
)
_KINDS: Final = ("新办", "变更", "延续", "注销", "补办", "备案")
_TYPES: Final = ("行政许可", "行政确认", "行政给付", "公共服务", "其他行政权力")
_PEOPLE: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_FORMATS: Final = (
    ("fmt/276", "Acrobat PDF 1.7 - Portable Document Format", "1.7", "pdf", 30),
    ("fmt/95", "Acrobat PDF/A - Portable Document Format", "1a", "pdf", 18),
    ("fmt/43", "JPEG File Interchange Format", "1.01", "jpg", 16),
    ("fmt/101", "Extensible Markup Language", "1.0", "xml", 14),
    ("local/ofd", "Open Fixed-layout Document", "1.0", "ofd", 8),
    ("fmt/412", "Microsoft Word for Windows", "2007 onwards", "docx", 6),
    ("fmt/214", "Microsoft Excel for Windows", "2007 onwards", "xlsx", 3),
    ("fmt/353", "Tagged Image File Format", "", "tif", 2),
    ("x-fmt/111", "Plain Text File", "", "txt", 2),
    ("fmt/199", "MPEG-4 Media File", "", "mp4", 1),
)


def fill(archive: Archive, *, files: int, files_a_record: int = 10, seed: int = 7) -> int:
    """Puts so many files into the catalogue, their records and submissions with them, and indexes them; says how many records."""
    records = files // files_a_record
    now = archive.clock()
    with archive.transaction(Actor.system("test")) as tx:
        insert_rows(tx.session, Record, _records(random.Random(seed), records, now))
        insert_rows(tx.session, Aip, _aips(records, files_a_record, now))
        insert_rows(tx.session, AipVersion, _versions(records, files_a_record, now))
        for store in archive.stores:
            insert_rows(tx.session, Copy, _copies(random.Random(seed), store.name, records, now))
        insert_files(tx.session, _files(random.Random(seed), records, files_a_record))
        insert_rows(tx.session, Submission, _submissions(random.Random(seed), records, files_a_record, now))
        start_again(tx)
    refresh(archive)
    refresh_statistics(archive)
    return records


def record_id(number: int) -> str:
    """The id of a record by its number."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def _records(random: random.Random, count: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        city, office = random.choice(_CITIES), _OFFICES[min(int(random.expovariate(0.4)), len(_OFFICES) - 1)]
        affair, kind, year = random.choice(_AFFAIRS), random.choice(_KINDS), str(2026 - min(int(random.expovariate(0.3)), 15))
        person = random.choice(_PEOPLE) + random.choice(_PEOPLE) + random.choice(_PEOPLE)
        case = f"{city[0]}{year}{number:07d}"
        title = f"{person}{affair}{kind}办件"
        moment = now - timedelta(minutes=7 * number)
        description = Description(
            title=title, identifier=case, unit=f"{city}市{office}", affair=affair, affair_type=random.choice(_TYPES), case_number=case,
            applicant=person, year=year, abstract=f"{city}市{office}办理{person}申请的{affair}{kind}，材料齐全，准予办理。",
        )  # fmt: skip
        yield {
            "id": record_id(number), "agreement_code": "local", "identifier": case, "state": RecordState.STORED, "profile": "zj-zwfw",
            "title": title, "unit": f"{city}市{office}", "affair": affair, "affair_type": description.affair_type, "case_number": case,
            "year": year, "retention": random.choice(("D10", "D30", "D30", "Y")),
            "sharing": random.choice(("无条件共享", "无条件共享", "有条件共享", "不予共享")),
            "description": description_as_json(description), "created_at": moment, "changed_at": moment,
        }  # fmt: skip


def _aips(count: int, files: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        moment = now - timedelta(minutes=7 * number)
        yield {
            "id": aip_id(record_id(number)), "record_id": record_id(number), "version": 1, "inventory_digest": "0" * 128,
            "files": files, "bytes": files * 81_920, "created_at": moment, "stored_at": moment,
        }  # fmt: skip


def _versions(count: int, files: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        yield {
            "aip_id": aip_id(record_id(number)), "number": 1, "submission_id": _submission_id(number), "content_digest": f"{number:0128x}",
            "files": files, "bytes": files * 81_920, "created_at": now - timedelta(minutes=7 * number),
        }  # fmt: skip


def _copies(random: random.Random, store: str, count: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        state = random.choices(tuple(CopyState), (97, 1, 0.5, 0.5, 1))[0]
        yield {
            "aip_id": aip_id(record_id(number)), "store": store, "version": 1, "state": state,
            "verified_at": now - timedelta(minutes=7 * number), "checked_at": now - timedelta(days=random.randrange(140)),
        }  # fmt: skip


def _files(random: random.Random, count: int, files: int) -> Iterator[Mapping[str, Any]]:
    weights = [weight for *_, weight in _FORMATS]
    for number in range(count):
        chosen = random.choices(_FORMATS, weights, k=files)
        for place, (puid, name, version, suffix, _) in enumerate(chosen):
            digest = hashlib.sha256(f"{number}/{place}".encode()).digest()
            yield {
                "aip_id": aip_id(record_id(number)), "path": f"representations/original/data/材料{place:02d}.{suffix}", "role": "content",
                "representation": "original", "size": 81_920, "sha512": digest + digest, "sha256": digest, "sm3": digest, "puid": puid,
                "format_name": name, "format_version": version, "format_basis": "signature", "format_engine": "pronom",
                "format_matches": [puid], "format_warnings": [],
            }  # fmt: skip


def _submissions(random: random.Random, count: int, files: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        moment = now - timedelta(minutes=7 * number)
        yield {
            "id": _submission_id(number), "agreement_code": "local", "name": f"办件{number:07d}.zip", "source": "", "keep_source": False,
            "state": random.choices((SubmissionState.STORED, SubmissionState.REJECTED, SubmissionState.FAILED), (94, 5, 1))[0],
            "profile": "zj-zwfw", "files": files, "bytes": files * 81_920, "record_id": record_id(number), "received_by": "archivist",
            "received_at": moment, "ended_at": moment + timedelta(seconds=3),
        }  # fmt: skip


def _submission_id(number: int) -> str:
    return f"{number:08x}-0000-4000-9000-000000000000"
