"""The cases that the people of 云栖市 had with its agencies.

Nothing here is real: mobile numbers begin as no mobile number does, and the people are made of syllables; their numbers hold
in the check character alone, so that software can be tested with them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from metadata.description import ProcessStep
from repository.demo.affairs import AGENCIES, REGION, Affair, Agency, Paper, credit_code
from repository.recordkeeping.identity_numbers import resident_check_character


@dataclass(frozen=True, kw_only=True)
class DemoCase:
    """A case as its business system knows it; a fault is a change of one of these values, or of the package made of them.

    Args:
        affair: its affair.
        identifier: 电子文件号.
        number: 业务流水号.
        applicant: 行政相对人名称.
        card: 证件号码.
        mobile: 行政相对人手机.
        place: 行政相对人地址.
        title: 办件名称.
        received: 受理时间.
        finished: 办结时间.
        archived: 归档时间.
        retention: 保管期限.
        security: 密级, or empty where the exporter has no such element.
        papers: the papers that are there.
        seed: what makes its papers its own.
    """

    affair: Affair
    identifier: str
    number: str
    applicant: str
    card: str
    mobile: str
    place: str
    title: str
    received: datetime
    finished: datetime
    archived: datetime
    retention: str
    security: str
    papers: tuple[Paper, ...]
    seed: int

    @property
    def agency(self) -> Agency:
        """The agency that handled it."""
        return AGENCIES[self.affair.agency]

    def steps(self) -> tuple[ProcessStep, ...]:
        """办理流程: accepted, examined, decided."""
        half = self.received + (self.finished - self.received) / 2
        dice = random.Random(self.seed)
        said = (
            ("受理", "受理意见", "材料齐全，予以受理。", self.received),
            ("审核", "审核意见", "经审核，符合规定。", half),
            ("决定", "办结意见", "同意。", self.finished),
        )
        return tuple(
            ProcessStep(node=node, actor=_person(dice), kind=kind, opinion=words, at=f"{at:%Y-%m-%d %H:%M:%S}")
            for node, kind, words, at in said
        )


_SURNAMES: Final = "云溪柏岚禾砚汀榆"
_GIVEN: Final = ("知秋", "听雨", "小满", "清和", "望舒", "青禾", "半夏", "立春", "白露", "长风", "晴川", "南星")
_STREETS: Final = ("望溪路", "竹径街", "五云巷", "梅坞路", "龙井弄", "九溪大道")
_TRADES: Final = ("食品", "环保", "纺织", "餐饮", "建材", "机械")


def _person(dice: random.Random) -> str:
    return dice.choice(_SURNAMES) + dice.choice(_GIVEN)


def _resident_number(dice: random.Random) -> str:
    born = date(1935, 1, 1) + timedelta(days=dice.randrange(24_000))
    first = f"{REGION}{born:%Y%m%d}{dice.randrange(1, 999):03d}"
    return first + resident_check_character(first)


def invent(affair: Affair, serial: int, year: int, seed: int) -> DemoCase:
    """One case of an affair; the same arguments give the same case."""
    dice = random.Random(seed)
    agency = AGENCIES[affair.agency]
    received = datetime(year, 1, 4, 8, 30) + timedelta(days=dice.randrange(280), minutes=dice.randrange(480))
    finished = received + timedelta(days=dice.randint(0, affair.days), minutes=dice.randint(20, 55))
    applicant = f"云栖{dice.choice(_GIVEN)}{dice.choice(_TRADES)}有限公司" if affair.body else _person(dice)
    return DemoCase(
        affair=affair,
        identifier=f"{agency.system}-{affair.number}-{year}-{affair.retention}-{serial:05d}",
        number=f"{agency.system}{received:%y%m%d}{serial:06d}",
        applicant=applicant,
        card=credit_code("91", 10_000_000 + dice.randrange(1_000_000)) if affair.body else _resident_number(dice),
        mobile=f"100{dice.randrange(10**8):08d}",
        place=f"云栖市{dice.choice(_STREETS)}{dice.randint(1, 199)}号",
        title=f"{applicant}-{affair.name}",
        received=received,
        finished=finished,
        archived=finished + timedelta(minutes=dice.randint(1, 30)),
        retention=affair.retention,
        security="公开" if dice.random() < 0.3 else "",
        papers=tuple(paper for paper in affair.papers if paper.kind and dice.random() <= paper.chance),
        seed=seed,
    )
