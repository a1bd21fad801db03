"""The world of the matrix: two departments, their cases, and a row of every kind beside them."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from complaints.defaults import rules as default_rules
from complaints.models import Case, CaseAttachment, DutyLine, RoutingRule
from complaints.replies import defaults as default_replies
from config.kernel import approvals, files, jobs, outbox, rule_kinds, rulesets
from config.kernel.models import Job, Notice, OutboxMessage
from config.shared.actors import SYSTEM
from customers.models import Customer
from tests.factories.complaints import bank, open_case
from tests.factories.customers import CustomerFactory
from tests.factories.staff import AccountFactory, PersonFactory
from tests.matrix import rows
from tests.matrix.probe import World

KINDS = ("clock_policies", "routing", "duties", "calendar:bank", "replies", "playbooks")
VISITOR = "visitor"


def build() -> World:
    """Return two departments with a case, customer, file and letter each."""
    house, at = bank(), timezone.now() - timedelta(minutes=20)
    card, loan = house.units["CARD"], house.units["LOAN"]
    branch = house.units["BRANCH"]
    told = {
        "mine": CustomerFactory.create(branch=card), "far": CustomerFactory.create(branch=branch),
    }  # fmt: skip
    cases, twins = (
        {
            "unit": open_case(house, at=at, by="officer2", department=card),
            "own": open_case(house, at=at, by="officer2", department=loan),
            "far": open_case(house, at=at, by="officer2", department=loan),
            "tip": open_case(house, at=at, by="officer2", department=card, type="TIP"),
        }
        for _each in range(2)
    )
    world = World(house, cases, told, twins)
    default_replies.load(SYSTEM, at)
    default_rules.load_playbooks(SYSTEM, at)
    for target, case in cases.items():
        content = ContentFile(b"plain words", name="words.txt")
        stored = files.store(content, kind="case", uploaded_by_id=None, at=at)
        CaseAttachment.objects.create(case=case, file=stored, added_at=at)
        world.facts[f"file {target}"] = stored.token
        rows.beside(world, target, at)
    for target in ("unit", "far"):
        case = cases[target]
        request = approvals.Request("severity", case.about, case.pk, "why", {"severity": 1},
                                    department_id=case.department_id)  # fmt: skip
        [asked] = approvals.ask([request], actor=house.actor("officer2"), at=at)
        world.facts[f"request {target}"] = asked.pk
        letter = outbox.Letter(f"matrix:{target}", "case.progress", "email", "a@example.com",
                               "Subject", "Text", case.about, case.department_id)  # fmt: skip
        outbox.queue([letter], at=at)
        world.facts[f"letter {target}"] = OutboxMessage.objects.get(key=letter.key).pk
    draft_rules(world)
    rows.tasks(world, at)
    rows.desk(world, at)
    world.facts |= {
        "kernel_term": cases["unit"].type_id,
        "staff_department": card.pk,
        "staff_person": house.pk("handler"),
        "staff_account": house.accounts["handler"].pk,
    }
    return world


def draft_rules(world: World) -> None:
    """Open a draft of each kind of rules."""
    at = timezone.now()
    default_rules.load_duties(SYSTEM, at)
    for kind in KINDS:
        force = rulesets.published(kind, at)
        draft = rule_kinds.begin(kind, actor=SYSTEM, at=at)
        assert force is not None
        world.facts |= {f"draft {kind}": draft.number, f"force {kind}": force.number}
        if kind == "routing":
            world.facts["rule"] = RoutingRule.objects.filter(rule_set=draft).values_list("code")[0][
                0
            ]
        if kind == "duties":
            world.facts["line"] = DutyLine.objects.filter(rule_set=draft).values_list("pk")[0][0]


def reader(world: World, role: str) -> Client:
    """Return a client of somebody with this role alone in CARD, owner of what is called own."""
    client = Client()
    if role == VISITOR:
        rows_of(world, world.house.pk("officer2"), world.house.pk("officer2"))
        world.facts["cookies"] = {}
        return client
    person = PersonFactory.create(department=world.house.units["CARD"])
    world.me = AccountFactory.create(person=person, roles=[role])
    owned = {"handler": person, "registrar": person, "officer": person, "rm": person}
    twins = [world.cases["own"].pk, world.twins["own"].pk]
    Case.objects.filter(pk__in=twins).update(**owned)
    Customer.objects.filter(pk=world.customers["mine"].pk).update(rm=person)
    rows_of(world, person.pk, world.house.pk("officer2"))
    client.force_login(world.me, backend="staff.accounts.AccountBackend")
    world.facts["cookies"] = {name: kept.value for name, kept in client.cookies.items()}
    return client


def rows_of(world: World, mine: int, theirs: int) -> None:
    """Write jobs and notices, one of the reader's and one of somebody else's."""
    at = timezone.now()
    for target, owner in (("mine", mine), ("far", theirs)):
        for kind in ("import", "export"):
            source = files.store(
                ContentFile(b"a,b\n1,2\n", name="x.csv"), kind="job", uploaded_by_id=owner, at=at
            )
            job = jobs.start(f"case_{kind}", owner_id=owner, params={}, title="Job", source=source,
                             actor=world.house.actor("officer2"), at=at)  # fmt: skip
            Job.objects.filter(pk=job.pk).update(
                result=source, errors_file=source, state="done", finished_at=at, started_at=at
            )
            world.facts[f"{kind} {target}"] = job.pk
        notice = Notice.objects.create(
            key=f"matrix:{target}:{owner}", person_id=owner, kind="case.chase", at=at,
            about=world.cases["unit"].about, facts={"number": world.cases["unit"].number},
        )  # fmt: skip
        world.facts[f"notice {target}"] = notice.pk
        rows.of_person(world, target, owner)
    rows.of_reader(world, mine, theirs)
