"""The invented city of 云栖市: its agencies and its affairs, with the papers that each affair needs.

Nothing here is real. Region code 339900 belongs to no place; the agencies' codes hold in their check characters alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from metadata.service_affairs import Material
from repository.recordkeeping.identity_numbers import body_check_character, credit_check_character

REGION: Final = "339900"


def credit_code(first: str, number: int) -> str:
    """A 统一社会信用代码 of region 339900 whose check characters hold.

    Args:
        first: registering department and kind, two characters (``11`` 机关, ``91`` 企业).
        number: up to eight digits that make it unique.
    """
    body = f"{number:08d}"
    code = f"{first}{REGION}{body}{body_check_character(body)}"
    return code + credit_check_character(code)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agency:
    """An agency and what its exporter is known for.

    Args:
        name: 立档单位名称.
        system: 系统编码, 8 digits.
        code: 统一社会信用代码.
        capitals: writes ``.XML``.
        misspelt: writes ``retentionperio``, and ``daptname`` in the index of a batch.
        wrong_times: writes times with the minutes in the month's place.
        bare: writes 办理流程 without the outer element.
    """

    name: str
    system: str
    code: str
    capitals: bool = True
    misspelt: bool = True
    wrong_times: bool = False
    bare: bool = False


AGENCIES: Final = {
    "市场监管": Agency(name="云栖市市场监督管理局", system="33990101", code=credit_code("11", 339901)),
    "规划": Agency(name="云栖市自然资源和规划局", system="33990102", code=credit_code("11", 339902), capitals=False, misspelt=False),
    "卫健": Agency(name="云栖市卫生健康局", system="33990103", code=credit_code("11", 339903), bare=True),
    "民政": Agency(name="云栖市民政局", system="33990113", code=credit_code("11", 339913)),
    "执法": Agency(name="云栖市综合行政执法局", system="33990121", code=credit_code("11", 339921), capitals=False, misspelt=False),
    "生态": Agency(name="云栖市生态环境局", system="33990122", code=credit_code("11", 339922), bare=True),
    "人社": Agency(name="云栖市人力资源和社会保障局", system="33990114", code=credit_code("11", 339914), misspelt=False),
    "公安": Agency(name="云栖市公安局", system="33990104", code=credit_code("11", 339904), capitals=False),
    "住建": Agency(name="云栖市住房和城乡建设局", system="33990105", code=credit_code("11", 339905), wrong_times=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A material of an affair and how its file is made.

    Args:
        material: as 归档配置表 names it.
        kind: key of `repository.demo.documents.MAKERS`; empty for a material on paper.
        text: what stands on it; ``{applicant}``, ``{day}`` and ``{place}`` are filled in.
        chance: how often a material that is not necessary is there.
    """

    material: Material
    kind: str
    text: tuple[str, ...] = ()
    chance: float = 1.0


def _paper(range: str, name: str, kind: str, *text: str, need: str = "必要", medium: str = "电子归档", chance: float = 1.0) -> Paper:
    return Paper(material=Material(name=name, range=range, need=need, medium=medium), kind=kind, text=text, chance=chance)


@dataclass(frozen=True, kw_only=True, slots=True)
class Affair:
    """An affair (事项) of the list of powers.

    Args:
        code: 权力事项编码.
        name: 权力事项名称.
        kind: 权力事项类型.
        agency: key of `AGENCIES`.
        retention: 保管期限.
        service: 承诺件 or 即办件.
        days: from acceptance to completion, at most.
        body: whether the applicant is an enterprise.
        number: the middle of 电子文件号: type, main and sub item.
        papers: the materials.
    """

    code: str
    name: str
    kind: str
    agency: str
    retention: str
    service: str
    days: int
    body: bool
    number: str
    papers: tuple[Paper, ...]


_APPLY: Final = "申请材料"
_COURSE: Final = "过程文书"
_RESULT: Final = "办理结果"
_ACCEPTED: Final = _paper(_COURSE, "受理通知书", "pdf", "{applicant}：你（单位）于{day}提交的申请材料齐全，符合法定形式，现予受理。")
_CARD: Final = _paper(_APPLY, "身份证明", "scan")
_LICENCE: Final = _paper(_APPLY, "营业执照", "scan")
_SERVED: Final = _paper(_RESULT, "送达回证", "scan")

#: A matter that several affairs are part of (一件事): its package holds those of the others.
JOINT: Final = Affair(
    code="一件事-00001-000",
    name="开办餐饮店一件事",
    kind="公共服务",
    agency="市场监管",
    retention="30年",
    service="承诺件",
    days=15,
    body=True,
    number="20-90-001",
    papers=(
        _paper(_APPLY, "一件事联办申请表", "pdf", "{applicant}申请联合办理食品经营许可和公共场所卫生许可。"),
        _paper(_RESULT, "联办结果告知书", "ofd", "{applicant}：你单位申请联合办理的事项均已办结。"),
    ),
)

AFFAIRS: Final = (
    Affair(
        code="许可-00101-000",
        name="食品经营许可",
        kind="行政许可",
        agency="市场监管",
        retention="30年",
        service="承诺件",
        days=12,
        body=True,
        number="01-01-001",
        papers=(
            _paper(
                _APPLY,
                "食品经营许可申请书",
                "pdf",
                "申请人{applicant}在{place}开设小餐饮店，从业人员六名，主体业态为餐饮服务经营者，经营项目为热食类食品制售。",
            ),
            _LICENCE,
            _paper(_APPLY, "经营场所平面图", "scan"),
            _paper(_APPLY, "从业人员健康证明", "scan", need="非必要", chance=0.6),
            _ACCEPTED,
            _paper(
                _COURSE, "现场核查记录", "docx", "核查人员于{day}到{place}现场核查。", "布局流程合理，设施设备与申报一致，核查结论：符合。"
            ),
            _paper(_RESULT, "食品经营许可证", "ofd", "经营者：{applicant}。经营场所：{place}。有效期五年。"),
        ),
    ),
    Affair(
        code="许可-00212-001",
        name="建设工程规划许可证核发",
        kind="行政许可",
        agency="规划",
        retention="永久",
        service="承诺件",
        days=20,
        body=True,
        number="01-02-012",
        papers=(
            _paper(_APPLY, "建设工程规划许可申请表", "pdf", "建设单位{applicant}拟在{place}建设标准厂房两幢，总建筑面积一万二千平方米。"),
            _LICENCE,
            _paper(_APPLY, "总平面图", "scan"),
            _paper(_APPLY, "土地使用证明", "ofd", "{applicant}以出让方式取得{place}国有建设用地使用权。"),
            _paper(_COURSE, "业务审批单", "html", "受理：材料齐全", "审核：符合控制性详细规划", "决定：同意核发"),
            _paper(_RESULT, "建设工程规划许可证", "ofd", "根据城乡规划有关规定，经审核，本建设工程符合规划要求。建设单位：{applicant}。"),
        ),
    ),
    Affair(
        code="许可-00307-000",
        name="公共场所卫生许可",
        kind="行政许可",
        agency="卫健",
        retention="10年",
        service="承诺件",
        days=10,
        body=True,
        number="01-03-007",
        papers=(
            _paper(_APPLY, "公共场所卫生许可申请表", "docx", "申请单位{applicant}，经营地址{place}，许可项目：理发店。"),
            _LICENCE,
            _paper(_APPLY, "卫生检测报告", "pdf", "受{applicant}委托，对{place}空气、公共用品用具进行检测，所检项目符合要求。"),
            _ACCEPTED,
            _paper(_RESULT, "公共场所卫生许可证", "ofd", "单位名称：{applicant}。地址：{place}。有效期四年。"),
        ),
    ),
    Affair(
        code="给付-00101-000",
        name="最低生活保障金给付",
        kind="行政给付",
        agency="民政",
        retention="30年",
        service="承诺件",
        days=25,
        body=False,
        number="05-01-001",
        papers=(
            _paper(_APPLY, "最低生活保障申请书", "docx", "本人{applicant}，家住{place}，因病致家庭收入减少，申请纳入最低生活保障。"),
            _CARD,
            _paper(_APPLY, "家庭收入证明", "pdf", "经核对，{applicant}家庭上年度人均月收入低于本市最低生活保障标准。"),
            _paper(_COURSE, "入户调查记录", "pdf", "调查人员于{day}到{place}入户调查，家庭成员二人，住房一间，情况属实。"),
            _paper(_COURSE, "公示照片", "photograph", need="非必要", chance=0.7),
            _paper(_RESULT, "最低生活保障确认通知书", "ofd", "经审核确认，{applicant}家庭自下月起享受最低生活保障待遇。"),
        ),
    ),
    Affair(
        code="给付-00105-000",
        name="高龄津贴发放",
        kind="行政给付",
        agency="民政",
        retention="10年",
        service="即办件",
        days=1,
        body=False,
        number="05-01-005",
        papers=(
            _paper(_APPLY, "高龄津贴申请表", "pdf", "申请人{applicant}，现住{place}，已满八十周岁。"),
            _CARD,
            _paper(_RESULT, "高龄津贴核定结果", "html", "姓名：{applicant}", "津贴标准：每月一百元", "发放起始：次月"),
        ),
    ),
    Affair(
        code="处罚-00317-000",
        name="对占用城市道路经营的处罚",
        kind="行政处罚",
        agency="执法",
        retention="30年",
        service="承诺件",
        days=40,
        body=False,
        number="02-03-017",
        papers=(
            _paper("立案材料", "立案审批表", "pdf", "案由：{applicant}涉嫌在{place}占用城市道路摆摊经营。承办人意见：建议立案。"),
            _paper("证据材料", "现场检查照片", "photograph"),
            _paper("证据材料", "现场执法视频", "film"),
            _paper("证据材料", "询问笔录", "docx", "问：你何时在{place}摆摊？", "答：自{day}起，卖水果。", "问：有无审批手续？答：没有。"),
            _paper("处理文书", "行政处罚事先告知书", "pdf", "{applicant}：拟对你作出罚款二百元的行政处罚，你有权陈述申辩。"),
            _paper(
                "处理文书",
                "行政处罚决定书",
                "ofd",
                "当事人{applicant}于{day}在{place}占用城市道路经营，违反城市市容管理规定，决定罚款二百元。",
            ),
            _paper("处理文书", "送达回证", "scan"),
        ),
    ),
    Affair(
        code="处罚-00408-002",
        name="对违法排放水污染物的处罚",
        kind="行政处罚",
        agency="生态",
        retention="永久",
        service="承诺件",
        days=60,
        body=True,
        number="02-04-008",
        papers=(
            _paper("立案材料", "立案审批表", "pdf", "案由：{applicant}涉嫌超标排放水污染物。"),
            _paper("证据材料", "监测报告", "pdf", "{day}对{applicant}总排口采样，化学需氧量超过排放标准零点六倍。"),
            _paper("证据材料", "监测数据", "xml", "pH 7.2", "化学需氧量 96 mg/L", "氨氮 4.1 mg/L"),
            _paper("证据材料", "听证录音", "recording"),
            _paper("证据材料", "排污口照片", "photograph", need="非必要", chance=0.8),
            _paper("处理文书", "行政处罚决定书", "ofd", "{applicant}在{place}超标排放水污染物，决定责令改正，罚款十万元。"),
            _paper("处理文书", "送达回证", "scan"),
            _paper("处理文书", "结案审批表", "docx", "罚款已缴，整改已完成，建议结案。"),
        ),
    ),
    Affair(
        code="确认-00203-000",
        name="门（楼）牌证明",
        kind="行政确认",
        agency="民政",
        retention="30年",
        service="即办件",
        days=2,
        body=False,
        number="07-02-003",
        papers=(
            _paper(_APPLY, "门牌证明申请表", "pdf", "申请人{applicant}，申请对{place}门牌变更情况出具证明。"),
            _CARD,
            _paper(_COURSE, "地名查询结果", "html", "标准地名：{place}", "原地名：望溪村二组", "变更日期：2009年3月"),
            _paper(_RESULT, "门牌证明", "ofd", "兹证明{place}与原望溪村二组为同一处所。"),
        ),
    ),
    Affair(
        code="确认-00511-000",
        name="工伤认定",
        kind="行政确认",
        agency="人社",
        retention="30年",
        service="承诺件",
        days=55,
        body=False,
        number="07-05-011",
        papers=(
            _paper(_APPLY, "工伤认定申请表", "pdf", "申请人{applicant}于{day}在工作时间和工作场所内因工作原因受到伤害。"),
            _CARD,
            _paper(_APPLY, "诊断证明", "scan"),
            _paper(_APPLY, "证人证言", "txt", "我与{applicant}是同班工人。", "{day}上午，其在{place}搬运时被砸伤右手，我在场。"),
            _ACCEPTED,
            _paper(_RESULT, "认定工伤决定书", "ofd", "{applicant}受到的伤害，符合工伤认定情形，予以认定为工伤。"),
            _SERVED,
        ),
    ),
    Affair(
        code="奖励-00101-000",
        name="见义勇为人员奖励",
        kind="行政奖励",
        agency="公安",
        retention="永久",
        service="承诺件",
        days=45,
        body=False,
        number="08-01-001",
        papers=(
            _paper(_APPLY, "见义勇为推荐表", "docx", "推荐{applicant}为见义勇为先进分子。"),
            _paper(_APPLY, "事迹材料", "txt", "{day}傍晚，{applicant}路过{place}，听到河中呼救，跳水救起落水儿童一名。"),
            _paper(_COURSE, "公示照片", "photograph", need="非必要", chance=0.5),
            _paper(_RESULT, "奖励决定", "ofd", "经评审，决定授予{applicant}“云栖市见义勇为先进分子”称号，奖金一万元。"),
        ),
    ),
    Affair(
        code="公共服务-00514-000",
        name="社会保险参保证明查询打印",
        kind="公共服务",
        agency="人社",
        retention="10年",
        service="即办件",
        days=0,
        body=False,
        number="20-05-014",
        papers=(
            _paper(_APPLY, "查询申请", "html", "查询人：{applicant}", "查询用途：积分入学"),
            _paper(_COURSE, "参保数据", "xml", "养老保险 参保", "工伤保险 参保", "失业保险 参保"),
            _paper(_RESULT, "社会保险参保证明", "pdf", "{applicant}截至{day}在本市参加养老、工伤、失业保险，缴费状态正常。"),
        ),
    ),
    Affair(
        code="其他-00609-000",
        name="建设工程消防验收备案",
        kind="其他行政权力",
        agency="住建",
        retention="30年",
        service="承诺件",
        days=15,
        body=True,
        number="10-06-009",
        papers=(
            _paper(_APPLY, "消防验收备案表", "pdf", "建设单位{applicant}，工程地点{place}，建筑类别：多层公共建筑。"),
            _LICENCE,
            _paper(_APPLY, "竣工图纸", "", medium="纸质归档"),
            _paper(_COURSE, "抽查结果", "html", "是否抽中：否", "结论：准予备案"),
            _paper(_RESULT, "备案凭证", "ofd", "{applicant}申报的建设工程消防验收备案，准予备案。"),
        ),
    ),
)
