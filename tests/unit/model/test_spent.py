from pathlib import Path

from asr.model.recipe.spent import Spent, cpu_s


def test_minutes_add_up_over_sittings(tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    Spent(path).charge("speech", 90.0)
    later = Spent(path)
    later.begin()
    later.charge("speech", 30.0)
    later.charge("training", 6.0)
    found = Spent(path).summary()
    assert found["speech"]["cpu_minutes"] == 2.0
    assert found["training"]["cpu_minutes"] == 0.1
    assert found["speech"]["wall_minutes"] < 1
    assert [p.name for p in tmp_path.iterdir()] == ["spent.json"]


def test_processor_time_only_grows() -> None:
    before = cpu_s()
    assert sum(range(10_000)) and cpu_s() >= before >= 0
