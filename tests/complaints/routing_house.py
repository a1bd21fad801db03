"""A small bank for tests of routing: units with people, one rule at a time."""

from datetime import timedelta

from complaints import routing
from complaints.models import RoutingRule
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import LONG_AGO, case, local, term, unit
from tests.factories.staff import AccountFactory, PersonFactory

AT = local("2026-03-04 10:00")
DAY = timedelta(days=1)


def worker(code, role="handler", **fields):
    """Return somebody with an account in a unit."""
    person = PersonFactory.create(department=unit(code), **fields)
    return AccountFactory.create(roles=[role], person=person).person


def line(code="B-CC", owner="CARD"):
    return term("business_line", code, owner=owner)


def rule_set(*rows, number=None, publish=True) -> RuleSet:
    """Make a version of these rules in this order; each a dict of fields of RoutingRule."""
    draft = rulesets.new_version("routing", titles=("R", "R"), actor=SYSTEM, at=LONG_AGO)
    for place, row in enumerate(rows, start=1):
        given = {"code": f"R{place}", "name_en": f"Rule {place}", "name_zh": f"规则{place}"}
        RoutingRule.objects.create(
            rule_set=draft, order=place * 10, **(given | {"department": "CARD"} | row)
        )
    if publish:
        rulesets.publish(draft, valid_from=AT - DAY, reason="", actor=SYSTEM, at=AT)
    return draft


def send(*, at=AT, **given):
    """Route one stored case by the rules in force."""
    row = case(at, **given)
    [routed] = routing.assign([row], at=at)
    return routed
