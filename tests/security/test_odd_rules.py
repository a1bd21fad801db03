"""Odd input at the pages of rules, of the duty roster and around a case: never a fault."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from complaints.defaults import rules as default_rules
from complaints.models import CaseClock, DutyLine
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.portal.policy_forms import SettingsForm
from config.portal.policy_parts import LadderEditor, PolicyEditor
from config.shared.actors import SYSTEM
from tests.factories.complaints import bank, do, in_state
from tests.factories.staff import PersonFactory
from tests.portal.desks import as_role
from tests.security.odd import HUGE, ODD, Door, faults

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house():
    return bank()


@pytest.fixture
def admin(house):
    return as_role("admin")


def begun(kind: str) -> RuleSet:
    return rule_kinds.begin(kind, actor=SYSTEM, at=timezone.now())


def lock(draft: RuleSet) -> dict[str, Any]:
    return {"version": draft.version, "number": draft.number}


def acts(draft: RuleSet, base: str, publish: str = "publish/") -> list[Door]:
    """The publish and discard dialogs of a draft."""
    given = lock(draft) | {"reason": "Board", "valid_from": "2030-01-02T10:00"}
    return [Door(f"{base}{publish}", given), Door(f"{base}discard/", given)]


def sent(form: Any) -> dict[str, Any]:
    """Return what a browser would post for a form as it stands."""
    values: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            value = "on" if value else None
        if value not in (None, []):
            values[bound.html_name] = [str(x) for x in value] if isinstance(value, list) else value
    return values


def odd_reads(*urls: str) -> list[Door]:
    """Return reads of pages by every parameter they know."""
    names = ("v", "p", "a", "b", "r", "day", "number", "page", "cursor", "sort", "from", "span",
             "on", "shift", "format", "show", "days")  # fmt: skip
    return [Door(url, dict.fromkeys(names, "1"), "get") for url in urls]


def test_time_limits(house, admin):
    draft = begun("clock_policies")
    editor = PolicyEditor.stored(draft, "CMP-2")
    policy: dict[str, Any] = {"policy": "CMP-2", "clocks": ["resolve", "respond"], "act": "save"}
    for form in (editor.head, *(f for f in editor.limits if f.clock in {"resolve", "respond"})):
        policy |= sent(form)
    steps = LadderEditor.stored(draft)
    ladder: dict[str, Any] = {"steps": ["0", "1"], "act": "save"} | sent(steps.head)
    for form in steps.steps[:2]:
        ladder |= sent(form)
    settings = sent(SettingsForm(settings=draft.settings, row_version=draft.version))
    move = {"code": "CMP-2", "to": "up", "shown": "CMP-2", "version": draft.version}
    now = rulesets.published("clock_policies", timezone.now())
    assert now is not None
    doors = [
        Door("/policies/draft/", policy), Door("/policies/draft/", policy, headers=HTMX),
        Door("/policies/draft/", policy | {"act": "add", "add": "accept"}),
        Door("/policies/draft/ladder/", ladder),
        Door("/policies/draft/ladder/", ladder | {"act": "up:1"}),
        Door("/policies/draft/settings/", settings), Door("/policies/draft/move/", move),
        Door("/policies/draft/drop/?p=CMP-2", {"version": draft.version}),
        Door("/policies/draft/drop/", {"p": "CMP-2"}, "get"),
        Door("/policies/begin/", {"from": "1", "new": "1"}),
        Door(f"/policies/{now.number}/apply/", {"reason": "Because"}),
        Door(f"/policies/{draft.number}/forecast/", {"p": "CMP-2"}),
        *acts(draft, "/policies/"),
        *odd_reads("/policies/", "/policies/ladder/", "/policies/settings/", "/policies/versions/",
                   "/policies/draft/", f"/policies/{draft.number}/forecast/"),
    ]  # fmt: skip
    assert faults(admin, doors) == []


def test_routing_and_duty_table(house, admin):
    default_rules.load_duties(SYSTEM, timezone.now())
    draft, table = begun("routing"), begun("duties")
    rule = lock(draft) | {
        "name_en": "Card fees", "name_zh": "卡费", "active": "on", "goes_on": "", "person": "",
        "department": "CARD", "strategy": "least_loaded", "requires": "", "watchers": [],
        "staff": "", "severity_floor": "2", "tags": [], "do": "save", "add": "", "drop": "",
        "has": ["types", "channels", "amount", "keywords", "branches", "severity_min"],
        "c_types": ["CMP"], "c_channels": ["LTR"], "c_amount": "100", "c_amount_min": "100",
        "c_keywords": "loan, 贷款", "c_keywords_any": "loan", "c_severity_min": "2",
        "c_branches": ["CARD"], "to": "1", "place": "1",
    }  # fmt: skip
    line = DutyLine.objects.filter(rule_set=table)[0]
    duty = lock(table) | {
        "type": "CMP", "business_line": line.business_line, "responsible": "CARD",
        "approves": "CMPT", "consulted": ["LAW"], "told": ["RISK"],
    }  # fmt: skip
    doors = [
        Door("/routing/draft/rules/MEDIA/", rule),
        Door("/routing/draft/rules/MEDIA/", rule | {"add": "tiers"}, headers=HTMX),
        Door("/routing/draft/new/", rule), Door("/routing/draft/rules/MEDIA/move/", rule),
        Door("/routing/draft/rules/MEDIA/remove/", lock(draft)),
        Door("/routing/draft/replay/", {"days": "30", "r": "MEDIA"}),
        Door("/routing/draft/replay/", {"days": "30", "r": "MEDIA"}, headers=HTMX),
        Door("/routing/draft/", {"from": "1"}), *acts(draft, "/routing/draft/"),
        Door("/duty-table/draft/lines/new/", duty),
        Door(f"/duty-table/draft/lines/{line.pk}/", duty),
        Door(f"/duty-table/draft/lines/{line.pk}/remove/", lock(table)),
        Door(f"/duty-table/draft/lines/{HUGE}/", duty), Door("/duty-table/draft/", {"from": "1"}),
        *acts(table, "/duty-table/draft/"),
        *odd_reads("/routing/", "/routing/draft/", "/routing/versions/", "/routing/compare/",
                   "/routing/draft/replay/", "/routing/draft/new/", "/duty-table/",
                   "/duty-table/draft/"),
    ]  # fmt: skip
    assert faults(admin, doors) == []


def test_calendars(house, admin):
    draft = begun("calendar:bank")
    day = lock(draft) | {
        "on": "2026-11-27", "kind": "open", "opens_day_0": "9:00", "closes_day_0": "12:00",
        "last": "2026-11-28", "name_en": "Switch", "name_zh": "切换",
    }  # fmt: skip
    week = lock(draft) | {
        "title_en": "Bank", "title_zh": "银行", "zone": "Asia/Shanghai", "act": "",
        "opens_0_0": "9:00", "closes_0_0": "24:00",
    }  # fmt: skip
    new = {"title_en": "Card", "title_zh": "卡", "key": "card-centre", "always_open": ""}
    days = "date,kind,name_zh,name_en\n2027-01-01,off,元旦,New Year\n"
    doors = [
        Door("/calendars/bank/day/", day), Door("/calendars/bank/day/", day, headers=HTMX),
        Door("/calendars/bank/week/", week), Door("/calendars/bank/week/", week | {"act": "copy"}),
        Door("/calendars/new/", new), Door("/calendars/bank/begin/", {"from": "1"}),
        Door("/calendars/bank/import/", {"name": "x"}, files=("file",)),
        Door("/calendars/bank/import/take/", lock(draft) | {"days": days, "name": "notice.csv"}),
        Door("/calendars/bank/effect/", {"x": "1"}), *acts(draft, "/calendars/bank/"),
        *odd_reads("/calendars/", "/calendars/bank/", "/calendars/bank/2026/",
                   "/calendars/bank/versions/", "/calendars/bank/2026/days.csv"),
    ]  # fmt: skip
    assert faults(admin, doors) == []


def test_duty_roster(house, admin):
    first = PersonFactory.create()
    shift = {
        "on": "2027-01-05", "shift": "night", "starts": "20:00", "ends": "08:00",
        "first": str(first.pk), "second": "", "note": "keys", "version": "0",
    }  # fmt: skip
    doors = [
        Door("/duty/shift/?on=2027-01-05&shift=night", shift), Door("/duty/shift/", shift),
        Door("/duty/copy/", {"source": "2026-11-23", "target": "2026-11-30"}),
        Door("/duty/import/", {"x": "1"}, files=("file",)),
        Door("/duty/import/", {"packed": "x"}), Door(f"/duty/calls/{HUGE}/acknowledge/", {"x": ""}),
        *odd_reads("/duty/", "/duty/calls/", "/duty/shift/", "/duty/copy/", "/duty/export/"),
    ]  # fmt: skip
    assert faults(admin, doors) == []


def test_around_a_case(house):
    case = in_state(house, "in_progress", at=datetime(2026, 3, 4, 2, 0, tzinfo=UTC))
    client = as_role("supervisor")
    clock = CaseClock.objects.filter(case=case, due_at__lt=timezone.now() + timedelta(days=999))[0]
    here, someone = f"/cases/{case.number}/", str(PersonFactory.create().pk)
    doors = [
        Door(f"{here}watch/", {"stop": "1"}), Door(f"{here}watchers/", {"people": [someone]}),
        Door(f"{here}watchers/{HUGE}/drop/", {"x": "1"}),
        Door(f"{here}recusal/", {"people": [someone], "reason": "Brother"}),
        Door(f"{here}recusal/{HUGE}/lift/", {"reason": "Needed"}),
        Door(f"{here}clocks/{clock.pk}/delay/", {"reason": "OTH", "words": "Waiting"}),
        Door(f"{here}clocks/{HUGE}/delay/", {"reason": "OTH", "words": "Waiting"}),
        *odd_reads(f"{here}clocks/{clock.pk}/", f"{here}clocks/{HUGE}/", f"{here}people/",
                   "/cases/follow-up/", "/routing/explain/", "/policies/draft/try/"),
    ]  # fmt: skip
    begun("clock_policies")
    assert faults(client, doors) == []


def test_moves_of_a_review(house):
    card = house.units["CARD"]
    card.superior = house.units["CMPT"]
    card.save(update_fields=["superior"])
    case = do(house, in_state(house, "notified"), "ask_review")
    client = as_role("supervisor")
    given = {
        "version": str(case.version), "reason": "x", "words": "x", "channel": "phone",
        "note": "x", "decision": "changed", "review_decision": "changed", "no_interest": "on",
        "said": "x", "via": "phone", "text": "x", "outcome": "UPH", "file": "",
    }  # fmt: skip
    doors = [
        Door(f"/cases/{case.number}/do/{verb}/", given)
        for verb in ("acknowledge_review", "decide_review", "ask_review")
    ]  # fmt: skip
    assert faults(client, doors) == []


@pytest.mark.parametrize("key", ["..", "%2e%2e", "x" * 100, "bank%00", "ba nk", "a.b", "😀"])
def test_a_calendar_that_is_none_leads_nowhere(admin, key):
    for rest in ("", "2026/", "week/", "versions/", "import/", "effect/", "2026/days.csv"):
        assert admin.get(f"/calendars/{key}/{rest}").status_code == 404
    assert admin.post(f"/calendars/{key}/day/", {"on": "2026-05-08"}).status_code == 404


@pytest.mark.parametrize("year", ["0", "1", "10000", HUGE, "9" * 5_000, "-1", "20x6"])
def test_a_year_that_no_calendar_holds_is_not_there(admin, year):
    assert admin.get(f"/calendars/bank/{year}/").status_code == 404
    assert admin.get(f"/calendars/bank/{year}/days.csv").status_code == 404


@pytest.mark.parametrize("number", ["0", HUGE, "9" * 5_000])
def test_a_version_that_is_none_is_not_there(admin, number):
    assert admin.get(f"/policies/{number}/forecast/").status_code == 404
    assert admin.post(f"/policies/{number}/apply/", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("key", [odd for odd in ODD if odd != "NaN"])
def test_no_calendar_gets_an_odd_key(admin, key):
    given = {"title_en": "Card", "title_zh": "卡", "key": key}
    assert admin.post("/calendars/new/", given).status_code == 422
    assert RuleSet.objects.filter(kind__startswith="calendar:").count() == 1
