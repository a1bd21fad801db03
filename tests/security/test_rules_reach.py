"""What the pages of rules must not do: show restricted cases, write on a look, take stale forms."""

import csv
import re
from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from complaints.clocks import forecasting
from complaints.defaults import rules as default_rules
from complaints.models import CaseClock, ClockLimit, DutyLine, RoutingRule
from complaints.routing import replaying
from config.kernel import job_runs, rule_kinds, rulesets
from config.kernel.models import Approval, RuleSet
from config.kernel.models.rules import RuleState
from config.shared.actors import SYSTEM
from staff import duty_roster
from staff.models import CalendarDay, CalendarSpan
from tests.factories.complaints import bank, open_case
from tests.factories.staff import PersonFactory
from tests.portal.desks import as_role, signed_in
from tests.staff.test_duty import data
from tests.test_permission_matrix import table

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
KINDS = ("clock_policies", "routing", "duties", "calendar:bank")
BASES = {
    "clock_policies": "/policies/", "routing": "/routing/draft/",
    "duties": "/duty-table/draft/", "calendar:bank": "/calendars/bank/",
}  # fmt: skip


@pytest.fixture
def house():
    made = bank()
    default_rules.load_duties(SYSTEM, timezone.now())
    return made


def begun(kind: str) -> RuleSet:
    return rule_kinds.begin(kind, actor=SYSTEM, at=timezone.now())


def given(draft: RuleSet, **more: str) -> dict[str, str]:
    known = {"version": str(draft.version), "number": str(draft.number), "reason": "Board"}
    return known | more


def pair(house):
    """Return an open case and a restricted one, both of now."""
    at = timezone.now() - timedelta(minutes=5)
    return open_case(house, at=at), open_case(house, at=at, type="TIP")


def work() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


# --- restricted cases ---------------------------------------------------------------------------


def test_the_forecast_of_time_limits_names_no_restricted_case(house):
    seen, tip = pair(house)
    draft = begun("clock_policies")
    ClockLimit.objects.filter(policy__rule_set=draft).update(amount=F("amount") + 7)
    job = forecasting.start(draft, actor=SYSTEM, at=timezone.now())
    work()
    found = forecasting.read(forecasting.latest(draft))
    assert job.pk
    assert {row.number for row in found.rows} == {seen.number, tip.number}
    for role in ("supervisor", "auditor", "admin"):
        client = as_role(role)
        for url in ("/policies/draft/", f"/policies/{draft.number}/forecast/"):
            text = client.get(url, headers=HTMX if "forecast" in url else {}).content.decode()
            assert (seen.number in text) is (role != "admin")
            assert tip.number not in text


def test_the_forecast_of_a_calendar_names_no_restricted_case(house):
    seen, tip = pair(house)
    draft = begun("calendar:bank")
    CalendarSpan.objects.filter(rule_set=draft).update(end_minute=F("end_minute") - 60)
    forecasting.start(draft, actor=SYSTEM, at=timezone.now())
    work()
    assert tip.number in {row.number for row in forecasting.read(forecasting.latest(draft)).rows}
    text = as_role("supervisor").get("/calendars/bank/", follow=True).content.decode()
    assert seen.number in text
    assert tip.number not in text
    assert "C-2" not in as_role("admin").get("/calendars/bank/", follow=True).content.decode()


def test_the_dry_run_of_routing_names_no_restricted_case(house):
    seen, tip = pair(house)
    draft = begun("routing")
    RoutingRule.objects.filter(rule_set=draft).update(department="LOAN")
    replaying.start(draft, days=7, actor=SYSTEM, at=timezone.now())
    work()
    assert tip.number in {row.number for row in replaying.read(replaying.latest(draft)).rows}
    text = as_role("supervisor").get("/routing/draft/").content.decode()
    assert seen.number in text
    assert tip.number not in text
    assert seen.number not in as_role("admin").get("/routing/draft/").content.decode()


def test_no_restricted_case_is_tried_explained_or_followed_up(house):
    seen, tip = pair(house)
    begun("clock_policies")
    client = as_role("supervisor")
    for url in ("/policies/draft/try/", "/routing/explain/"):
        assert client.get(url, {"number": seen.number}).status_code == 200
        assert client.get(url, {"number": tip.number}).status_code in {404, 422}
        fragment = client.get(url, {"number": tip.number}, headers=HTMX).content.decode()
        assert tip.core_issue not in fragment
    clock = CaseClock.objects.filter(case=tip)[0]
    other = CaseClock.objects.filter(case=seen)[0]
    for form in ("json", "text", ""):
        url = f"/cases/{tip.number}/clocks/{clock.pk}/?format={form}"
        assert client.get(url).status_code == 404
        # The clock of one case under the number of another.
        assert (
            client.get(f"/cases/{seen.number}/clocks/{clock.pk}/?format={form}").status_code == 404
        )
        assert (
            client.get(f"/cases/{seen.number}/clocks/{other.pk}/?format={form}").status_code == 200
        )
    page = signed_in(house.accounts["officer"]).get("/cases/follow-up/").content.decode()
    assert tip.number not in page


# --- a look writes nothing ----------------------------------------------------------------------


def looks() -> list[str]:
    now = rulesets.published("clock_policies", timezone.now())
    assert now is not None
    return [
        "/policies/", "/policies/ladder/", "/policies/settings/", "/policies/versions/",
        "/policies/begin/", "/policies/publish/", "/policies/discard/", "/policies/draft/",
        "/policies/draft/ladder/", "/policies/draft/settings/", "/policies/draft/move/",
        "/policies/draft/drop/?p=CMP-2", "/policies/draft/try/",
        f"/policies/{now.number}/forecast/", f"/policies/{now.number}/apply/",
        "/routing/", "/routing/draft/", "/routing/draft/new/", "/routing/draft/publish/",
        "/routing/draft/discard/", "/routing/draft/replay/", "/routing/draft/rules/MEDIA/",
        "/routing/draft/rules/MEDIA/move/", "/routing/draft/rules/MEDIA/remove/",
        "/routing/explain/", "/routing/versions/", "/routing/compare/?a=1&b=1",
        "/duty-table/", "/duty-table/draft/", "/duty-table/draft/publish/",
        "/duty-table/draft/discard/", "/duty-table/draft/lines/new/",
        "/calendars/", "/calendars/new/", "/calendars/bank/", "/calendars/bank/2026/",
        "/calendars/bank/2026/days.csv", "/calendars/bank/day/", "/calendars/bank/week/",
        "/calendars/bank/begin/", "/calendars/bank/publish/", "/calendars/bank/discard/",
        "/calendars/bank/effect/", "/calendars/bank/import/", "/calendars/bank/import/take/",
        "/calendars/bank/versions/", "/duty/", "/duty/calls/", "/duty/shift/", "/duty/copy/",
        "/duty/import/", "/cases/follow-up/",
    ]  # fmt: skip


@pytest.mark.parametrize("drafts", [False, True])
def test_a_look_writes_nothing(house, drafts):
    for kind in KINDS if drafts else ():
        begun(kind)
    client = as_role("admin", "supervisor")
    for url in looks():
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(url)
        assert answer.status_code in {200, 302, 404, 405, 409}, url
        wrote = [q["sql"] for q in seen if re.match(r"(INSERT|UPDATE|DELETE)", q["sql"])]
        assert [sql for sql in wrote if "session" not in sql] == [], url


def test_every_form_of_the_pages_carries_its_token(house):
    for kind in KINDS:
        begun(kind)
    client = as_role("admin", "supervisor")
    for url in looks():
        for form in re.findall(r"<form\b.*?</form>", client.get(url).content.decode(), re.S):
            if 'method="post"' in form:
                assert "csrfmiddlewaretoken" in form, url


# --- stale, gone, twice -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_is_published_once(house, kind):
    draft, client, url = begun(kind), as_role("admin"), f"{BASES[kind]}publish/"
    assert client.post(url, given(draft)).status_code == 302
    again = client.post(url, given(draft))
    assert again.status_code == 409
    assert "Board" in again.content.decode()
    assert RuleSet.objects.filter(kind=kind, number=draft.number, state="published").count() == 1
    assert rulesets.published(kind, timezone.now()) == draft


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_made_for_an_older_draft_is_refused(house, kind):
    old, client = begun(kind), as_role("admin")
    for act in ("publish/", "discard/"):
        stale = client.post(BASES[kind] + act, given(old, version=str(old.version + 1)))
        assert stale.status_code == 409
    rule_kinds.discard(old, reason="no", actor=SYSTEM, at=timezone.now())
    for act in ("publish/", "discard/"):
        assert client.post(BASES[kind] + act, given(old)).status_code == 409
    new = begun(kind)
    for act in ("publish/", "discard/"):
        assert client.post(BASES[kind] + act, given(old)).status_code == 409
    new.refresh_from_db()
    assert new.state == RuleState.DRAFT


@pytest.mark.parametrize("kind", KINDS)
def test_who_proposes_only_asks(house, kind):
    draft = begun(kind)
    assert as_role("supervisor").post(f"{BASES[kind]}publish/", given(draft)).status_code == 302
    draft.refresh_from_db()
    assert draft.state == RuleState.DRAFT
    assert Approval.objects.get().kind == "rules.publish"


def test_a_line_of_the_version_in_force_is_not_changed(house):
    now = rulesets.published("duties", timezone.now())
    draft, client = begun("duties"), as_role("admin")
    line = DutyLine.objects.filter(rule_set=now)[0]
    for rest in ("", "remove/"):
        url = f"/duty-table/draft/lines/{line.pk}/{rest}"
        assert client.get(url).status_code == 404
        assert client.post(url, given(draft)).status_code == 404


def test_only_what_is_in_force_is_applied(house):
    draft, client = begun("clock_policies"), as_role("admin")
    url = f"/policies/{draft.number}/apply/"
    assert client.post(url, {"reason": "Because"}).status_code == 404
    assert as_role("supervisor").post(url, {"reason": "Because"}).status_code == 403


# --- what leaves the house ----------------------------------------------------------------------


def test_the_roster_leaves_without_formulas(house):
    person = PersonFactory.create(name_en="=HYPERLINK(1)", name_zh="@SUM(1)")
    duty_roster.put_shift(
        data(on=timezone.localdate(), first=person, note="=1+1"), actor=SYSTEM, at=timezone.now()
    )
    answer = as_role("admin").get("/duty/export/")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    risky = [cell for cell in cells if str(cell.value).lstrip("'").startswith(("=", "@"))]
    assert len(risky) >= 2
    assert {cell.data_type for cell in cells} <= {"s", "d", "n"}


def test_the_days_of_a_calendar_leave_without_formulas(house):
    draft, at = begun("calendar:bank"), timezone.now()
    CalendarDay.objects.filter(rule_set=draft, date="2026-01-01").update(
        name_zh='=cmd|"/C calc"!A0', name_en="+1"
    )
    rule_kinds.publish(draft, reason="x", valid_from=None, actor=SYSTEM, at=at, expected=None)
    text = as_role("auditor").get("/calendars/bank/2026/days.csv").content.decode("utf-8-sig")
    rows = {row["date"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["2026-01-01"]["name_zh"] == '\'=cmd|"/C calc"!A0'
    assert rows["2026-01-01"]["name_en"] == "'+1"


# --- who ----------------------------------------------------------------------------------------

ACTS = (
    "duty", "case_", "do ", "follow", "task", "step", "force", "remed", "tag", "shift",
    "service_notice", "cases_bulk", "cluster", "board", "robot", "write",
)  # fmt: skip
RULES = ("policies", "routing", "duties", "duty_line", "duty_new", "duty_remove", "calendar")
# Posts of a reader who changes nothing:
# - duty_acknowledge: a call that came to the auditor is the auditor's own.
# - case_watch stop: not to be told any more takes away one's own row alone.
# - case_listen: listening is reading; the post writes the look into the record (promise 7).
# - case_bundle: a bundle is a reading copy of the case; the post keeps who asked for it, and why.
# - cases_bulk export: an export is a reading copy of a list; the record says what left and who.
AUDITORS = {
    "duty_acknowledge", "case_watch stop", "case_listen", "case_bundle", "cases_bulk export",
}  # fmt: skip


def test_the_auditor_reads_the_rules_and_changes_nothing_of_them():
    for (address, _target, method), row in table().items():
        if address.startswith(RULES):
            assert row["AU"] == "no" or method == "GET", address
        elif address.startswith(ACTS) and address not in AUDITORS:
            assert row["AU"] != "ok" or method == "GET", address


def test_the_excuses_of_the_auditor_are_needed_and_tasks_are_none():
    rows = table().items()
    posts = {key[0] for key, row in rows if key[2] == "POST" and row["AU"] == "ok"}
    assert posts >= AUDITORS
    for (address, target, _method), row in rows:
        if address.startswith(("task_accept", "task_refuse", "task_answer")) and target:
            assert {row[role] for role in ("ER", "SA", "AU")} <= {"no", "-"}, address


def test_rules_are_read_proposed_and_published_by_three_roles_only():
    others = ["HA", "CO", "DH", "HD", "BH", "RM", "RMM", "DL", "HR", "QA", "ER", "SA", "CD"]
    rows = [(key, row) for key, row in table().items() if key[0].startswith(RULES)]
    assert len(rows) > 70
    for key, row in rows:
        assert {row[role] for role in others} == {"no"}, key
