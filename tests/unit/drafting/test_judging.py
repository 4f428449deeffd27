import pytest

from tests.unit.drafting.speech import citizen, conversation
from ticketing.drafting.cues import CueList
from ticketing.drafting.kinds import KindJudge, course_of
from ticketing.drafting.mentions import AgencyMentions
from ticketing.drafting.refusals import RefusalWatch
from ticketing.site import Site
from ticketing.vocabulary import RequestType


@pytest.fixture(scope="module")
def judge() -> KindJudge:
    return KindJudge()


@pytest.fixture(scope="module")
def watch(site: Site) -> RefusalWatch:
    return RefusalWatch(site.not_accepted)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我想问一下需要带什么材料几天能办好", RequestType.ENQUIRY),
        ("说好修到现在没人来态度还特别差太不负责任", RequestType.COMPLAINT),
        ("我要举报他们没有证照偷偷干你们去查一查", RequestType.REPORT),
        ("我提个建议能不能在那边加一个公交站", RequestType.SUGGESTION),
        ("我要感谢那位师傅想做个锦旗表扬他", RequestType.PRAISE),
        ("家里没人照顾实在没办法了求求你们帮帮忙", RequestType.HELP),
    ],
)
def test_the_callers_tone_tells_the_kind(judge: KindJudge, text: str, kind: RequestType) -> None:
    assert judge.judge(citizen(text), None).kind is kind


def test_danger_is_a_cry_for_help(judge: KindJudge, site: Site) -> None:
    said = citizen("他们太不像话了打人")
    assert judge.judge(said, site.category("060101"), danger=True).kind is RequestType.HELP


def test_an_answer_makes_an_enquiry_and_passing_on_does_not(judge: KindJudge, site: Site) -> None:
    question = "市民 公租房怎么才能申请"
    answered = conversation(
        question, "话务 本市户籍收入低于标准的可以向街道申请", "市民 要多久", "话务 审核公示以后轮候一般需要几个月"
    )
    passed = conversation(question, "话务 您住在哪里", "市民 南城", "话务 给您转房产中心核实")
    assert course_of(answered).answered
    assert not course_of(answered).passed_on
    assert course_of(passed).passed_on
    category = site.category("030501")
    assert judge.judge(answered, category).kind is RequestType.ENQUIRY
    assert judge.judge(answered, category).sure > judge.judge(passed, category).sure


@pytest.mark.parametrize("text", ["生育登记手机上就能办", "转账记录留好", "婚姻登记处上午八点开门", "打到您的社保卡"])
def test_words_that_only_look_like_passing_on(text: str) -> None:
    assert not course_of(conversation(f"话务 {text}")).passed_on


@pytest.mark.parametrize(
    ("citizen_says", "agent_says", "reason"),
    [
        ("我在西安租房房东不退押金", "这个不在我们市请您拨打当地区号加一二三四五", "na-region"),
        ("帮我查一下这个人住哪", "他人信息涉及隐私我们不能提供", "na-secret"),
        ("我哥把爸的房子占了不分给我", "这属于家庭内部民事纠纷热线不能裁决可以找人民调解", "na-private"),
        ("昨天说的那个事派人了没有", "已经转到市政正在处理办理时限还没有到期", "na-handling"),
        ("我要举报书记收人家钱", "反映公职人员违纪请拨打一二三八八我们不受理", "na-discipline"),
    ],
)
def test_an_agents_no_has_a_reason(watch: RefusalWatch, citizen_says: str, agent_says: str, reason: str) -> None:
    said = conversation(f"市民 {citizen_says}", f"话务 {agent_says}", "市民 那好吧")
    turned = watch.listen(said, course_of(said))
    assert turned is not None
    assert turned.reason_id == reason
    assert "u1" in turned.evidence


def test_cues_alone_refuse_nobody(watch: RefusalWatch, site: Site) -> None:
    for reason in site.not_accepted.reasons:
        said = conversation(*(f"市民 {cue}" for cue in reason.cues), "话务 好的给您登记转相关部门核实")
        assert watch.listen(said, course_of(said)) is None


def test_what_is_passed_on_is_taken(watch: RefusalWatch) -> None:
    said = conversation("市民 法院门口天天堵车", "话务 给您转交警处理热线不能直接处罚", "市民 行")
    assert watch.listen(said, course_of(said)) is None


def test_an_agency_named_by_the_agent_speaks_for_its_categories(site: Site) -> None:
    labels = list(site.categories)
    mentions = AgencyMentions(site, labels)
    support = mentions.support(["给您转卫生监督所查处"])
    assert support[labels.index(site.category("120102").code)] == support.max()
    assert not mentions.support(["您说的是城管那个事吗"]).any() or support.max() > 0
    assert not mentions.support(["您贵姓"]).any()


def test_cues_are_heard_by_sound() -> None:
    cues = CueList(["保密", "别说*是我", "马蜂窝"])
    assert [c.phrase for c in cues.find("你们得包蜜")] == ["保密"]
    assert [c.phrase for c in cues.find("可别说出去是我讲的")] == ["别说*是我"]
    assert cues.any("树上有个马风窝")
    assert not cues.any("宝贝在家")
    assert not CueList(["保密"], exact_pairs=True).any("你们得包蜜")
    assert CueList([]).find("保密") == []
