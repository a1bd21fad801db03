"""Probes of cases, customers and what surrounds a case."""

from typing import Any

from django.utils import timezone

from complaints.models import CaseClock, CaseExclusion
from complaints.workflow import MOVES
from tests.matrix.probe import Probe, World, on_case, post

HIDDEN_VERBS = {"approve", "send_back", "edit_facts", "archive"}
REVIEW_VERBS = {"ask_review", "progress_review", "decide_review", "tell_review"}


def customers() -> list[Probe]:
    def each(name: str, targets: str = "mine far", **options: Any) -> list[Probe]:
        return [
            Probe(name, t, lambda w, t=t: (w.customers[t].number,), **options)
            for t in targets.split()
        ]

    return [
        Probe("customers"), Probe("customer_new"), post("customer_new"),
        *each("customer"),
        *each("customer_reveal", method="post"),
        *each("customer_tier", method="post"),
        *each("customer_rm", method="post"),
        *each("customer_contacts", method="post"),
    ]  # fmt: skip


def clock(world: World, target: str) -> int:
    return CaseClock.objects.filter(case=world.cases[target]).values_list("pk", flat=True)[0]


def token(world: World, target: str) -> str:
    return str(world.facts[f"file {target}"])


def verbs() -> list[Probe]:
    """Return the moves, one for each way to be granted: by act, by asking, by approval only."""
    htmx = {"HX-Request": "true"}
    kinds = {(m.act, m.ask_act, m.only_approved): m.verb for m in reversed(MOVES.values())
             if m.verb not in HIDDEN_VERBS}  # fmt: skip
    return [
        probe
        for verb in sorted({*kinds.values(), *REVIEW_VERBS})
        for probe in on_case(
            "case_move", verb, targets="unit own", method="post", headers=htmx, label=f"do {verb}"
        )
    ]


def around() -> list[Probe]:
    """Return what surrounds a case: watchers, recusals, reasons for delay, follow-up."""
    return [
        Probe("follow_up"),
        *on_case("case_people"),
        *on_case("case_watch", method="post"),
        *on_case("case_watch", method="post", data={"stop": "1"}, label="case_watch stop"),
        *on_case("case_watchers"),
        *on_case("case_watchers", method="post"),
        *on_case("case_unwatch", _other, method="post"),
        *on_case("case_recuse"),
        *on_case("case_recuse", method="post"),
        *on_case("case_lift", _recused),
        *on_case("case_lift", _recused, method="post"),
        *on_case("case_delay", clock),
        *on_case("case_delay", clock, method="post"),
        *on_case("case_why", clock, data={"format": "json"}, label="case_why json"),
    ]


def _other(world: World, _target: str) -> int:
    return world.house.pk("analyst")


def _recused(world: World, target: str) -> int:
    """Keep somebody out of the case while one probe lasts."""
    CaseExclusion.objects.create(case=world.cases[target], person_id=world.house.pk("handler2"),
                                 reason="named", at=timezone.now())  # fmt: skip
    return world.house.pk("handler2")
