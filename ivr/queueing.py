"""The queue's rules, made from the site's skills and the operator's settings."""

from collections.abc import Mapping

from ivr.calls.acd import Step
from ivr.calls.queue_rules import QueueRules, Strategy
from ivr.calls.vocabulary import CallerClass, Skill
from ivr.settings import QueueSettings, SettingsError
from ticketing.site import Site

EXPERT = 2
"""The level from which an agent is an expert of a skill."""


def queue_rules(site: Site, queue: QueueSettings) -> QueueRules:
    """The rules of a hotline. Raises `SettingsError` for a strategy that does not exist."""
    try:
        strategy = Strategy(queue.strategy)
    except ValueError as error:
        known = ", ".join(Strategy)
        raise SettingsError(f"[queue] strategy is {queue.strategy!r}; choose one of {known}") from error
    default = Skill(next(skill.id for skill in site.info.skills if skill.default))
    return QueueRules(
        strategy=strategy,
        ahead_ms={
            CallerClass.EMERGENCY: _ms(queue.emergency_ahead_s),
            CallerClass.ENTERPRISE: _ms(queue.enterprise_ahead_s),
            CallerClass.REPEAT: _ms(queue.repeat_ahead_s),
        },
        steps={Skill(skill.id): _steps(Skill(skill.id), default, queue) for skill in site.info.skills},
    )


def _steps(skill: Skill, default: Skill, queue: QueueSettings) -> tuple[Step, ...]:
    steps = [Step(skill=skill, least_level=EXPERT if queue.experts_s else 1)]
    if queue.experts_s:
        steps.append(Step(skill=skill, after_ms=_ms(queue.experts_s)))
    if queue.overflow_s and skill != default:
        steps.append(Step(skill=default, after_ms=_ms(queue.overflow_s)))
    if queue.kept_open_s:
        steps.append(Step(skill=skill, after_ms=_ms(queue.kept_open_s), anybody=True))
    return tuple(sorted(steps, key=lambda step: step.after_ms))


def wrap_ups(site: Site, queue: QueueSettings) -> Mapping[Skill, int]:
    """Limits of after-call work in milliseconds, of the skills that have their own. Raises `SettingsError`."""
    limits: dict[Skill, int] = {}
    known = {skill.id for skill in site.info.skills}
    for entry in queue.wrap_ups:
        skill, _, text = entry.partition("=")
        if skill.strip() not in known:
            raise SettingsError(f"[queue] wrap_ups: {entry!r} names no skill of the site pack; write skill=seconds")
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 86_400:
            raise SettingsError(f"[queue] wrap_ups: {entry!r} gives no time; write skill=seconds, like enterprise=180")
        limits[Skill(skill.strip())] = _ms(seconds)
    return limits


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
