"""What a draft's field may hold: the label of a value, and the values that fit what was typed. Pure.

Typed text matches by name, by words of the thing (keywords, duties, aliases) and by the initials of its pinyin
(`grj` finds 供热局), because an agent types while somebody speaks.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from pypinyin import Style, lazy_pinyin

from ticketing.errors import UnknownId
from ticketing.site import Site
from ticketing.views import Choice
from ticketing.vocabulary import AgencyId, CategoryCode, FieldName, PlaceId, RequestType, Urgency

ID_FIELDS = frozenset(
    {
        FieldName.REQUEST_TYPE,
        FieldName.CATEGORY,
        FieldName.PLACE,
        FieldName.LEAD_AGENCY,
        FieldName.CO_AGENCIES,
        FieldName.CONFIDENTIAL,
        FieldName.URGENCY,
    }
)
"""Fields that hold ids or fixed words; the others hold text."""

LONGEST = {FieldName.TITLE: 60, FieldName.CONTENT: 600, FieldName.ADDRESS: 120, FieldName.CITIZEN_NAME: 30}
"""Characters a text field may hold."""


class _Entry(NamedTuple):
    choice: Choice
    name: str
    words: tuple[str, ...]
    initials: str


class FieldChoices:
    """The values of every field that holds ids, ready to be searched."""

    def __init__(self, site: Site) -> None:
        self._site = site
        categories = (
            _entry(c.code, f"{c.level2} › {c.level3}", c.level3, (c.level1, c.level2, *c.keywords))
            for c in site.categories.values()
        )
        places = (_entry(p.id, site.place_path(p), p.name, p.aliases) for p in site.places.values())
        agencies = tuple(
            _entry(a.id, a.short_name, a.name, (a.short_name, *a.aliases, *a.duties)) for a in site.agencies.values()
        )
        self._entries: dict[FieldName, tuple[_Entry, ...]] = {
            FieldName.REQUEST_TYPE: _fixed((t, t) for t in site.info.request_types),
            FieldName.CATEGORY: tuple(categories),
            FieldName.PLACE: tuple(places),
            FieldName.LEAD_AGENCY: agencies,
            FieldName.CO_AGENCIES: agencies,
            FieldName.CONFIDENTIAL: _fixed((("", "不保密"), ("yes", "保密"))),
            FieldName.URGENCY: _fixed((u, u) for u in site.info.urgencies),
        }

    def label(self, field: FieldName, value: str) -> str:
        """What a person reads for a value. Raises `UnknownId` for one the field cannot hold."""
        if not value:
            return ""
        site = self._site
        match field:
            case FieldName.REQUEST_TYPE if value in set(RequestType):
                return value
            case FieldName.URGENCY if value in set(Urgency):
                return value
            case FieldName.CONFIDENTIAL if value == "yes":
                return "保密"
            case FieldName.CATEGORY:
                category = site.category(CategoryCode(value))
                return f"{category.level2} › {category.level3}"
            case FieldName.PLACE:
                return site.place_path(site.place(PlaceId(value)))
            case FieldName.LEAD_AGENCY:
                return site.agency(AgencyId(value)).short_name
            case FieldName.CO_AGENCIES:
                return "、".join(site.agency(AgencyId(one)).short_name for one in value.split("|"))
            case FieldName.CALLBACK_PHONE if value.isdecimal() and 3 <= len(value) <= 20:
                return value
            case FieldName.DUE_AT if (moment := _moment(value)) is not None:
                local = moment.astimezone(site.zone)
                return f"{local.month}月{local.day}日 {local:%H:%M}"
            case _ if field in ID_FIELDS or field in {FieldName.CALLBACK_PHONE, FieldName.DUE_AT}:
                raise UnknownId(f"field {field} cannot hold that value")
            case _:
                if len(value) > LONGEST[field]:
                    raise UnknownId(f"field {field} holds at most {LONGEST[field]} characters")
                return value

    def find(self, field: FieldName, query: str, limit: int = 8) -> tuple[Choice, ...]:
        """The values that fit what was typed, best first; all of a short list for an empty query.

        Raises `UnknownId` for a field that holds text.
        """
        if field not in self._entries:
            raise UnknownId(f"field {field} holds text, there is nothing to choose from")
        entries = self._entries[field]
        typed = query.strip().lower()
        if not typed:
            return tuple(entry.choice for entry in entries[:limit])
        rated = [(score, -len(entry.name), entry.choice) for entry in entries if (score := _fit(typed, entry)) > 0]
        rated.sort(key=lambda one: (-one[0], -one[1], one[2].value))
        return tuple(
            Choice(value=choice.value, label=choice.label, confidence=score / 100) for score, _, choice in rated[:limit]
        )


def _moment(value: str) -> datetime | None:
    """An aware time in ISO 8601; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _fit(typed: str, entry: _Entry) -> int:
    """How well typed text fits, 0 to 100."""
    name = entry.name.lower()
    if typed in (name, entry.choice.value.lower()):
        return 100
    if name.startswith(typed):
        return 90
    if typed in entry.words:
        return 80
    if typed in name:
        return 70
    if any(typed in word or (len(word) > 1 and word in typed) for word in entry.words):
        return 60
    if typed.isascii() and entry.initials.startswith(typed):
        return 50
    if typed.isascii() and typed in entry.initials and len(typed) > 1:
        return 40
    return 0


def _entry(value: str, label: str, name: str, words: Sequence[str]) -> _Entry:
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
    return _Entry(Choice(value=value, label=label, confidence=0.0), name, tuple(w.lower() for w in words), initials)


def _fixed(pairs: Iterable[tuple[str, str]]) -> tuple[_Entry, ...]:
    return tuple(_entry(value, label, label, ()) for value, label in pairs)
