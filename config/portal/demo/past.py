"""The year behind us: cases that came in day by day and took their way, most of them to the end.

What is older than half a year was taken over from a former register: recorded, not played.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from complaints.choices import Status
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
    Transferring,
    Withdrawing,
)
from config.portal.demo.casting import Cast, Script, answer_of, former_draft
from config.portal.demo.matters import book, outage
from config.portal.demo.telling import Deciding, Joining, Story
from staff.models.accounts import Role

YEAR: Final = timedelta(days=364)
_FORMER: Final = timedelta(days=190)  # before that the bank used another register
_HOUR: Final = timedelta(hours=1)
_WAYS: Final[dict[str, float]] = {
    "settled": 1, "by_team": 60, "by_department": 30, "returned": 1.2, "proposed": 2,
    "withdrawn": 1, "refused": 1.2, "transferred": 0.6, "waited": 1.2, "reopened": 1.5,
    "retyped": 0.4,
}  # fmt: skip
# Departments with so much to do that cases of one day go to them together.
_BUSY: Final = frozenset({"B-DC", "B-CC", "B-LN"})
# Minutes after the moment of the day at which the team takes each step: one order for everybody.
_MINUTE: Final = {
    "accept": 11, "call": 16, "assess": 19, "assign": 28, "sign": 44, "start": 37,
}  # fmt: skip


def past_stories(cast: Cast, count: int) -> list[Story]:
    """Return `count` cases received between a year and two days before the stage's moment."""
    rng, at = cast.rng, cast.stage.at
    moments = sorted(at - timedelta(days=2) - rng.random() * YEAR for _number in range(count))
    return [_one(cast, moment, rng) for moment in moments]


def bad_day(cast: Cast, count: int) -> list[Story]:
    """Return the cases of one morning on which the app was down, 52 days ago.

    Most are opened in three waves and answered the same day; the last ones are merged into the
    first, which was marked for the regulator.
    """
    stage, rng, matter = cast.stage, cast.rng, outage()
    morning = stage.tick(stage.at - timedelta(days=52))
    stories: list[Story] = []
    for number in range(count):
        opened = morning + timedelta(minutes=35) * (number % 3)
        received = opened - timedelta(minutes=rng.randrange(2, 25))
        channel = rng.choices(("TEL", "APP", "WXA", "CHT"), (60, 20, 12, 8))[0]
        facts: dict[str, Any] = {"severity": 4 if number < max(1, count // 20) else 3}
        facts |= {"emotion": rng.choice((2, 3, 4)), "substance": channel in {"TEL", "CHT"}}
        script = cast.script(received, opened, matter=matter, channel=channel, **facts)
        if number == 0:
            script.story.draft = replace(
                script.story.draft, regulatory_major=True, media_risk=True, group_size=count
            )
        script.officer = stage.roles[Role.OFFICER][number % 2]
        _outage_case(script, number, morning, count)
        stories.append(script.story)
    return stories


def _outage_case(script: Script, number: int, morning: datetime, count: int) -> None:
    """Accept, then answer in the afternoon; every twelfth is merged into the first."""
    _accept(script, script.story.opened_at)
    if number and number % 12 == 0:
        script.do("merge", Joining(0, script.say("merge")), script.officer, morning + _HOUR * 2)
        return
    script.do("start", Note(), script.officer, morning + _HOUR * 2)
    fixed = replace(
        answer_of(script, kind="OUT"), nature="MGT", outcome="UPH", remedies=("APO", "SYS")
    )
    late = number % 9 == 0
    done = morning + (timedelta(days=3) if late else _HOUR * 3)
    script.do("resolve", fixed, script.officer, done)
    script.do("notify", Told("sms"), script.officer, done + _HOUR)
    if number < count // 2:
        script.do("confirm", Note(), script.officer, morning + timedelta(days=1))


def _one(cast: Cast, moment: datetime, rng: Random) -> Story:
    """Return one case of the year."""
    opened = cast.stage.tick(moment)
    if cast.stage.at - opened > _FORMER:
        script = cast.script(moment, opened)
        script.story.draft = former_draft(script, Status.ARCHIVED)
        return script.story
    grave = rng.random()
    facts: dict[str, Any] = {}
    received = moment
    if grave < 0.05:  # grave matters are registered at once
        received = opened - timedelta(minutes=rng.randrange(4, 28))
        facts["severity"] = 4 if grave < 0.006 else 3
        facts["media_risk"] = grave > 0.045
    received = max(received, opened - timedelta(hours=23))
    script = cast.script(received, opened, **facts)
    if rng.random() < 0.02:
        script.story.draft = replace(script.story.draft, vulnerable=True)
    way = {"CMP": _complaint, "PET": _petition, "TIP": _tip}.get(script.matter.type, _other)
    way(script)
    return script.story


def _accept(script: Script, day: datetime) -> None:
    """Accept, call where nobody spoke yet, assess: the first half hour."""
    script.do("accept", Taking(no_interest=True), script.officer, _at(day, "accept"))
    if not script.story.draft.substance and script.rng.random() < 0.93:
        call = Call("out", "reached", script.say("call"), substance=True, seconds=150)
        script.do("call", call, script.officer, _at(day, "call"))
    script.do("assess", Assessing(), script.officer, _at(day, "assess"))


def _complaint(script: Script) -> None:
    """Take one of the ways a complaint takes."""
    rng = script.rng
    way = rng.choices(list(_WAYS), list(_WAYS.values()))[0]
    if way == "refused":
        what = Refusing("NDB", script.say("refuse"))
        supervisor = script.stage.people["supervisor"]
        script.do("refuse", what, supervisor, script.now + timedelta(minutes=50))
        return
    _accept(script, script.story.opened_at)
    if (
        rng.random() < 0.015
        and script.story.draft.severity < 3
        and not script.story.draft.media_risk
    ):
        script.do("raise_severity", Grading(3, script.say("chase")), script.officer, script.now)
    _BRANCHES[way](script)


def _settled(script: Script) -> None:
    script.do("settle", answer_of(script), script.officer, _later(script, 0, 2))
    _tell_and_close(script)


def _by_team(script: Script) -> None:
    script.do("start", Note(), script.officer, _at(script.story.opened_at, "start"))
    _resolve(script)
    _tell_and_close(script)


def _by_department(script: Script) -> None:
    if script.matter.root not in _BUSY:
        _by_team(script)
        return
    _send(script, script.story.opened_at)
    if script.rng.random() < 0.06:
        script.do("note", script.say("note"), script.handler, script.now + timedelta(minutes=20))
    _resolve(script)
    _tell_and_close(script)


def _returned(script: Script) -> None:
    """Let the first department send it back and the second take it."""
    wrong = script.stage.units["PROD"]
    what = Sending(wrong.pk)
    script.do("assign", what, script.officer, _at(script.story.opened_at, "assign"))
    script.do("return", Reason(script.say("return")), wrong.head, _later(script, 0, 1))
    _send(script, script.now + timedelta(minutes=10), script.say("resend"))
    _resolve(script)
    _tell_and_close(script)


def _proposed(script: Script) -> None:
    """Propose by the department, decide by its head; every fourth goes back once."""
    _send(script, script.story.opened_at)
    answer = answer_of(script)
    head = script.unit.head if script.unit.head != script.handler else None
    boss = head or script.stage.people["supervisor"]
    if script.rng.random() < 0.25:
        script.do("propose", answer, script.handler, _later(script, 1, 0))
        script.do("decide", Deciding("answer", "returned", script.say("send_back")), boss,
                  script.now + _HOUR)  # fmt: skip
    script.do("propose", answer, script.handler, _later(script, 1, 1))
    script.do("decide", Deciding("answer", "approved", ""), boss, script.now + _HOUR)
    _tell_and_close(script)


def _withdrawn(script: Script) -> None:
    script.do("start", Note(), script.officer, _at(script.story.opened_at, "start"))
    what = Withdrawing(script.say("withdraw"), recording=f"REC-{script.rng.randrange(10**6):06d}")
    script.do("ask:withdraw", what, script.officer, _later(script, 1, 0))
    supervisor = script.stage.people["supervisor"]
    script.do("decide", Deciding("withdrawal", "approved", ""), supervisor, script.now + _HOUR)


def _transferred(script: Script) -> None:
    receiver = book()["receivers"][0 if script.language == "zh" else 1]
    what = Transferring(receiver, script.say("transfer"))
    script.do("transfer", what, script.officer, _later(script, 1, 0))


def _waited(script: Script) -> None:
    """Wait some days for the customer or a third party, then go on."""
    supervisor = script.stage.people["supervisor"]
    script.do("start", Note(), script.officer, _at(script.story.opened_at, "start"))
    kind = script.rng.choice(("wait_customer", "wait_third_party"))
    script.do(
        kind, Pausing(script.say(kind), _later(script, 7, 0)), supervisor, _later(script, 0, 2)
    )
    script.do("resume", Note(), script.officer, _later(script, 3, 0))
    _resolve(script)
    _tell_and_close(script)


def _reopened(script: Script) -> None:
    """Told, reopened within some days, answered again."""
    script.do("start", Note(), script.officer, _at(script.story.opened_at, "start"))
    _resolve(script)
    script.do("notify", Told("phone", script.say("told")), script.officer, script.now + _HOUR)
    script.do("reopen", Reason(script.say("reopen")), script.officer, _later(script, 3, 0))
    script.do("start", Note(), script.officer, script.now + timedelta(minutes=15))
    _resolve(script)
    _tell_and_close(script)


def _retyped(script: Script) -> None:
    """Make a question of what was registered as a complaint."""
    supervisor = script.stage.people["supervisor"]
    what = Retyping("INQ", script.say("retype"))
    script.do("retype", what, supervisor, script.now + timedelta(minutes=20))
    text = book()["answers"]["INQ"][script.language][0]
    script.do("settle", replace(_plain(script), answer=text), script.officer, script.now + _HOUR)
    script.do("notify", Told("phone", script.say("told")), script.officer, script.now + _HOUR)


def _petition(script: Script) -> None:
    """Weeks of work, progress told in between, a written answer."""
    _accept(script, script.story.opened_at)
    script.do("start", Note(), script.officer, _at(script.story.opened_at, "start"))
    script.do("progress", script.say("progress"), script.officer, _later(script, 10, 0))
    script.do("resolve", answer_of(script), script.officer, _later(script, 12, 0))
    _tell_and_close(script)


def _tip(script: Script) -> None:
    """Restricted: the discipline office alone."""
    script.officer = script.stage.people["compliance"]
    script.do("accept", Taking(no_interest=True), script.officer, script.now + _HOUR)
    script.do("assess", Assessing(), script.officer, script.now)
    script.do("start", Note(), script.officer, script.now)
    script.do("resolve", _plain(script), script.officer, _later(script, 9, 0))
    script.do("notify", Told("phone", script.say("told")), script.officer, script.now + _HOUR)


def _other(script: Script) -> None:
    """Questions, requests, ideas and praise: answered soon, closed when told."""
    _accept(script, script.story.opened_at)
    days = 2 if script.matter.type in {"SUG", "OPN"} else 0
    script.do("settle", answer_of(script), script.officer, _later(script, days, 1))
    _notify(script)


def _send(script: Script, day: datetime, why: str = "") -> None:
    """Assign to the department, which signs; `why` is needed where it was refused before."""
    what = Sending(script.unit.pk, script.handler.pk if script.handler else None, why)
    script.do("assign", what, script.officer, _at(day, "assign"))
    script.do("sign", Taking(no_interest=True), script.handler, _at(day, "sign"))


def _resolve(script: Script) -> None:
    """Decide after some days, mostly in time; some with money."""
    rng = script.rng
    grave = int(script.story.draft.severity) > 2
    days = 0 if grave and rng.random() < 0.6 else rng.choices((2, 6), (93, 7))[0]
    money = Decimal(rng.choice((50, 100, 200, 300))) if rng.random() < 0.03 else None
    script.do("resolve", answer_of(script, money=money), script.officer, _later(script, days, 2))


def _tell_and_close(script: Script) -> None:
    """Tell; two in three say that they are content, the others stay silent."""
    _notify(script)
    if script.rng.random() < 0.65:
        script.do("confirm", Note(), script.officer, _later(script, 2, 1))


def _notify(script: Script) -> None:
    """Tell the customer: by telephone, on some days in writing."""
    phone = script.story.opened_at.toordinal() % 4 > 0
    what = Told("phone", script.say("told")) if phone else Told("sms")
    script.do("notify", what, script.officer, script.now + timedelta(minutes=35))


def _plain(script: Script) -> Any:
    """Return the answer of a matter that needs no finding."""
    answer = answer_of(script)
    return replace(answer, outcome="", nature="", cause="", responsibility="", remedies=())


def _at(day: datetime, verb: str) -> datetime:
    """Return the moment of a step on the day of `day`."""
    return day + timedelta(minutes=_MINUTE[verb])


def _later(script: Script, days: int, hours: int) -> datetime:
    """Return a moment `days` after what was done last, the same for all cases of one opening."""
    opened = script.story.opened_at
    passed = timedelta(days=(script.now - opened).days + days)
    return opened + passed + timedelta(hours=1 + hours)


_BRANCHES: Final = {
    "settled": _settled, "by_team": _by_team, "by_department": _by_department,
    "returned": _returned, "proposed": _proposed, "withdrawn": _withdrawn,
    "transferred": _transferred, "waited": _waited, "reopened": _reopened, "retyped": _retyped,
}  # fmt: skip


__all__ = ["YEAR", "bad_day", "past_stories"]
