"""The live board: every number is what the queue shows behind it; scope, caps, the one proposal."""

import re
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from complaints.board import ageing, counters, heat, load, sight
from complaints.board.sight import Sight
from complaints.choices import Status
from complaints.clocks import rules
from complaints.filters import CaseFilters
from complaints.models import Case, CaseExclusion, CaseGrant, CasePresence
from staff.models import Absence
from tests.factories.complaints import AT, DAY, HOUR, bank, do, in_state, open_case
from tests.factories.staff import AccountFactory, PersonFactory
from tests.portal.desks import queries

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
LINK = re.compile(r'href="/cases/\?([^"]*)"')


@pytest.fixture(scope="module")
def house(django_db_setup, django_db_blocker):
    """A bank with cases in many states, rolled back at the end of the module."""
    around = transaction.atomic()
    with django_db_blocker.unblock():
        around.__enter__()
        house = bank()
        now = timezone.now()
        for status in (
            Status.RECEIVED,
            Status.ACCEPTED,
            Status.ASSIGNED,
            Status.IN_PROGRESS,
            Status.WAITING_CUSTOMER,
            Status.RESOLVED,
            Status.NOTIFIED,
            Status.CLOSED,
            Status.NOT_ACCEPTED,
            Status.WITHDRAWN,
        ):
            in_state(house, status, at=now)
        for n in range(7):
            case = open_case(house, at=now)
            old = now - n * DAY - HOUR
            Case.objects.filter(pk=case.pk).update(
                received_at=old, next_due_at=old + 2 * DAY, breached=n > 3, severity=1 + n % 4
            )
        for code in ("LOAN", "CARD"):
            late, near = (open_case(house, at=now, department=house.units[code]) for _ in "12")
            Case.objects.filter(pk=late.pk).update(next_due_at=now - HOUR)
            Case.objects.filter(pk=near.pk).update(next_due_at=now + HOUR, next_risk_at=now - HOUR)
    yield house
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


def at_work(client, house, name="supervisor"):
    client.force_login(house.accounts[name])
    return client


def behind(house, name, query, at):
    """Count the cases the queue shows under a query string of the board."""
    scope = house.scope(name)
    rows = Case.objects.visible_to(scope)
    return CaseFilters(QueryDict(query.lstrip("?")), rows, scope, at).qs.count()


@pytest.mark.parametrize("name", ["supervisor", "depthead", "analyst"])
@pytest.mark.parametrize("unit", ["", "CARD"])
def test_every_counter_is_what_the_queue_shows(client, house, name, unit):
    client = at_work(client, house, name)
    page = client.get("/board/", {"unit": unit} if unit else {})
    found, links = page.context["counters"], page.context["links"]
    figures = {key: getattr(found, key).n for key in links}
    assert figures == {key: behind(house, name, links[key], timezone.now()) for key in links}
    assert figures["open"] > 0
    if name == "supervisor":
        assert [key for key, n in figures.items() if not n and not unit] == []


@pytest.mark.parametrize("name", ["supervisor", "depthead"])
@pytest.mark.parametrize("by", ["unit", "stage"])
def test_every_part_of_the_ageing_is_what_the_queue_shows(client, house, name, by):
    page = at_work(client, house, name).get("/board/", {"by": by})
    card = page.context["ageing"]
    assert card.rows
    for row in card.rows:
        assert behind(house, name, row.query, timezone.now()) == row.total
        assert sum(part.n for part in row.parts) == row.total
        for part in row.parts:
            assert behind(house, name, part.query, timezone.now()) == part.n
    assert card.total == page.context["counters"].open.n
    if name == "depthead":
        assert {case.department.code for case in Case.objects.visible_to(house.scope(name))} == {
            "CARD"
        }


@pytest.mark.parametrize("measure", ["arrivals", "late"])
def test_every_hour_of_the_heat_map_is_what_the_queue_shows(client, house, measure):
    page = at_work(client, house).get("/board/", {"measure": measure})
    card = page.context["heat"]
    filled = [cell for day in card.days for cell in day.cells if cell.query]
    assert filled
    for cell in filled:
        assert behind(house, "supervisor", cell.query, timezone.now()) == int(cell.words)
    assert sum(int(day.total) for day in card.days) == sum(int(cell.words) for cell in filled)


def test_everybodys_load_is_what_the_queue_shows(client, house):
    page = at_work(client, house).get("/board/")
    assert page.context["loads"]
    for one in page.context["loads"]:
        assert behind(house, "supervisor", one.query, timezone.now()) == one.n
        assert behind(house, "supervisor", f"{one.query}&clock=over", timezone.now()) == one.late


def test_every_link_of_the_page_opens_the_queue(client, house):
    client = at_work(client, house)
    body = client.get("/board/").content.decode()
    queries_seen = {unescape(query) for query in LINK.findall(body)}
    assert len(queries_seen) > 8
    for query in sorted(queries_seen)[:12]:
        answer = client.get(f"/cases/?{query}")
        assert answer.status_code == 200, query
    known = {name for query in queries_seen for name in parse_qs(query)}
    assert known <= set(CaseFilters.base_filters)


def test_the_board_stays_flat_and_its_cards_come_alone(client, house):
    client = at_work(client, house)
    client.get("/board/")
    few = queries(client, "/board/")
    now = timezone.now()
    for _ in range(12):
        open_case(house, at=now, department=house.units["LOAN"])
    assert queries(client, "/board/") == few
    for card in ("counters", "ageing", "load", "heat", "decisions"):
        answer = client.get(f"/board/cards/{card}/?unit=CARD", headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert f'id="board-{card}"' in answer.content.decode()
        assert "unit=CARD" in answer.content.decode()
    assert client.get("/board/cards/other/").status_code == 404


def test_board_shows_open_only_capped(house, monkeypatch):
    """PEERS.md row 23: a board of 50,000 closed tickets does not open; ours counts so far only."""
    look = Sight(house.scope("supervisor"), timezone.now())
    for module in (sight, ageing, heat, counters):
        monkeypatch.setattr(module, "MANY", 5)
    found = counters.counters(look)
    assert found.open.n == 6
    assert (found.open.more, found.open.words) == (True, "5+")
    card = ageing.by_unit(look)
    assert (card.total, card.cut) == (6, True)
    assert not Case.objects.filter(status=Status.CLOSED, pk__in=look.open()).exists()
    stages = {row.label for row in ageing.by_stage(look).rows}
    assert str(Status.CLOSED.label) not in stages


def test_ages_count_working_days(house):
    """Friday evening to Monday morning is one working day, however many hours lie between."""
    monday = datetime(2026, 3, 9, 9, 0, tzinfo=ZONE)
    wanted = {  # received -> age
        datetime(2026, 3, 9, 8, 0, tzinfo=ZONE): "0",
        datetime(2026, 3, 8, 12, 0, tzinfo=ZONE): "1",  # Sunday
        datetime(2026, 3, 6, 23, 0, tzinfo=ZONE): "1",  # Friday
        datetime(2026, 3, 5, 23, 0, tzinfo=ZONE): "2",
        datetime(2026, 3, 4, 1, 0, tzinfo=ZONE): "3",
        datetime(2026, 2, 1, 1, 0, tzinfo=ZONE): "3",
    }
    Case.objects.update(is_history=True, status=Status.CLOSED, closed_at=AT)
    for moment, age in wanted.items():
        case = open_case(house, at=timezone.now())
        Case.objects.filter(pk=case.pk).update(received_at=moment)
        filters = CaseFilters(
            QueryDict(f"age={age}"), Case.objects.filter(pk=case.pk), house.scope("supervisor"),
            monday,
        )  # fmt: skip
        assert filters.qs.count() == 1, (moment, age)
    look = Sight(house.scope("supervisor"), monday)
    [row] = [row for row in ageing.by_unit(look).rows if row.total == 6]
    assert {part.age: part.n for part in row.parts} == {"0": 1, "1": 2, "2": 1, "3": 2}


@pytest.fixture
def in_force(house):
    """The settings of the time limits in force, to be changed by a test; put back at the end."""
    rule_set = rules.in_force(timezone.now()).rule_set
    before, rule_set.settings = rule_set.settings, dict(rule_set.settings)
    yield rule_set.settings
    rule_set.settings = before


def test_hours_over_capacity_are_outlined_and_few_cases_stay_grey(house, in_force):
    in_force["hourly_intake"] = 0
    look = Sight(house.scope("supervisor"), timezone.now())
    arrivals = heat.heat(look, "arrivals")
    filled = [cell for day in arrivals.days for cell in day.cells if cell.query]
    assert arrivals.peak
    assert all(cell.short for cell in filled)
    in_force["hourly_intake"] = 999
    assert not heat.heat(look, "arrivals").peak
    few = [cell for day in heat.heat(look, "reply").days for cell in day.cells if cell.query]
    assert any(cell.grey for cell in few)
    assert not any(cell.short for cell in few)
    assert heat.heat(look, "nonsense").measure == "arrivals"


def test_the_limits_of_the_board_stand_in_the_time_limits_in_force(house, in_force, settings):
    at = timezone.now()
    assert (sight.handler_limit(at), sight.hourly_intake(at)) == (12, 4)
    in_force["handler_limit"] = 7
    assert sight.handler_limit(at) == 7
    del in_force["handler_limit"]  # a version from before
    settings.BOARD_HANDLER_LIMIT = 30
    assert sight.handler_limit(at) == 30


def test_medians_of_the_first_reply(house):
    now = timezone.now()
    Case.objects.update(is_history=True)
    moment = now - 3 * DAY
    for minutes in (10, 20, 60, 90, 600):
        case = open_case(house, at=now)
        Case.objects.filter(pk=case.pk).update(
            received_at=moment, first_response_at=moment + timedelta(minutes=minutes)
        )
    found = heat.heat(Sight(house.scope("supervisor"), now), "reply")
    [cell] = [cell for day in found.days for cell in day.cells if cell.query]
    assert (cell.words, cell.grey) == ("1h", False)
    local = timezone.localtime(moment)
    assert found.days[local.isoweekday() - 1].total == "1h"


# --- Presence and the proposal -------------------------------------------------------------


def handled(house, n, name="handler"):
    """Give one handler of the card department `n` cases in hand; returns them, oldest first."""
    cases = []
    for _ in range(n):
        case = open_case(house, at=timezone.now(), department=house.units["CARD"])
        Case.objects.filter(pk=case.pk).update(handler=house.pk(name))
        cases.append(Case.objects.get(pk=case.pk))
    return cases


@pytest.fixture
def uneven(house):
    Case.objects.update(handler=None)
    return handled(house, 9)


def proposed(house, name="supervisor"):
    look = Sight(house.scope(name), timezone.now())
    return load.proposal(look, load.people(look))


def test_the_proposal_evens_out_within_the_unit_newest_first(house, uneven):
    found = proposed(house)
    assert found.source.pk == house.pk("handler")
    assert found.target.pk == house.pk("handler2")
    assert [row.case.pk for row in found.rows] == [case.pk for case in reversed(uneven)][:4]
    assert proposed(house, "analyst") is None  # reads, hands nothing out


def test_nobody_who_is_away_or_kept_out_is_proposed(house, uneven):
    now = timezone.now()
    CaseExclusion.objects.create(
        case=uneven[-1], person_id=house.pk("handler2"), reason="named", at=now
    )
    assert uneven[-1].pk not in {row.case.pk for row in proposed(house).rows}
    Absence.objects.create(person_id=house.pk("handler2"), start_at=now - HOUR, end_at=now + HOUR)
    assert proposed(house) is None


def test_the_move_shows_which_and_takes_what_is_left_ticked(client, house, uneven):
    client = at_work(client, house)
    page = client.get("/board/move/")
    form = page.context["form"]
    offered = [value for value, _label in form.fields["cases"].choices]
    assert len(offered) == 4
    values = {"source": form.initial["source"], "target": form.initial["target"]}
    answer = client.post("/board/move/", values | {"cases": offered[:3]}, follow=True)
    assert "3 cases are with Handler2 Test now." in answer.content.decode()
    moved = Case.objects.filter(handler=house.pk("handler2"))
    assert {f"{c.pk}:{c.version - 1}" for c in moved} == set(offered[:3])
    assert client.post("/board/move/", values).status_code == 422


def test_a_case_that_somebody_moved_meanwhile_is_409_and_the_form_stays(client, house, uneven):
    client = at_work(client, house)
    form = client.get("/board/move/").context["form"]
    offered = [value for value, _label in form.fields["cases"].choices]
    case = Case.objects.get(pk=int(offered[0].split(":")[0]))
    do(house, case, "raise_severity", by="supervisor")
    values = {"source": form.initial["source"], "target": form.initial["target"]}
    answer = client.post("/board/move/", values | {"cases": offered[:1]})
    assert answer.status_code == 409
    assert case.number in answer.content.decode()
    both = client.post("/board/move/", values | {"cases": offered[:2]}, follow=True)
    assert "1 case is with" in both.content.decode()
    case.refresh_from_db()
    assert case.handler_id == house.pk("handler")


def test_only_cases_of_the_person_they_are_taken_from_are_moved(client, house, uneven):
    other = uneven[0]
    Case.objects.filter(pk=other.pk).update(handler=house.pk("officer2"))
    client = at_work(client, house)
    form = client.get("/board/move/").context["form"]
    values = {"source": form.initial["source"], "target": form.initial["target"]}
    other.refresh_from_db()
    given = [f"{other.pk}:{other.version}"]
    assert client.post("/board/move/", values | {"cases": given}).status_code == 422
    other.refresh_from_db()
    assert other.handler_id == house.pk("officer2")


def test_presence_is_said_in_words(house, client):
    Case.objects.update(handler=None)
    case = handled(house, 2)[0]
    now = timezone.now()
    look = Sight(house.scope("supervisor"), now)
    assert load.people(look)[0].presence == "Not signed in"
    client.force_login(house.accounts["handler"])
    client.get("/")
    assert load.people(look)[0].presence == "In the portal"
    CasePresence.objects.create(case=case, person_id=house.pk("handler"), seen_at=now)
    assert load.people(look)[0].presence == "Working on a case"
    Absence.objects.create(person_id=house.pk("handler"), start_at=now - HOUR, end_at=now + 9 * DAY)
    shown = load.people(look)[0]
    assert shown.presence.startswith("Back ")
    assert shown.away


# --- Who may -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "look", "move"),
    [("officer", 403, 403), ("handler", 403, 403), ("analyst", 200, 403), ("depthead", 200, 302)],
)
def test_who_may_look_and_who_may_hand_out(client, house, name, look, move):
    Case.objects.update(handler=None)  # nothing to even out: who may is sent back to the board
    client = at_work(client, house, name)
    assert client.get("/board/").status_code == look
    assert client.get("/board/cards/heat/").status_code == look
    assert client.get("/board/move/").status_code == move


def test_a_duty_leader_sends_cases_on_but_evens_nothing_out(client, house):
    Case.objects.update(handler=None)
    leader = AccountFactory.create(
        person=PersonFactory.create(department=house.units["CMPT"]), roles=["duty_leader"]
    )
    client.force_login(leader, backend="staff.accounts.AccountBackend")
    assert client.get("/board/").status_code == 200
    assert client.get("/board/move/").status_code == 403


def test_heads_see_their_units_only(client, house):
    client = at_work(client, house, "depthead")
    page = client.get("/board/")
    assert [unit.code for unit in page.context["units"]] == ["CARD"]
    assert {row.query for row in page.context["ageing"].rows} == {"?department=CARD"}
    assert client.get("/board/", {"unit": "LOAN"}).status_code == 404
    assert client.get("/board/cards/load/?unit=LOAN").status_code == 404


def test_a_case_of_another_unit_cannot_be_moved(client, house):
    Case.objects.update(handler=None)
    theirs = open_case(house, at=timezone.now(), department=house.units["LOAN"])
    Case.objects.filter(pk=theirs.pk).update(handler=house.pk("loan_handler"))
    mate = PersonFactory.create(department=house.units["LOAN"])
    AccountFactory.create(person=mate, roles=["handler"])
    client = at_work(client, house, "depthead")
    values = {
        "source": house.accounts["loan_handler"].person.staff_no,
        "target": mate.staff_no,
        "cases": [f"{theirs.pk}:{theirs.version}"],
    }
    assert client.post("/board/move/", values).status_code == 422
    CaseGrant.objects.create(  # who may read it by a task still may not send it on
        case=theirs, person_id=house.pk("depthead"), why="task", at=timezone.now()
    )
    assert client.get(theirs.get_absolute_url()).status_code == 200
    assert client.post("/board/move/", values).status_code == 422
    theirs.refresh_from_db()
    assert theirs.handler_id == house.pk("loan_handler")
    assert client.post("/board/move/", {"source": "x", "target": "y"}).status_code == 404


def test_the_wall_view_names_no_customer_and_no_decision(client, house):
    client = at_work(client, house)
    page = client.get("/board/?wall=1").content.decode()
    assert "is-wall" in page
    assert "王丽" not in page
    assert 'id="board-decisions"' not in page
    assert urlsplit("/board/").path in page
