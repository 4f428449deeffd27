"""The screens, photographed. A picture that changed unasked fails; look at it, then `pytest --snapshot-update`."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.console.shots import MIDDLE, MORE, NARROW, SHOTS, WIDE


class Picture(SingleFileSnapshotExtension):
    """One SVG file a picture, written as text."""

    _write_mode = WriteMode.TEXT
    _file_extension = "svg"


@pytest.mark.parametrize("size", [WIDE, MIDDLE, NARROW], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SHOTS)
async def test_screen(name: str, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    assert await SHOTS[name].take(size) == snapshot(extension_class=Picture)


@pytest.mark.parametrize("name", MORE)
async def test_variant(name: str, snapshot: SnapshotAssertion) -> None:
    assert await MORE[name].take(WIDE) == snapshot(extension_class=Picture)
