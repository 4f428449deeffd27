"""`python -m tests.console.make_pictures`: the README's pictures in docs/pictures, from the program as it is."""

import asyncio
from pathlib import Path

from tests.console.shots import MORE, NARROW, SHOTS, WIDE

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, shot in (SHOTS | MORE).items():
        (PICTURES / f"desk-{name}.svg").write_text(await shot.take(WIDE), encoding="utf-8")
    (PICTURES / "desk-call-80x24.svg").write_text(await SHOTS["call"].take(NARROW), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
