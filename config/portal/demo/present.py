"""What lies on the desks now: open cases in every state, due times around the stage's moment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from complaints.records import Call
from complaints.workflow import (
    Assessing,
    Grading,
    Note,
    Pausing,
    Reason,
    Refusing,
    Retyping,
    Sending,
    Taking,
    Told,
    Withdrawing,
)
from config.portal.demo.casting import Cast, Script, answer_of
from config.portal.demo.matters import Matter, matters, pick_matter
from config.portal.demo.telling import Deciding, Story
from staff.models import Person
from staff.models.accounts import Role

_HOUR: Final = timedelta(hours=1)
_GRID: Final = timedelta(minutes=200)
_OPENING: Final = timedelta(minutes=40)
_EARLY: Final = timedelta(hours=2)


# Minutes after the common moment: steps of one case keep their order, those of many meet.
_MINUTE: Final = {
    "accept": 4, "call": 7, "assess": 10, "assign": 14, "sign": 20, "start": 24, "return": 27,
    "note": 40, "progress": 45, "chase": 50,
}  # fmt: skip


# What lies on the desk of the first officer: something overdue, at risk, due today, and later.
_FIRST_DESK: Final = frozenset(
    {
        "critical", "critical_late", "media", "accepted", "assessing", "working", "working_grave",
        "working_late", "questions", "resolved", "returned", "wait_customer",
    }
)  # fmt: skip
_OLDEST: Final = frozenset({"working_grave", "questions", "working", "critical"})


@dataclass(frozen=True, slots=True)
class Scene:
    """One kind of open case: its share of the open ones, its age in hours, how it got there."""

    key: str
    share: float
    ages: tuple[float, float]
    play: Callable[[Script], None]
    type: str = "CMP"
    facts: tuple[tuple[str, Any], ...] = ()


def present_stories(cast: Cast, count: int) -> list[Story]:
    """Return `count` cases that are open at the stage's moment; every scene at least once."""
    whole = sum(scene.share for scene in _SCENES)
    stories: list[Story] = []
    for scene in _SCENES:
        wanted = max(1, round(count * scene.share / whole))
        stories += [_one(cast, scene, number, wanted) for number in range(wanted)]
    return stories


def _one(cast: Cast, scene: Scene, number: int, wanted: int) -> Story:
    """Return one case of a scene; ages are spread evenly, so that due times are."""
    rng, at = cast.rng, cast.stage.at
    low, high = scene.ages
    age = low + (high - low) * (number + rng.random()) / wanted
    received = at - timedelta(hours=age)
    opened = _on_grid(at, received + timedelta(minutes=rng.randrange(3, 25)), _OPENING)
    matter = _matter(rng, scene.type, number)
    script = cast.script(received, opened, matter=matter, **dict(scene.facts))
    chosen = number == (wanted - 1 if scene.key in _OLDEST else 0)
    _cast_people(script, cast, scene.key, chosen=chosen)
    scene.play(script)
    return script.story


def _matter(rng: Random, kind: str, number: int) -> Matter:
    """Return a matter; each kind of complaint turns up once before the lot decides."""
    table = matters()[kind]
    return (
        table[number]
        if kind == "CMP" and number % 5 == 4 and number < len(table)
        else (pick_matter(rng, kind))
    )


def _cast_people(script: Script, cast: Cast, scene: str, *, chosen: bool) -> None:
    """Give the case its officer; the first one has one case of many scenes, and no more."""
    people = script.stage.people
    others = [people["officer2"], *script.stage.roles[Role.OFFICER][2:]]
    first = chosen and scene in _FIRST_DESK
    script.officer = people["officer"] if first else others[cast.turn % len(others)]


def _on_grid(at: datetime, moment: datetime, grid: timedelta) -> datetime:
    """Return the next moment of a common rhythm, counted back from `at`, so that acts meet.

    In the last two hours everything has its own minute.
    """
    if at - moment < _EARLY:
        return moment
    return at - ((at - moment) // grid) * grid


def _step(
    script: Script, verb: str, what: Any, by: Person | None, part: float, most: float
) -> None:
    """Do something after a part of the case's age, but not later than `most` hours after."""
    age = script.stage.at - script.story.opened_at
    moment = script.story.opened_at + min(age * part, _HOUR * most)
    moment = _on_grid(script.stage.at, moment, _GRID) + timedelta(minutes=_MINUTE.get(verb, 60))
    last = script.stage.at - timedelta(minutes=20 - len(script.story.steps))
    script.do(verb, what, by, min(moment, last))


def _received(script: Script) -> None:
    """Nobody has accepted it yet."""


def _untaken(script: Script) -> None:
    """With a unit, but with nobody in it."""
    unit = script.stage.units["CMPT"] if script.rng.random() < 0.6 else script.unit
    script.story.draft = replace(script.story.draft, department=unit)


def _accepted(script: Script) -> None:
    _step(script, "accept", Taking(no_interest=True), script.officer, 0.1, 0.6)


def _assessing(script: Script) -> None:
    _accepted(script)
    if not script.story.draft.substance:
        call = Call("out", "reached", script.say("call"), substance=True, seconds=180)
        _step(script, "call", call, script.officer, 0.15, 1)
    _step(script, "assess", Assessing(), script.officer, 0.2, 1.5)


def _assigned(script: Script) -> None:
    _assessing(script)
    what = Sending(script.unit.pk, script.handler.pk if script.handler else None)
    _step(script, "assign", what, script.officer, 0.3, 3)


def _returned(script: Script) -> None:
    _assessing(script)
    wrong = script.stage.units["PROD" if script.rng.random() < 0.5 else "MKT"]
    _step(script, "assign", Sending(wrong.pk), script.officer, 0.3, 3)
    _step(script, "return", Reason(script.say("return")), wrong.head, 0.6, 8)


def _working(script: Script) -> None:
    """With the department, or with the team itself; the customer hears how it goes."""
    if script.rng.random() < 0.7:
        _assigned(script)
        _step(script, "sign", Taking(no_interest=True), script.handler, 0.4, 6)
    else:
        _assessing(script)
        _step(script, "start", Note(), script.officer, 0.4, 6)
    old = script.stage.at - script.story.opened_at > _HOUR * 22
    if old and script.rng.random() < 0.85:
        by = script.officer
        _step(script, "progress", script.say("progress"), by, 0.75, 30)
    if script.rng.random() < 0.4:
        _step(script, "note", script.say("note"), script.handler or script.officer, 0.8, 32)
    if script.rng.random() < 0.15:
        _step(script, "chase", script.say("chase"), script.officer, 0.9, 40)


def _pausing(kind: str) -> Callable[[Script], None]:
    def play(script: Script) -> None:
        _working(script)
        end = script.stage.at + timedelta(days=script.rng.randrange(1, 9))
        supervisor = script.stage.people["supervisor"]
        _step(script, kind, Pausing(script.say(kind), end), supervisor, 0.85, 60)

    return play


def _proposing(script: Script) -> None:
    _assigned(script)
    _step(script, "sign", Taking(no_interest=True), script.handler, 0.4, 6)
    _step(script, "propose", answer_of(script), script.handler, 0.9, 40)


def _money(script: Script) -> None:
    _assigned(script)
    _step(script, "sign", Taking(no_interest=True), script.handler, 0.4, 6)
    money = Decimal(script.rng.choice((800, 1200, 3000, 6800)))
    _step(script, "resolve", answer_of(script, money=money), script.officer, 0.9, 40)


def _sent_back(script: Script) -> None:
    _proposing(script)
    boss = _boss(script)
    what = Deciding("answer", "returned", script.say("send_back"))
    _step(script, "decide", what, boss, 0.95, 44)


def _resolved(script: Script) -> None:
    _working(script)
    _step(script, "resolve", answer_of(script), script.officer, 0.93, 44)


def _told(script: Script) -> None:
    """Tell the customer the result."""
    _resolved(script)
    _step(script, "notify", Told("phone", script.say("told")), script.officer, 0.96, 46)


def _reopened(script: Script) -> None:
    _told(script)
    _step(script, "reopen", Reason(script.say("reopen")), script.officer, 0.97, 10_000)


def _asking(verb: str, what: Callable[[Script], Any]) -> Callable[[Script], None]:
    """Return the scene of a request that waits for the supervisor."""

    def play(script: Script) -> None:
        (_received if verb == "refuse" else _working)(script)
        _step(script, f"ask:{verb}", what(script), script.officer, 0.92, 40)

    return play


def _extended(script: Script) -> None:
    """Grant the first extension, ask for the second."""
    _working(script)
    reason = Reason(script.say("extend"))
    _step(script, "ask:extend", reason, script.officer, 0.8, 300)
    granted = Deciding("extension", "approved", script.say("approve"))
    _step(script, "decide", granted, script.stage.people["supervisor"], 0.82, 310)
    _step(script, "ask:extend", reason, script.officer, 0.97, 700)


def _tip(script: Script) -> None:
    """Restricted: the discipline office alone."""
    script.officer = script.handler = script.stage.people["compliance"]
    _step(script, "accept", Taking(no_interest=True), script.officer, 0.2, 4)
    _step(script, "assess", Assessing(), script.officer, 0.4, 8)


def _boss(script: Script) -> Person:
    """Return who decides the department's answers; nobody decides an own one."""
    head = script.unit.head
    return head if head and head != script.handler else script.stage.people["supervisor"]


def _later(script: Script) -> Pausing:
    return Pausing(script.say("wait_customer"), script.stage.at + timedelta(days=5))


def _regret(script: Script) -> Withdrawing:
    return Withdrawing(script.say("withdraw"), recording=f"REC-{script.rng.randrange(10**6):06d}")


_SCENES: Final = (
    Scene("new", 20, (0.1, 6), _received),
    Scene("new_late", 3, (25, 31), _received),
    Scene("untaken", 9, (0.3, 14), _untaken),
    Scene("critical", 3, (0.2, 2.4), _working, facts=(("severity", 4),)),
    Scene("critical_late", 1, (5, 7), _working, facts=(("severity", 4), ("media_risk", True))),
    Scene("media", 3, (0.5, 20), _accepted, facts=(("media_risk", True),)),
    Scene("accepted", 9, (0.5, 10), _accepted),
    Scene("assessing", 13, (1, 26), _assessing),
    Scene("assigned", 17, (2, 28), _assigned),
    Scene("returned", 5, (8, 40), _returned),
    Scene("working", 62, (3, 72), _working),
    Scene("working_grave", 10, (2, 46), _working, facts=(("severity", 3),)),
    Scene("working_late", 13, (80, 210), _working),
    Scene("vulnerable", 4, (2, 40), _working, facts=(("vulnerable", True),)),
    Scene("questions", 16, (0.5, 20), _assessing, type="INQ"),
    Scene("requests", 8, (0.5, 22), _working, type="REQ"),
    Scene("ideas", 14, (4, 110), _working, type="SUG"),
    Scene("praise", 4, (2, 60), _accepted, type="PRS"),
    Scene("petitions", 6, (48, 700), _working, type="PET"),
    Scene("tips", 3, (6, 60), _tip, type="TIP"),
    Scene("wait_customer", 8, (30, 120), _pausing("wait_customer")),
    Scene("wait_third_party", 6, (30, 140), _pausing("wait_third_party")),
    Scene("suspended", 3, (150, 420), _pausing("suspend")),
    Scene("proposed", 9, (10, 64), _proposing),
    Scene("money", 4, (20, 60), _money),
    Scene("sent_back", 5, (30, 70), _sent_back),
    Scene("resolved", 9, (20, 66), _resolved),
    Scene("told", 14, (24, 90), _told),
    Scene("reopened", 5, (60, 200), _reopened),
    Scene("ask_refuse", 2, (2, 14), _asking("refuse", lambda s: Refusing("NDB", s.say("refuse")))),
    Scene("ask_retype", 2, (4, 30), _asking("retype", lambda s: Retyping("INQ", s.say("retype")))),
    Scene("ask_lower", 2, (4, 30), _asking(
        "lower_severity", lambda s: Grading(1, s.say("severity"))), facts=(("severity", 3),)),
    Scene("ask_pause", 2, (10, 40), _asking("wait_customer", _later)),
    Scene("ask_extension", 2, (200, 320), _asking("extend", lambda s: Reason(s.say("extend")))),
    Scene("ask_second_extension", 1, (640, 700), _extended),
    Scene("ask_withdrawal", 2, (6, 40), _asking("withdraw", _regret)),
    Scene("ask_major", 1, (4, 30), _asking("set_major", lambda s: Reason(s.say("major"))),
          facts=(("severity", 3),)),
)  # fmt: skip

__all__ = ["present_stories"]
