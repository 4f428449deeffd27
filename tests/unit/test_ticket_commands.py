"""`hotline ticket`, `callback`, `site`, `deadline` on an instance without a telephone."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ivr.cli import app
from ticketing.site import Site, default_site_dir, load_site

ROSTER = """\
[[people]]
id = "1001"
name = "甲"
extension = "1001"
role = "agent"
skills = ["general"]
"""
PACKS: dict[tuple[object, ...], Site] = {}
OTHERS = {
    "2001": "reviewer",
    "3001": "visitor",
    "4001": "overseer",
    "5001": "handler_head",
    "6001": "leader",
    "9001": "admin",
}


class Instance:
    """An instance's folder, and the program on it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str, status: int = 0, home: bool = True) -> str:
        wanted = [*words, "--home", str(self.home)] if home else list(words)
        result = CliRunner().invoke(app, wanted, catch_exceptions=False)
        assert result.exit_code == status, result.output
        self.errors = result.stderr
        return result.stdout

    def json(self, *words: str, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status))

    def new(self, *words: str) -> Any:
        given = ["--type", "投诉", "--category", "010101", "--title", "人行道被占", "--content", "学府街人行道停满新车"]
        return self.json("ticket", "new", "--as", "1001", *given, "--name", "申先生", "--phone", "13800005678", *words)

    def act(self, reference: str, step: str, who: str, *words: str, status: int = 0) -> Any:
        return self.json("ticket", "act", reference, step, "--as", who, *words, status=status)

    def dispatched(self) -> str:
        reference: str = self.new()["reference"]
        assert self.json("ticket", "dispatch")["tried"] > 0
        return reference


@pytest.fixture(autouse=True)
def each_pack_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the pack is most of a command's time, and tested elsewhere."""

    def load(folder: Path) -> Site:
        known = (folder, *(one.stat().st_mtime_ns for one in sorted(folder.iterdir())))
        if known not in PACKS:
            PACKS[known] = load_site(folder)
        return PACKS[known]

    for module in ("books", "deadline"):
        monkeypatch.setattr(f"ivr.commands.{module}.load_site", load)
    monkeypatch.setattr("ivr.instance.load_site", load)
    monkeypatch.setattr("ticketing.site_store.load_site", load)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("instance") / "hotline"
    home.mkdir()
    people = [
        f'[[people]]\nid = "{number}"\nname = "{role}"\nrole = "{role}"\n'
        + ('agency = "d-cgj"\n' if role.startswith("handler") else "")
        for number, role in OTHERS.items()
    ]
    (home / "roster.toml").write_text("\n".join([ROSTER, *people]))
    Instance(home).run("setup", "--no-telephone")
    return home


@pytest.fixture
def instance(made: Path, tmp_path: Path) -> Instance:
    shutil.copytree(made, tmp_path / "hotline")
    return Instance(tmp_path / "hotline")


def test_a_ticket_goes_round_by_commands(instance: Instance) -> None:
    made = instance.new()
    assert (made["state"], made["state_name"]) == ("pending_dispatch", "待派单")
    assert made["citizen_name"] == "申**"
    assert made["due_at"].endswith("+08:00")
    reference = made["reference"]
    assert instance.json("ticket", "dispatch") == {"tried": 1}
    shown = instance.act(reference, "签收", "5001")
    assert shown["state"] == "in_progress"
    assert {"kind": "replied", "name": "提交办理结果"} in shown["open_steps"]
    instance.act(reference, "replied", "5001", "--set", "closure=solved", "--set", "result=已清理")
    instance.act(reference, "审核通过", "2001")
    closed = instance.act(reference, "visited", "3001", "--set", "solved=true", "--set", "satisfied=true")
    assert (closed["state"], closed["closure"]) == ("closed", "solved")
    log = instance.json("ticket", "history", reference, "--as", "6001")
    assert [one["kind"] for one in log] == [
        "submitted", "dispatched", "signed", "replied", "reply_approved", "visited",
    ]  # fmt: skip
    assert [one["reference"] for one in instance.json("ticket", "list", "--as", "5001", "--state", "closed")] == [
        reference
    ]


def test_a_refused_step_names_the_reason_and_what_is_open(instance: Instance) -> None:
    reference = instance.dispatched()
    refused = instance.act(reference, "replied", "5001", "--set", "closure=solved", "--set", "result=好", status=3)
    assert refused["reason"] == "“待签收”状态下不能提交办理结果"
    assert {one["kind"] for one in refused["open_steps"]} == {"signed", "return_asked", "noted"}
    assert "签收(signed)" in instance.errors
    assert "无权" in instance.act(reference, "signed", "6001", status=3)["reason"]
    stale = instance.act(reference, "signed", "5001", "--revision", "0", status=3)
    assert stale["changed"] == ["dispatched"]
    assert "由系统自动完成" in instance.act(reference, "dispatched", "2001", status=3)["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("act", "0000000000", "signed", "--as", "5001"), "no ticket"),
        (("act", "REF", "fly", "--as", "5001"), "no step 'fly'"),
        (("act", "REF", "signed", "--as", "5001", "--set", "x=1"), "says no x"),
        (("act", "REF", "signed", "--as", "5001", "--set", "x"), "must be NAME=VALUE"),
        (("show", "REF", "--as", "nobody"), "no account 'nobody' is open"),
        (("show", "REF"), "nobody acts"),
        (("duplicates", "--as", "1001"), "one of the two"),
    ],
)
def test_a_mistake_is_one_line_and_status_two(instance: Instance, words: tuple[str, ...], said: str) -> None:
    reference = instance.new()["reference"]
    assert instance.run("ticket", *(reference if one == "REF" else one for one in words), status=2) == ""
    assert said in instance.errors


def test_a_due_time_by_hand_may_only_be_earlier(instance: Instance) -> None:
    promised = datetime.fromisoformat(instance.new()["due_at"]) - timedelta(days=1)
    reference = instance.new("--due", promised.isoformat())["reference"]
    instance.json("ticket", "dispatch")
    assert instance.json("ticket", "show", reference, "--as", "6001")["due_at"] == promised.isoformat()
    made = [
        "ticket",
        "new",
        "--as",
        "1001",
        "--type",
        "投诉",
        "--category",
        "010101",
        "--title",
        "题",
        "--content",
        "文",
    ]
    instance.run(*made, "--due", "2999-01-01T00:00:00+08:00", status=2)
    assert "申请延期" in instance.errors
    instance.run(*made, "--due", "2020-01-01T00:00:00+08:00", status=2)
    assert "已过" in instance.errors
    instance.run(*made, "--due", "soon", status=2)


def test_a_registered_ticket_is_accepted_later(instance: Instance) -> None:
    reference = instance.new("--register", "--medium", "web")["reference"]
    accepted = instance.act(reference, "submitted", "1001", "--set", "category_code=010102", "--set", "review=true")
    assert (accepted["state"], accepted["category_code"]) == ("pending_review", "010102")
    assert accepted["category"].endswith("人行道乱停放")
    passed = instance.act(
        reference, "review_passed", "2001", "--set", "lead_agency_id=d-cgj", "--set", "co_agency_ids=[]"
    )
    assert (passed["state"], passed["lead_agency_id"]) == ("pending_dispatch", "d-cgj")


def test_the_identity_is_shown_for_a_reason_only(instance: Instance) -> None:
    reference = instance.new()["reference"]
    assert instance.json("ticket", "show", reference, "--as", "1001")["callback_phone"] == "138****5678"
    instance.run("ticket", "show", reference, "--as", "1001", "--reveal", status=3)
    known = instance.json("ticket", "show", reference, "--as", "1001", "--reveal", "--why", "回拨核实")
    assert (known["citizen_name"], known["callback_phone"]) == ("申先生", "13800005678")


def test_the_same_matter_is_found(instance: Instance) -> None:
    first, second = (instance.new()["reference"] for _ in range(2))
    (found,) = instance.json("ticket", "duplicates", second, "--as", "1001")
    assert found["ticket"]["reference"] == first
    assert any("内容相似" in one for one in found["reasons"])
    said = instance.json("ticket", "duplicates", "--as", "1001", "--text", "学府街人行道停满新车")
    assert {one["ticket"]["reference"] for one in said} == {first, second}


def test_visits_are_taken_from_the_queue(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = instance.dispatched()
    instance.act(reference, "signed", "5001")
    instance.act(reference, "replied", "5001", "--set", "closure=solved", "--set", "result=已清理")
    instance.act(reference, "reply_approved", "2001")
    (waiting,) = instance.json("callback", "list")
    assert (waiting["kind"], waiting["number"]) == ("visit", "138****5678")
    instance.run("callback", "take", "--as", "6001", status=3)
    monkeypatch.setattr("ticketing.callbacks.Callbacks.quiet", lambda *_: False)  # whatever the hour of the test
    taken = instance.json("callback", "take", "--as", "3001")
    assert taken["number"] == "13800005678"
    assert instance.json("callback", "take", "--as", "3001", status=1) is None
    done = ("callback", "done", str(taken["id"]), "--as", "3001", "--outcome", "reached", "--solved", "--satisfied")
    instance.run(*done, "--token", "wrong", status=2)
    assert instance.json(*done, "--token", taken["token"])["state"] == "done"
    assert instance.json("ticket", "show", reference, "--as", "6001")["state"] == "closed"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_site_dir(), tmp_path / "pack"))


def change(pack: Path, file: str, edit: Callable[[str], str]) -> None:
    text = (pack / file).read_text(encoding="utf-8")
    changed = edit(text)
    assert changed != text
    (pack / file).write_text(changed, encoding="utf-8")


def test_a_loaded_pack_retires_ids_and_old_tickets_still_read(instance: Instance, pack: Path) -> None:
    reference = instance.dispatched()
    assert instance.json("site", "load", str(pack), "--as", "9001")["same"]
    for file in ("agencies.csv", "categories.csv", "kb.jsonl"):
        change(pack, file, lambda text: re.sub(r"\bd-cgj-zf\b(?!-)", "d-cgj-jc", text))
    loaded = instance.json("site", "load", str(pack), "--as", "9001")
    assert (loaded["retired"], loaded["added"]) == ({"agency": ["d-cgj-zf"]}, {"agency": ["d-cgj-jc"]})
    assert loaded["open_at_retired_agencies"] == [reference]
    shown = instance.act(reference, "signed", "5001")  # the unit above still has it
    assert (shown["state"], shown["lead_agency_id"]) == ("in_progress", "d-cgj-zf")
    assert instance.new()["lead_agency_id"] == "d-cgj-jc"
    refused = ("ticket", "act", instance.dispatched(), "return_asked", "--as", "5001", "--why", "不是")
    assert "单位不存在" in instance.json(*refused, "--set", "rather=d-cgj-zf", status=3)["reason"]
    back = instance.json("site", "load", str(default_site_dir()), "--as", "9001")
    assert back["revived"] == {"agency": ["d-cgj-zf"]}
    assert instance.new()["lead_agency_id"] == "d-cgj-zf"
    assert sorted(one.name for one in (instance.home / "site" / "packs").iterdir()) == ["0001", "0002"]


def test_a_broken_pack_is_not_loaded(instance: Instance, pack: Path) -> None:
    change(pack, "deadline_rules.yaml", lambda text: text.replace("default_rule: dl-general", "default_rule: dl-none"))
    assert instance.run("site", "load", str(pack), "--as", "9001", status=2) == ""
    assert "deadline_rules.yaml:" in instance.errors
    assert not (instance.home / "site").exists()


def deadline(instance: Instance, *words: str, status: int = 0) -> Any:
    return instance.json("deadline", *words, status=status)


def test_a_deadline_says_how_it_was_counted(instance: Instance) -> None:
    due = deadline(instance, "--rule", "dl-consult", "--from", "2026-09-30T10:00")
    assert due["due_at"] == "2026-10-09T17:30:00+08:00"
    assert "10-01 周四 国庆节放假，不计" in due["counted"]
    assert deadline(instance, "--rule", "dl-consult", "--from", "2026-09-30T02:00:00Z")["due_at"] == due["due_at"]
    far = deadline(instance, "--rule", "dl-general", "--from", "2026-12-28T10:00", "--agency", "d-cgj")
    assert "2027 年放假安排尚未公布" in far["warnings"][0]
    assert "2027 年放假安排尚未公布" in instance.errors
    instance.run("deadline", "--rule", "dl-none", "--from", "2026-09-30T10:00", status=2)
    instance.run("deadline", "--rule", "dl-general", "--from", "2026-09-30T10:00", "--agency", "x", status=2)
    instance.run("deadline", "--rule", "dl-general", "--from", "soon", status=2)


def test_agencies_and_seasons_may_have_rules_of_their_own(instance: Instance, pack: Path) -> None:
    changes = """\
changes:
  - {rule: dl-general, agency_id: d-cgj, use: dl-noise}
  - {rule: dl-general, agency_id: d-cgj, use: dl-consult, active_from: "11-01", active_to: "11-30"}
  - {rule: dl-general, use: dl-complex, active_from: "12-15", active_to: "01-15"}
"""
    change(pack, "deadline_rules.yaml", lambda text: text + changes)
    assert instance.json("site", "load", str(pack), "--as", "9001")["same"] is False

    def applied(agency: str, day: str) -> str:
        words = ("--rule", "dl-general", "--from", f"{day}T09:00", *(("--agency", agency) if agency else ()))
        found: str = deadline(instance, *words)["applied_rule"]
        return found

    assert applied("", "2026-10-12") == "dl-general"
    assert applied("d-gaj", "2026-10-12") == "dl-general"
    assert applied("d-cgj-zf", "2026-10-12") == "dl-noise"
    assert applied("d-cgj-zf", "2026-11-12") == "dl-consult"
    assert applied("d-cgj", "2026-12-20") == "dl-noise"
    assert applied("d-gaj", "2026-01-10") == "dl-complex"
    faulty = '  - {rule: dl-general, agency_id: d-cgj, use: dl-law, active_from: "11-30", active_to: "12-02"}\n'
    change(pack, "deadline_rules.yaml", lambda text: text + faulty)
    assert "on the same days" in instance.run("site", "check", str(pack), status=1, home=False)


def test_privacy_by_commands(instance: Instance) -> None:
    reference = instance.new("--refuse", "na-region")["reference"]
    instance.json("ticket", "show", reference, "--as", "1001", "--reveal", "--why", "核实")
    reads = instance.json("privacy", "reads", reference, "--as", "9001")
    assert [(one["actor"], one["action"], one["why"]) for one in reads] == [("1001", "reveal", "核实")]
    instance.run("privacy", "reads", reference, "--as", "6001", status=3)
    counted = instance.json("privacy", "retention", "--dry-run", "--as", "9001")
    assert counted["dry_run"]
    assert set(counted["rows"].values()) == {0}
    assert instance.json("privacy", "rotate-keys", "--as", "9001") == {"resealed": 2}
    instance.run("privacy", "hold", reference, "--as", "9001", "--why", "诉讼")
    erase = ("privacy", "erase", "--phone", "13800005678", "--as", "9001", "--why", "本人要求")
    assert "依法留存" in instance.json(*erase, status=3)["reason"]
    instance.run("privacy", "hold", reference, "--lift", "--as", "9001", "--why", "结案")
    assert instance.json(*erase) == {"tickets": [reference]}
    assert instance.json("ticket", "show", reference, "--as", "6001")["content"] == "（已按来电人要求删除）"
    (instance.home / "keys.toml").unlink()
    instance.run("ticket", "show", reference, "--as", "6001", status=2)
    assert "keys.toml is missing" in instance.errors


def test_sheets_by_commands(instance: Instance, tmp_path: Path) -> None:
    reference = instance.new("--answered", "-")["reference"]
    out = tmp_path / "out.csv"
    instance.run("export", "tickets", str(out), "--as", "1001", "--why", "看看", status=3)
    assert instance.json("export", "tickets", str(out), "--as", "6001", "--why", "月报")["tickets"] == 1
    text = out.read_text(encoding="utf-8-sig")
    assert reference in text
    assert "13800005678" not in text
    old = tmp_path / "old.csv"
    old.write_text("工单编号,受理时间,诉求类型,问题分类,标题,主要内容,工单状态,办结时间,办结方式\n"
                   "旧1,2026-01-05 9:00,咨询,010101,题,文,办结,2026-01-05 9:10,直接答复\n"
                   "旧2,2026-01-05 9:00,闲聊,010101,题,文,办结,2026-01-05 9:10,直接答复\n")  # fmt: skip
    report = tmp_path / "refused.csv"
    brought = instance.json("import", "tickets", str(old), "--as", "9001", "--report", str(report), status=1)
    assert (brought["written"], [(one["row"], one["column"]) for one in brought["faults"]]) == (0, [(3, "诉求类型")])
    assert "3,诉求类型,不认识：闲聊" in report.read_text(encoding="utf-8-sig")
    assert instance.json("import", "tickets", str(old), "--as", "9001", "--skip-refused", status=1)["written"] == 1
    found = instance.json("ticket", "duplicates", "--as", "1001", "--text", "题文")  # the search has caught up
    assert {one["ticket"]["reference"] for one in found} <= {"2601050001", reference}


def test_articles_come_in_as_a_new_pack(instance: Instance, tmp_path: Path) -> None:
    sheet = tmp_path / "kb.csv"
    head = "编号,类别,标题,问法,答复,分类编码,单位\n"
    sheet.write_text(head + ",政务便民,新文章,怎么办|咋办,这样办。,010101,d-cgj\n,政务便民,坏,问,答,999999,谁\n")
    told = instance.json("import", "articles", str(sheet), "--as", "9001", status=1)
    assert {one["column"] for one in told["faults"]} == {"分类编码", "单位"}
    assert not (instance.home / "site").exists()
    sheet.write_text(
        head + ",政务便民,新文章,怎么办|咋办,这样办。,010101,d-cgj\nkb-0001,公共服务,改,问,答,010101,d-cgj\n"
    )
    assert instance.json("import", "articles", str(sheet), "--as", "9001", "--dry-run")["written"] == 0
    assert instance.json("import", "articles", str(sheet), "--as", "9001")["written"] == 2
    articles = load_site(instance.home / "site" / "packs" / "0001").articles
    assert [one.title for one in articles.values() if one.title in ("新文章", "改")] == ["改", "新文章"]
