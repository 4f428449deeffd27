import pytest

from ivr.names_by_sound import NamesBySound

NAMES = ("棠溪小区", "安邑", "盐湖区", "圣惠路", "盛会路", "岭南花园")


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("我住唐西小区三号楼", "我住棠溪小区三号楼"),
        ("棠溪小区停水了", "棠溪小区停水了"),
        ("严胡区的", "盐湖区的"),
        ("您男花园", "岭南花园"),  # in and ing, n and l
        ("安医", "安医"),  # too short to be sure
        ("声会路", "声会路"),  # two names sound so
        ("圣惠路和盛会路", "圣惠路和盛会路"),
        ("唐西小区挨着您男花园", "棠溪小区挨着岭南花园"),
        ("", ""),
        ("唐西小", "唐西小"),
    ],
)
def test_names_are_written_as_the_city_writes_them(heard: str, written: str) -> None:
    assert NamesBySound(NAMES)(heard) == written


def test_without_names_nothing_changes() -> None:
    assert NamesBySound(())("唐西小区") == "唐西小区"
