import pytest

from asr.second_look import Likeness
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


def test_what_differs_in_one_syllable_is_near() -> None:
    by_sound = NamesBySound((*NAMES, "翠屏山庄"))
    assert by_sound.near("我住察凭山庄") == [Likeness(2, 6, "翠屏山庄")]
    assert by_sound.near("我住翠平山庄") == []  # it sounds the same: `__call__` writes it
    assert by_sound.near("我住察凭山村") == []
    assert NamesBySound(("圣惠路", "圣惠里")).near("圣惠路") == []  # a name as the city writes it is believed
    assert by_sound.near("圣惠图") == [Likeness(0, 3, "圣惠路"), Likeness(0, 3, "盛会路")]
