"""A day at the desk to show and to test with: people, a call about cold radiators, and what comes of it.

Everybody and everything in it is invented.
"""

from datetime import UTC, date, datetime, timedelta

import msgspec

from asr.transcript import Hypothesis, Segment, Speaker, Word
from ivr.calls.vocabulary import AgentState, CallState
from ivr.desk.views import AgentCard, CallCard, DeskView, QueueCard, Rate
from ticketing.views import ArticleHit, ArticleView, CallerView, Choice, DraftField, DraftView, TicketView
from ticketing.vocabulary import FieldName, RequestType, Urgency

NOW = datetime(2026, 11, 21, 6, 22, 31, tzinfo=UTC)
"""14:22:31 in Yuncheng."""

AGENT = AgentCard(
    id="1001", name="话务员甲", extension="8001", state=AgentState.AVAILABLE, since=NOW - timedelta(seconds=95)
)
QUEUE = QueueCard(
    waiting=3,
    oldest_since=NOW - timedelta(seconds=21),
    answered=Rate(part=1957, of=2001),
    answered_in_15s=Rate(part=1923, of=2001),
)
QUIET = QueueCard(waiting=0, oldest_since=None, answered=Rate(part=0, of=0), answered_in_15s=Rate(part=0, of=0))

LAST_TICKET = TicketView(
    reference="2611200012",
    title="圣惠小区4号楼暖气不热",
    state="dispatched",
    request_type=RequestType.COMPLAINT,
    category="供热 › 温度不达标",
    lead_agency_id="e-heat",
    lead_agency="市热力公司",
    due_at=NOW + timedelta(hours=19),
    created_at=NOW - timedelta(hours=29),
    dispatched_at=NOW - timedelta(hours=29),
)
ARRIVED = NOW - timedelta(seconds=152)
CALL = CallCard(
    id="c-7f31",
    state=CallState.CONNECTED,
    masked_number="138****5678",
    caller=CallerView(earlier_calls=2, open_tickets=2, last_ticket=LAST_TICKET),
    arrived_at=ARRIVED,
    answered_at=ARRIVED + timedelta(seconds=9),
)
RINGING = msgspec.structs.replace(CALL, state=CallState.OFFERED, answered_at=None)
WRAP_UP = msgspec.structs.replace(CALL, state=CallState.WRAP_UP, ended_at=NOW - timedelta(seconds=18))


def segment(
    number: int, speaker: Speaker, at: float, text: str, *, spoken: str = "", doubtful: tuple[str, ...] = ()
) -> Segment:
    """One utterance; `spoken` is its words with spaces, those in `doubtful` the recogniser is not sure of."""
    start = int(at * 1000)
    words = tuple(
        Word(text=word, start_ms=start, end_ms=start, confidence=0.41 if word in doubtful else 0.94)
        for word in (spoken or text).split()
    )
    return Segment(
        id=f"s{number}",
        speaker=speaker,
        start_ms=start,
        end_ms=start + 2000,
        text=text,
        spoken=(spoken or text),
        words=words,
    )


SEGMENTS = (
    segment(1, Speaker.AGENT, 11, "您好，运城12345热线，请问有什么可以帮您？"),
    segment(2, Speaker.CITIZEN, 18, "我家暖气一点都不热"),
    segment(3, Speaker.AGENT, 22, "请问您家在哪个小区？"),
    segment(
        4,
        Speaker.CITIZEN,
        25,
        "盐湖区圣惠小区3号楼2单元601",
        spoken="盐湖区 圣惠 小区 三 号楼 二 单元 六零一",
        doubtful=("圣惠", "六零一"),
    ),
    segment(5, Speaker.CITIZEN, 32, "热力公司来过一次，说是管道堵了，让等着，再打电话就没有人接了"),
    segment(6, Speaker.AGENT, 41, "您别着急，请问家里现在多少度？"),
)
HYPOTHESIS = Hypothesis(speaker=Speaker.CITIZEN, start_ms=46_000, text="都四天了家里还有老人孩子")

HEAT_COLD = Choice(value="040101", label="供热 › 温度不达标", confidence=0.92)
HEAT_PIPE = Choice(value="040102", label="供热 › 管道故障", confidence=0.55)
HEAT_FEE = Choice(value="040103", label="供热 › 收费争议", confidence=0.21)
HEATING = Choice(value="e-heat", label="市热力公司", confidence=0.95)
NANCHENG = Choice(value="s140802004", label="南城街道", confidence=0.8)
HOUSING = Choice(value="b140802-zj", label="盐湖区住房和城乡建设局", confidence=0.5)

CHOICES: dict[FieldName, tuple[Choice, ...]] = {
    FieldName.REQUEST_TYPE: tuple(Choice(value=kind, label=kind, confidence=0.0) for kind in RequestType),
    FieldName.CATEGORY: (HEAT_COLD, HEAT_PIPE, HEAT_FEE),
    FieldName.PLACE: (Choice(value="p140802-101", label="圣惠小区（盐湖区 南城街道）", confidence=0.0),),
    FieldName.LEAD_AGENCY: (HEATING, HOUSING, NANCHENG),
    FieldName.CO_AGENCIES: (NANCHENG, HOUSING),
    FieldName.URGENCY: tuple(Choice(value=level, label=level, confidence=0.0) for level in Urgency),
}

DRAFT = DraftView(
    id="d-1",
    call=CALL.id,
    revision=7,
    fields={
        FieldName.REQUEST_TYPE: DraftField(value="投诉", label="投诉", confidence=0.9, evidence=("s2",)),
        FieldName.CATEGORY: DraftField(
            value="040101", label="供热 › 温度不达标", confidence=0.92, evidence=("s2",), alternatives=(HEAT_PIPE,)
        ),
        FieldName.PLACE: DraftField(
            value="p140802-101", label="圣惠小区（盐湖区 南城街道）", confidence=0.88, evidence=("s4",)
        ),
        FieldName.ADDRESS: DraftField(value="圣惠小区3号楼2单元601", confidence=0.58, evidence=("s4",)),
        FieldName.CITIZEN_NAME: DraftField(ask="请问您贵姓？"),
        FieldName.CALLBACK_PHONE: DraftField(value="138****5678", label="138****5678", confidence=0.99),
        FieldName.CONFIDENTIAL: DraftField(),
        FieldName.LEAD_AGENCY: DraftField(value="e-heat", label="市热力公司", confidence=0.95, evidence=("s2", "s5")),
        FieldName.CO_AGENCIES: DraftField(value="s140802004", label="南城街道", confidence=0.8),
        FieldName.URGENCY: DraftField(value="紧急", label="紧急", confidence=0.86),
        FieldName.DUE_AT: DraftField(value="2026-11-22T06:22:00+00:00", confidence=0.97),
        FieldName.TITLE: DraftField(value="圣惠小区3号楼暖气不热四天", confidence=0.83, evidence=("s2", "s4")),
        FieldName.CONTENT: DraftField(
            value=(
                "市民反映：盐湖区圣惠小区3号楼2单元601住户家中暖气不热，已有四天。热力公司曾上门一次，称管道堵塞，"
                "之后电话无人接听。家中有老人和孩子。希望尽快派人疏通管道，恢复供热。"
            ),
            confidence=0.78,
            evidence=("s2", "s4", "s5"),
        ),
    },
    promise="24小时内由市热力公司与您联系，明天14:22前答复。",
)

EMPTY_DRAFT = DraftView(id="d-1", call=CALL.id, revision=1, fields={})

ARTICLES = (
    ArticleView(
        id="kb-0001",
        title="供热温度标准和测温申请",
        answer=(
            "供热期内正常供热的住户，卧室和客厅温度一般不低于18摄氏度。温度达不到时先检查阀门、过滤网和排气，仍不热可以拨"
            "热力公司服务电话或者通过热线登记，工作人员预约上门测温并由双方签字，测温记录可以作为退费依据。"
            "来电时请说明详细地址、发生时间和联系电话，便于派人核实。以上内容以主管部门最新规定为准。"
        ),
        kind="公共服务",
        category_code="040101",
        agency="市热力公司",
        valid_from=date(2026, 11, 1),
        valid_to=date(2027, 3, 31),
        expired=False,
    ),
    ArticleView(
        id="kb-0002",
        title="暖气片半截热的自查方法",
        answer="先看进回水阀门是否全开，再拧开放气阀排出空气直到流水，排完及时关紧。",
        kind="公共服务",
        category_code="040101",
        agency="市热力公司",
        valid_from=None,
        valid_to=None,
        expired=False,
    ),
    ArticleView(
        id="kb-0003",
        title="报停供热要交多少钱",
        answer="报停应在供热开始前办理，报停期间按规定交纳基本热费。",
        kind="公共服务",
        category_code="040103",
        agency="市热力公司",
        valid_from=date(2025, 10, 1),
        valid_to=date(2026, 3, 31),
        expired=True,
    ),
)
SUGGESTED = (
    ArticleHit(id="kb-0001", title="供热温度标准和测温申请", score=9.1, snippet="室温不低于\x0218\x03摄氏度"),
    ArticleHit(id="kb-0002", title="暖气片半截热的自查方法", score=7.4, snippet="先看进回水\x02阀门\x03"),
    ArticleHit(id="kb-0003", title="报停供热要交多少钱", score=3.2, snippet="", expired=True),
)

IDLE = DeskView(agent=AGENT, queue=QUEUE)
ON_CALL = msgspec.structs.replace(AGENT, state=AgentState.ON_CALL, since=NOW - timedelta(seconds=134))
IN_CALL = DeskView(
    agent=ON_CALL,
    queue=QUEUE,
    call=CALL,
    segments=SEGMENTS,
    hypotheses=(HYPOTHESIS,),
    draft=DRAFT,
    suggested=SUGGESTED,
)
RINGS = DeskView(
    agent=msgspec.structs.replace(AGENT, state=AgentState.RESERVED, since=NOW - timedelta(seconds=4)),
    queue=QUEUE,
    call=RINGING,
)
