"""From what was said so far to a proposed work order, every field with what it rests on. Pure and synchronous.

`Drafter.propose` reads the whole conversation each time; what is costly of an utterance is kept, so a call of sixty
utterances costs little more than its newest.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ticketing.deadlines import choose_rule, due_at
from ticketing.drafting import amounts, dates, people, phones, summary, wishes
from ticketing.drafting.categoriser import Categoriser, Guess, corpus
from ticketing.drafting.emergency import Danger, EmergencyWatch
from ticketing.drafting.kinds import KindJudge, course_of
from ticketing.drafting.location import NOWHERE, Location, Locator, likely_at
from ticketing.drafting.refusals import RefusalWatch, Turned
from ticketing.drafting.repair import Repairer
from ticketing.drafting.spoken import plain
from ticketing.errors import CalendarUnknown
from ticketing.pack import Category
from ticketing.places import Gazetteer
from ticketing.routing import Route, route
from ticketing.site import Site
from ticketing.views import Choice, Proposal, Proposed, Utterance
from ticketing.vocabulary import FieldName, PlaceId, RequestType, Urgency
from ticketing.work_calendar import WorkCalendar

THRESHOLDS = {
    FieldName.REQUEST_TYPE: 0.25,
    FieldName.CATEGORY: 0.15,
    FieldName.PLACE: 0.5,
    FieldName.ADDRESS: 0.4,
    FieldName.CITIZEN_NAME: 0.5,
    FieldName.CALLBACK_PHONE: 0.6,
}
"""Below this confidence a field stays empty and asks."""

_ASKS = {
    FieldName.CATEGORY: "请您具体说说是什么事情",
    FieldName.PLACE: "请问事情发生在哪个县区、哪个小区或者哪条路",
    FieldName.CITIZEN_NAME: "请问您贵姓",
    FieldName.CALLBACK_PHONE: "请问回电打哪个号码",
}


class Drafter:
    """Drafts work orders for one site."""

    def __init__(
        self, site: Site, gazetteer: Gazetteer, *, categoriser: Categoriser | None = None, cache: Path | None = None
    ) -> None:
        self._site = site
        self._locator = Locator(gazetteer)
        self._categoriser = categoriser or Categoriser.of_site(site, cache)
        self._repairer = Repairer(_vocabulary(site))
        self._danger = EmergencyWatch(site.emergency)
        self._refusals = RefusalWatch(site.not_accepted)
        self._kinds = KindJudge()
        self._calendar = WorkCalendar.of_site(site)

    def propose(self, utterances: Sequence[Utterance], *, started_at: datetime, caller_number: str | None) -> Proposal:
        """What the conversation so far says of every field. `started_at` is aware; the site's zone dates 昨天."""
        said = [
            Utterance(id=u.id, speaker=u.speaker, start_ms=u.start_ms, end_ms=u.end_ms, text=plain(u.text))
            for u in utterances
        ]
        heard = [u for u in said if u.text]
        said = self._readable(heard)
        local = started_at.astimezone(self._site.zone)
        guesses = self._categoriser.guesses(said)
        category = (
            self._site.category(guesses[0].code)
            if guesses and guesses[0].probability >= THRESHOLDS[FieldName.CATEGORY]
            else None
        )
        location = self._locator.locate(heard, likely_at(category))
        danger = self._danger.listen(said)
        course = course_of(said)
        turned = self._refusals.listen(said, course) if danger is None else None
        secret = wishes.wants_secrecy(said)
        kind = self._kinds.judge(
            said, category, danger=danger is not None, secret=bool(secret), turned=turned is not None
        )
        answered = kind.kind is RequestType.ENQUIRY and turned is None and course.answered
        day = dates.occurred_on(said, local)
        day_value = local.date() if danger and day is None else day.day if day else None
        urgency = self._urgency(category, kind.kind, danger, turned)
        fields: dict[FieldName, Proposed] = {}
        fields[FieldName.REQUEST_TYPE] = Proposed(
            value=kind.kind,
            label=kind.kind,
            confidence=round(kind.sure, 2),
            evidence=kind.evidence,
            alternatives=tuple(Choice(value=k, label=k, confidence=round(p, 2)) for k, p in kind.others),
        )
        fields[FieldName.CATEGORY] = self._category_field(guesses, said)
        if (answered or turned is not None) and not location.firm:
            location = NOWHERE
        fields |= self._place_fields(location)
        fields |= self._person_fields(heard, said, secret, caller_number)
        place = self._site.places.get(location.place_id) if location.place_id else None
        routed = route(self._site, category, place) if category is not None and turned is None else None
        fields |= self._agency_fields(routed, fields)
        fields[FieldName.URGENCY] = Proposed(
            value=urgency,
            label=urgency,
            confidence=0.8 if category else 0.4,
            evidence=danger.evidence if danger else (),
        )
        due, promise = self._due(category, kind.kind, urgency, started_at, said)
        fields[FieldName.DUE_AT] = due if category is not None and turned is None else Proposed()
        topic = category.level3 if category else ""
        name = fields[FieldName.CITIZEN_NAME].value
        matter = summary.Matter(
            kind=kind.kind,
            topic=topic,
            place=fields[FieldName.ADDRESS].value,
            label=location.label,
            person=name,
            day=day_value,
            answered=answered or turned is not None,
            urgent=danger is not None,
        )
        skipped = {*fields[FieldName.CITIZEN_NAME].evidence, *fields[FieldName.CALLBACK_PHONE].evidence}
        written = summary.digest(said, matter, skipped=skipped, weigh=self._weigher(category))
        fields[FieldName.TITLE] = Proposed(
            value=written.title,
            label=written.title,
            confidence=0.7 if category else 0.3,
            evidence=written.title_evidence,
        )
        fields[FieldName.CONTENT] = Proposed(
            value=written.content,
            label=written.content,
            confidence=0.7 if category else 0.3,
            evidence=written.content_evidence,
        )
        lead = fields[FieldName.LEAD_AGENCY].label
        return Proposal(
            fields=fields,
            emergency_target=danger.target if danger else None,
            emergency_evidence=danger.evidence if danger else (),
            not_accepted_id=turned.reason_id if turned else None,
            handled_directly=answered,
            is_repeat=bool(wishes.reported_before(said)),
            occurred_on=day_value,
            amounts=tuple(s.yuan for s in amounts.sums(said)),
            promise=promise.format(agency=lead) if lead and promise and turned is None else "",
        )

    def _readable(self, heard: Sequence[Utterance]) -> list[Utterance]:
        """The utterances with misheard hanzi put back, where the conversation as a whole reads as misheard."""
        if not self._repairer.misheard([u.text for u in heard]):
            return list(heard)
        return [msgspec.structs.replace(u, text=self._repairer.repair(u.text).text) for u in heard]

    def area(self, proposal: Proposal) -> tuple[str, str]:
        """The county and subdistrict of a proposal's place; empty where they are not known."""
        place = self._site.places.get(PlaceId(proposal.fields[FieldName.PLACE].value))
        return (place.county_id, place.subdistrict_id) if place else ("", "")

    # ---- fields

    def _category_field(self, guesses: Sequence[Guess], said: Sequence[Utterance]) -> Proposed:
        others = tuple(
            Choice(value=g.code, label=self._site.category(g.code).level3, confidence=round(g.probability, 2))
            for g in guesses
        )
        if not guesses or guesses[0].probability < THRESHOLDS[FieldName.CATEGORY]:
            return Proposed(
                confidence=others[0].confidence if others else 0.0, alternatives=others, ask=_ASKS[FieldName.CATEGORY]
            )
        best = self._site.category(guesses[0].code)
        weights = {u.id: self._categoriser.support(u.text, guesses[0].code) for u in said if len(u.text) > 3}
        evidence = tuple(
            sorted((i for i, w in sorted(weights.items(), key=lambda kv: -kv[1])[:3] if w > 0), key=list(weights).index)
        )
        return Proposed(
            value=best.code,
            label=f"{best.level2} › {best.level3}",
            confidence=others[0].confidence,
            evidence=evidence,
            alternatives=others[1:],
        )

    def _place_fields(self, location: Location) -> dict[FieldName, Proposed]:
        rivals = tuple(
            Choice(value=m.place_id, label=self._site.place_path(self._site.place(m.place_id)), confidence=m.score)
            for m in location.rivals
        )
        sure = round(location.sure, 2)
        if not location.place_id or sure < THRESHOLDS[FieldName.PLACE]:
            ask = location.ask or _ASKS[FieldName.PLACE]
            place = Proposed(confidence=sure, evidence=location.evidence, alternatives=rivals, ask=ask)
        else:
            label = self._site.place_path(self._site.place(location.place_id))
            place = Proposed(
                value=location.place_id,
                label=label,
                confidence=sure,
                evidence=location.evidence,
                alternatives=rivals,
                ask=location.ask,
            )
        address = (
            Proposed(value=location.address, label=location.address, confidence=sure, evidence=location.evidence)
            if location.address
            else Proposed()
        )
        return {FieldName.PLACE: place, FieldName.ADDRESS: address}

    def _person_fields(
        self, heard: Sequence[Utterance], said: Sequence[Utterance], secret: tuple[str, ...], caller_number: str | None
    ) -> dict[FieldName, Proposed]:
        name = people.caller_name(heard, said)
        number = phones.callback(heard, caller_number)
        fields = {
            FieldName.CITIZEN_NAME: Proposed(
                value=name.text, label=name.text, confidence=round(name.sure, 2), evidence=name.evidence
            )
            if name and name.sure >= THRESHOLDS[FieldName.CITIZEN_NAME]
            else Proposed(ask=_ASKS[FieldName.CITIZEN_NAME]),
            FieldName.CONFIDENTIAL: Proposed(value="yes", label="保密", confidence=0.9, evidence=secret)
            if secret
            else Proposed(),
        }
        if number and number.sure >= THRESHOLDS[FieldName.CALLBACK_PHONE]:
            fields[FieldName.CALLBACK_PHONE] = Proposed(
                value=number.digits, label=number.digits, confidence=round(number.sure, 2), evidence=number.evidence
            )
        elif caller_number:
            fields[FieldName.CALLBACK_PHONE] = Proposed(value=caller_number, label=caller_number, confidence=0.8)
        else:
            fields[FieldName.CALLBACK_PHONE] = Proposed(ask=_ASKS[FieldName.CALLBACK_PHONE])
        return fields

    def _agency_fields(self, routed: Route | None, fields: dict[FieldName, Proposed]) -> dict[FieldName, Proposed]:
        if routed is None or routed.lead is None:
            return {
                FieldName.LEAD_AGENCY: Proposed(ask=routed.ask if routed else ""),
                FieldName.CO_AGENCIES: Proposed(),
            }
        lead = self._site.agency(routed.lead.agency_id)
        sure = fields[FieldName.CATEGORY].confidence
        co = [self._site.agency(one.agency_id) for one in routed.co]
        evidence = tuple(dict.fromkeys((*fields[FieldName.CATEGORY].evidence, *fields[FieldName.PLACE].evidence)))
        return {
            FieldName.LEAD_AGENCY: Proposed(
                value=lead.id,
                label=lead.short_name,
                confidence=sure,
                evidence=evidence,
                alternatives=tuple(
                    Choice(
                        value=a.agency_id,
                        label=self._site.agency(a.agency_id).short_name,
                        confidence=round(sure / 2, 2),
                    )
                    for a in routed.alternatives[:3]
                ),
            ),
            FieldName.CO_AGENCIES: Proposed(
                value="|".join(a.id for a in co),
                label="、".join(a.short_name for a in co),
                confidence=sure if co else 0.0,
                evidence=evidence if co else (),
            ),
        }

    # ---- rules

    def _urgency(
        self, category: Category | None, kind: RequestType, danger: Danger | None, turned: Turned | None
    ) -> Urgency:
        if danger:
            return Urgency.CRITICAL
        if turned or kind in {RequestType.ENQUIRY, RequestType.SUGGESTION, RequestType.PRAISE} or category is None:
            return Urgency.NORMAL
        return category.urgency

    def _due(
        self,
        category: Category | None,
        kind: RequestType,
        urgency: Urgency,
        started_at: datetime,
        said: Sequence[Utterance],
    ) -> tuple[Proposed, str]:
        """When the reply would be due if dispatched now, and what may be promised of it."""
        rule_id, _ = choose_rule(self._site.deadlines, category, kind, urgency)
        rule = self._site.rule(rule_id)
        try:
            due = due_at(rule, started_at, self._calendar)
        except CalendarUnknown:
            return Proposed(), ""
        local = due.due_at.astimezone(self._site.zone)
        label = f"{local.month}月{local.day}日 {local:%H:%M}"
        units = {"working_day": "个工作日", "natural_day": "天", "hour": "小时", "minute": "分钟"}
        first = f"{rule.first_contact.amount}{units[rule.first_contact.unit]}"
        value = due.due_at.astimezone(UTC).isoformat()
        return Proposed(value=value, label=label, confidence=0.8), f"{{agency}}会在{first}内与您联系，{label}前答复"

    def _weigher(self, category: Category | None):  # type: ignore[no-untyped-def]
        def weigh(text: str) -> float:
            told = self._categoriser.rarity(text)
            return told + (max(0.0, self._categoriser.support(text, category.code)) if category else 0.0)

        return weigh


def _vocabulary(site: Site) -> Iterator[str]:
    """The texts a site's conversations are likely to be made of."""
    for line in corpus(site):
        yield from line.clauses
    for agency in site.agencies.values():
        yield from (agency.name, agency.short_name, *agency.aliases, *agency.duties)
