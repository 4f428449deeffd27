from pathlib import Path

import numpy as np
import pytest

from ticketing.drafting.categoriser import Categoriser, corpus
from ticketing.drafting.corpus import (
    BACKGROUND,
    Line,
    conversations,
    line,
    manifest,
    read_learned,
    read_training,
    training_dir,
)
from ticketing.drafting.corrections import Correction, compare, learn
from ticketing.drafting.features import bag, features
from ticketing.drafting.textmodel import TextModel, odds, train
from ticketing.errors import UnknownId
from ticketing.site import Site

LINES = [
    *(
        line("水", text)
        for text in (
            "家里从昨天开始停水了",
            "楼道里水管漏水没人修",
            "自来水发黄有股味道",
            "家里没人水表走得快",
            "龙头里一滴水都没有",
        )
    ),
    *(
        line("狗", text)
        for text in (
            "楼下的狗咬人了没人管",
            "小区里流浪狗越来越多",
            "遛狗的人从来不拴绳子",
            "楼上半夜狗叫睡不着",
            "门口大狗扑人吓孩子",
        )
    ),
    *(
        line("路", text)
        for text in (
            "门口路上有个大坑",
            "路面塌了一块没人修",
            "这条马路坑洼不平",
            "修路挖开了一直没填",
            "坑把我的车胎硌爆了",
        )
    ),
]


def fit(lines: list[Line] | tuple[Line, ...] | object) -> TextModel:
    assert isinstance(lines, list | tuple)
    return train([(one.label, bag([(one.text, 1.0)])) for one in lines])


def guess(model: TextModel, text: str) -> str:
    return model.labels[int(model.scores(bag([(text, 1.0)])).argmax())]


@pytest.mark.parametrize(
    ("text", "label"),
    [("没有水了", "水"), ("门口有条狗", "狗"), ("这条路坑太多", "路"), ("自来睡发黄", "水"), ("流浪够", "狗")],
)
def test_a_model_finds_the_label_by_letters_and_by_sound(text: str, label: str) -> None:
    assert guess(fit(LINES), text) == label


def test_the_same_lines_train_the_same_model() -> None:
    one, other = fit(LINES), fit(LINES)
    text = bag([("路上有水和狗", 1.0)])
    assert np.array_equal(one.scores(text), other.scores(text))


def test_a_text_of_unknown_words_scores_nothing() -> None:
    model = fit(LINES)
    assert not model.scores(bag([("qwxyz", 1.0)])).any()
    assert model.told(bag([("qwxyz", 1.0)])) == 0.0


def test_odds_are_a_distribution() -> None:
    probable = odds(np.array([1.0, 0.0, -1.0], np.float32), 2.0)
    assert probable.sum() == pytest.approx(1.0)
    assert list(probable) == sorted(probable, reverse=True)
    assert odds(np.array([1.0, 0.0], np.float32), 0.0) == pytest.approx([0.5, 0.5])


def test_a_kept_model_is_the_same_and_only_for_its_corpus(tmp_path: Path) -> None:
    model = fit(LINES)
    path = tmp_path / "deep" / "model.npz"
    model.save(path, manifest(LINES))
    again = TextModel.load(path, manifest(LINES))
    assert again is not None
    text = bag([("停水了", 1.0)])
    assert np.allclose(model.scores(text), again.scores(text))
    assert TextModel.load(path, manifest(LINES[:-1])) is None
    assert TextModel.load(tmp_path / "none.npz", "x") is None
    assert [p.name for p in path.parent.iterdir()] == ["model.npz"]


def test_features_of_sound_survive_a_wrong_hanzi() -> None:
    heard, meant = set(features("撒盐")), set(features("萨盐"))
    assert {f for f in meant if f.startswith("s")} == {f for f in heard if f.startswith("s")}


def test_training_files_count_only_where_code_and_name_agree(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# 1 水\n停水 没水\n# 2 狗\n咬人\n# 3\n无名\n", encoding="utf-8")
    found = list(read_training(tmp_path, {"1": "水", "2": "猫", "3": ""}))
    assert found == [Line("1", "停水没水", ("停水", "没水")), Line("3", "无名", ("无名",))]


def test_conversations_hold_every_line_once_a_round() -> None:
    lines = [*LINES, line(BACKGROUND, "您好请讲"), line(BACKGROUND, "好的谢谢")]
    mixed = [text for label, texts in conversations(lines, rounds=2) if label == "狗" for text in texts]
    for one in LINES:
        assert mixed.count(one.text) == (2 if one.label == "狗" else 0)
    assert "您好请讲" in mixed


def test_every_category_has_lines_written_for_it(site: Site) -> None:
    names = {str(c.code): c.level3 for c in site.categories.values()}
    written: dict[str, int] = {}
    for one in read_training(training_dir("categories"), names):
        written[one.label] = written.get(one.label, 0) + 1
    assert set(written) == set(names)
    assert min(written.values()) >= 30


def test_a_heading_of_a_training_file_is_a_category_of_the_site(site: Site) -> None:
    names = {str(c.code): c.level3 for c in site.categories.values()} | {BACKGROUND: ""}
    for path in training_dir("categories").glob("*.txt"):
        for raw in path.read_text(encoding="utf-8").splitlines():
            if raw.startswith("#"):
                code, _, name = raw[1:].strip().partition(" ")
                assert names.get(code) == name, f"{path.name}: {raw}"


def test_no_training_line_is_a_development_dialogues(site: Site) -> None:
    data = Path(__file__).parents[2] / "data" / "dialogues-dev" / "dialogues.jsonl"
    spoken = data.read_text(encoding="utf-8")
    assert not [one.text for one in corpus(site) if len(one.text) >= 14 and one.text in spoken]


@pytest.mark.timeout(600)
def test_a_site_is_trained_once_and_then_read(site: Site, model_cache: Path) -> None:
    Categoriser.of_site(site, model_cache)
    kept = (model_cache / "categories.npz").stat().st_mtime_ns
    Categoriser.of_site(site, model_cache)
    assert (model_cache / "categories.npz").stat().st_mtime_ns == kept


def test_good_corrections_make_it_better_and_bad_ones_worse() -> None:
    base = LINES * 3
    good = [line("猫", text) for text in ("野猫叫", "猫抓人", "流浪猫多", "猫钻车底", "喂猫的人") * 3]
    bad = [line("狗", one.text) for one in LINES if one.label != "狗"] * 9
    _, before, after = compare(base, good, fit)
    assert after >= before
    _, before, after = compare(base, bad, fit)
    assert after < before


def test_what_was_learned_is_kept_for_the_categories_there_are(tmp_path: Path) -> None:
    (tmp_path / "learned.jsonl").write_text('["040101", "暖气", "不热"]\n["999999", "没有"]\n', encoding="utf-8")
    assert list(read_learned(tmp_path, {"040101": "暖气不热"})) == [Line("040101", "暖气不热", ("暖气", "不热"))]
    assert list(read_learned(tmp_path / "none", {})) == []


def test_a_correction_of_an_unknown_category_changes_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(UnknownId):
        learn(site, [Correction(category_code="999999", texts=("没有这个",))], tmp_path)
    assert list(tmp_path.iterdir()) == []
