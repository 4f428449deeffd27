"""One plain form of what was said: no punctuation, numerals as spoken hanzi, Latin in lower case. Pure.

Recognisers differ in what they write (`3号楼`, `三号楼`, with or without punctuation); every rule of this package reads
the plain form only.
"""

import re

_DIGITS = str.maketrans("0123456789０１２３４５６７８９", "零一二三四五六七八九零一二三四五六七八九")
_DECIMAL = re.compile(r"(?<=\d)[.．](?=\d)")
_DROPPED = re.compile(r"[^\w]|_")


def plain(text: str) -> str:
    """`text` without punctuation and spaces, digits as hanzi one by one (`3.5` is 三点五), Latin in lower case."""
    return _DROPPED.sub("", _DECIMAL.sub("点", text).translate(_DIGITS)).lower()
