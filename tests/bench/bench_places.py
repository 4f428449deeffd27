"""What finding places costs at size: `python -m tests.bench.bench_places [PLACES]` (50,000)."""

import random
import sys
import time

import msgspec

from tests.bench.measure import memory, say, took
from ticketing.pack import Place
from ticketing.places import Gazetteer
from ticketing.site import default_site_dir, load_site
from ticketing.vocabulary import PlaceId

HEADS = (
    "金银玉翠丽景名都盛世华庭锦绣东西南北安康福顺兴隆和平永昌新天龙凤山水清河石桥王李"
    "张赵柳杨槐桃花月星云海川泉谷岭庙寺堡寨沟坡塬原湾"
)
TAILS = (
    "小区",
    "花园",
    "家园",
    "苑",
    "村",
    "庄",
    "路",
    "街",
    "巷",
    "小学",
    "市场",
    "公园",
    "大厦",
    "医院",
    "家属院",
    "桥",
)


def grown(base: list[Place], size: int, rng: random.Random) -> list[Place]:
    """The site's places and as many invented ones as make `size`."""
    places = list(base)
    while len(places) < size:
        name = "".join(rng.choice(HEADS) for _ in range(rng.choice((2, 2, 2, 3, 3, 4)))) + rng.choice(TAILS)
        like = rng.choice(base)
        places.append(msgspec.structs.replace(like, id=PlaceId(f"x{len(places)}"), name=name, aliases=()))
    return places


def main() -> int:
    """Measure on the site pack's spoken sentences and on the places' own names; 1 where the goal is missed."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    rng = random.Random(3)
    places = grown(list(load_site(default_site_dir()).places.values()), size, rng)
    before = memory()
    began = time.perf_counter()
    gazetteer = Gazetteer(places)
    say(f"{size} places, built in {time.perf_counter() - began:.2f} s, memory {before} -> {memory()}")
    sentences = (default_site_dir() / "phrases.txt").read_text(encoding="utf-8").split()
    long = ["".join(rng.choices(sentences, k=5))[:60] for _ in range(500)]
    kept = [
        took("spoken sentences", gazetteer.find, rng.sample(sentences, 2000), limit_ms=2, at=0.99),
        took("60 characters", gazetteer.find, long, limit_ms=2, at=0.99),
        took("names", gazetteer.find, [place.name for place in rng.sample(places, 2000)], limit_ms=2, at=0.99),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
