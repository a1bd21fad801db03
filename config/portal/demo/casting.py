"""One case before anything happens to it: who writes, about what, by which way; and its answer."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from complaints.choices import Responsibility, Status
from complaints.drafts import CaseDraft, HistoryFacts
from complaints.workflow import Answer
from config.portal.demo.matters import (
    LANGUAGES,
    Matter,
    Words,
    book,
    phrase,
    pick,
    pick_matter,
    worded,
)
from config.portal.demo.stage import Stage, local
from config.portal.demo.telling import Step, Story
from customers.models import Customer
from staff.models import Department, Person
from staff.models.accounts import Role

LIVE: Final = frozenset({"CNT", "VST", "TEL", "CHT", "MTG", "VID", "CBK"})
REFERRED: Final = frozenset({"R78", "R63", "RNF", "RPB", "CCA", "GOV"})
_AXIS: Final = {
    "B-EB": "MOB", "B-BR": "PRM", "B-PS": "WBK", "B-DCOL": "PHN", "B-CM": "PRM", "B-CC": "MBO",
    "B-LN": "MBO",
}  # fmt: skip
_MINUTE: Final = timedelta(minutes=1)


@dataclass
class Script:
    """A case being written: its facts and the moment up to which its story is told."""

    stage: Stage
    rng: Random
    matter: Matter
    language: str
    story: Story
    officer: Person
    unit: Department
    handler: Person | None
    words: Words
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.story.opened_at

    def do(self, verb: str, what: Any, by: Person | None, at: datetime) -> None:
        """Let something happen at `at`, or a minute after the last thing where that is later."""
        self.now = max(at, self.now + _MINUTE)
        self.story.steps.append(Step(self.now, verb, what, by))

    def say(self, name: str) -> str:
        """Return what staff write on such an occasion, in the language of who is on duty."""
        day = local(self.story.opened_at).toordinal()
        return phrase(name, "en" if day // 2 % 3 == 1 else "zh")


@dataclass(slots=True)
class Cast:
    """Makes scripts out of customers and matters; deterministic by its own random numbers."""

    stage: Stage
    customers: list[Customer]
    rng: Random
    turn: int = 0

    def script(
        self,
        received: datetime,
        opened: datetime,
        *,
        matter: Matter | None = None,
        channel: str = "",
        **facts: Any,
    ) -> Script:
        """Return the script of a case received and registered at these moments.

        `facts` are fields of the draft; the matter and the channel are drawn where not given.
        """
        rng, self.turn = self.rng, self.turn + 1
        matter = matter or pick_matter(rng, pick(rng, book()["types"]))
        customer = self._customer()
        language = "en" if customer.language == "en" or rng.random() < 0.31 else "zh"
        branch = customer.branch or rng.choice(self.stage.branches)
        day = local(received).date() - timedelta(days=rng.randrange(1, 6))
        words = worded(matter, rng, language, day, (branch.name_zh, branch.name_en))
        channel = channel or pick(rng, book()["channels"])
        registrar = self._registrar(channel, opened)
        draft = CaseDraft(
            type=matter.type,
            intake_channel=channel,
            core_issue=words.issue[:120],
            content=words.content,
            demand=words.demand,
            business_line=matter.line,
            business_channel=_AXIS.get(matter.root, rng.choice(("PRM", "MOB", "PHN", "MBO"))),
            branch=branch,
            customer=None if matter.type == "TIP" and rng.random() < 0.5 else customer,
            language=LANGUAGES[language],
            severity=matter.severity if rng.random() < 0.85 else 1,
            amount=words.amount if "{amount}" in matter.zh[1] else None,
            emotion=rng.choices((0, 1, 2, 3, 4), (20, 30, 30, 15, 5))[0],
            received_at=received,
            occurred_on=day,
            substance=channel in LIVE and rng.random() < 0.85,
            **self._referral(channel, received),
        )
        unit, officer = self._unit(matter, branch), self._officer(opened)
        own = unit.code == "CMPT"
        return Script(
            self.stage,
            rng,
            matter,
            language,
            Story(replace(draft, **facts), opened, registrar),
            officer,
            unit,
            officer if own else self.stage.handler_of(unit, self.turn),
            words,
        )

    def _customer(self) -> Customer:
        """Return a customer; one in eight cases is of the few who write often."""
        often = max(1, len(self.customers) // 40)
        if self.rng.random() < 0.12:
            return self.customers[self.rng.randrange(often)]
        return self.rng.choice(self.customers)

    def _registrar(self, channel: str, opened: datetime) -> Person | None:
        """Agents take calls and chats; what comes by itself has none; the team takes the rest."""
        if channel in {"TEL", "CHT"}:
            return self._on_duty(Role.HOTLINE, opened)
        if channel in {"APP", "WEB", "EBK", "WXA", "EML", "SMS"}:
            return None
        return self._officer(opened)

    def _officer(self, opened: datetime) -> Person:
        """Return the officer on duty."""
        return self._on_duty(Role.OFFICER, opened)

    def _on_duty(self, role: str, opened: datetime) -> Person:
        """Return who of a role is on duty that day."""
        staff = self.stage.roles[role]
        return staff[local(opened).toordinal() // 2 % len(staff)]

    def _unit(self, matter: Matter, branch: Department) -> Department:
        """Return the department that owns the matter."""
        owners = {
            "B-DC": "RETAIL", "B-SV": "RETAIL", "B-IM": "RETAIL", "B-CC": "CARD",
            "B-DCOL": "CARD", "B-LN": "LOAN", "B-PS": "OPS", "B-CM": "OPS", "B-FX": "INTL",
            "B-AG": "WEALTH", "B-WM": "WEALTH", "B-PM": "WEALTH", "B-PI": "PRIV",
            "B-EB": "EBANK", "B-OT": "CMPT",
        }  # fmt: skip
        code = owners.get(matter.root)
        return self.stage.units[code] if code else branch

    def _referral(self, channel: str, received: datetime) -> dict[str, Any]:
        """Return number, body and deadline of a referral."""
        if channel not in REFERRED:
            return {}
        day = local(received).date()
        number = f"{channel}-{day:%Y%m%d}-{self.turn % 10_000:04d}"
        return {
            "referral_number": number,
            "referral_body": book()["bodies"][channel],
            "referral_on": day,
            "external_due_at": received + timedelta(days=self.rng.choice((7, 10, 15))),
        }


_RELEASES: Final = {"C2": "核心系统 2026-09 批次", "C3": "手机银行 9.2"}


def answer_of(script: Script, *, kind: str = "", money: Decimal | None = None) -> Answer:
    """Return the decision: upheld or not, with cause, finding and remedies."""
    matter = script.matter
    if matter.type not in {"CMP", "PET"}:
        return _short_answer(script)
    day = local(script.story.opened_at).toordinal()
    turn = sum(matter.cause.encode()) + day  # matters of one cause and day end alike
    upheld = money is not None or kind == "OUT" or turn % 8 < 5
    texts = book()["answers"][kind or ("CMP" if upheld else "NUP")][script.language]
    outcome = ("UPH", "UPH", "PUP")[turn % 3] if upheld else ("NUP", "NUP", "MIS")[turn % 3]
    remedies = (("APO", "COR"), ("APO", "SRV"), ("APO",))[turn % 3] if upheld else ("EXP",)
    return Answer(
        outcome=outcome,
        answer=texts[0].replace("{day}", ""),
        findings=texts[1],
        basis=texts[2],
        objection_ways=texts[3],
        nature=("SVC", "MGT", "PRD")[turn % 3] if upheld else "NES",
        cause=matter.cause,
        release=_RELEASES.get(matter.cause, ""),
        responsibility=Responsibility.RESPONSIBLE if upheld else Responsibility.NONE,
        remedies=(*remedies, "REF") if money else remedies,
        compensation=money,
        compensation_kind="refund" if money else "",
    )


def _short_answer(script: Script) -> Answer:
    """Return the answer to a suggestion, a question, praise."""
    group = {"OPN": "SUG", "REQ": "INQ", "TIP": "INQ"}.get(script.matter.type, script.matter.type)
    text = book()["answers"][group][script.language][0]
    decided = ("DEC", "ADO", "PAR", "DEC", "DEF")[local(script.story.opened_at).toordinal() % 5]
    return Answer(answer=text, suggestion_decision=decided if group == "SUG" else "")


def former_draft(script: Script, state: str) -> CaseDraft:
    """Return the draft with what became of it, as a former register would hand it over."""
    draft = script.story.draft
    received = draft.received_at or script.stage.at
    answer = answer_of(script)
    over = state in {Status.CLOSED, Status.ARCHIVED, Status.NOTIFIED}
    done = received + timedelta(hours=script.rng.randrange(2, 90))
    told = done + timedelta(hours=1)
    past = HistoryFacts(
        status=state,
        outcome=answer.outcome if over else "",
        cause=answer.cause if over else "",
        nature=answer.nature if over else "",
        answer=answer.answer if over else "",
        acknowledged_at=received,
        accepted_at=None if state == Status.RECEIVED else received + timedelta(hours=1),
        resolved_at=done if over else None,
        notified_at=told if over else None,
        closed_at=told if over and state != Status.NOTIFIED else None,
        handler=script.handler if state != Status.RECEIVED else None,
    )
    return replace(draft, history=past)


__all__ = ["Cast", "Script", "answer_of", "former_draft"]
