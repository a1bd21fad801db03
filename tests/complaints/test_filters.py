"""What every filter keeps, with good values and with whatever stands in an address."""

from datetime import timedelta

import pytest
from django.http import QueryDict

from complaints import facets, indexing
from complaints.choices import Status
from complaints.filters import CaseFilters, Due, due_states
from complaints.looking_up import tidy
from complaints.models import Case
from config.shared import listing
from config.shared.scope import WHOLE_BANK
from staff.roles import scope_of
from tests.complaints.queue_data import AT, case, many, term
from tests.factories.customers import CustomerFactory
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db


def filters(query="", scope=WHOLE_BANK):
    return CaseFilters(QueryDict(query), Case.objects.visible_to(scope), scope, AT)


def found(query="", scope=WHOLE_BANK):
    return {row.core_issue for row in filters(query, scope).qs}


@pytest.fixture
def unit():
    return DepartmentFactory.create(code="CARD")


@pytest.fixture
def spread(unit):
    """One case per clock state, a finished one and one whose clocks have ended."""
    case(unit, core_issue="over", due=timedelta(minutes=-1))
    case(unit, core_issue="risk", due=timedelta(hours=1))
    case(unit, core_issue="today", due=timedelta(hours=8))
    case(unit, core_issue="later", due=timedelta(hours=12))
    case(unit, core_issue="paused", due=timedelta(hours=1), paused=True)
    case(unit, core_issue="waits", due=timedelta(days=9), status=Status.WAITING_CUSTOMER)
    case(unit, core_issue="waits long", due=timedelta(hours=-3), status=Status.WAITING_CUSTOMER)
    case(unit, core_issue="no clock", due=None)
    case(unit, core_issue="closed", due=None, status=Status.CLOSED, closed_at=AT)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        (["over"], {"over", "waits long"}),
        (["risk"], {"risk"}),
        (["today"], {"today"}),
        (["later"], {"later", "no clock"}),
        (["paused"], {"paused", "waits"}),
        (["over", "risk"], {"over", "waits long", "risk"}),
    ],
)
def test_clock_states(spread, states, wanted):
    assert found("&".join(f"clock={state}" for state in states)) == wanted


def test_every_open_case_is_in_exactly_one_clock_state(spread):
    states = due_states(AT)
    hits = [Case.objects.open().filter(states[key]).count() for key in Due.values]
    assert sum(hits) == Case.objects.open().count() == 8


def test_only_open_cases_unless_asked(spread):
    assert "closed" not in found()
    assert found("state=ended") == {"closed"}
    assert found("status=closed") == {"closed"}
    assert len(found("state=all")) == 9


def test_codes_tiers_and_numbers(unit):
    other = DepartmentFactory.create(code="LOAN")
    core = CustomerFactory.create(tier="core")
    case(unit, core_issue="a", customer=core, severity=4, repeat_count=2)
    case(other, core_issue="b", type=term("feedback_type", "SUG"))
    case(other, core_issue="c", intake_channel=term("intake_channel", "WEB"))
    assert found("department=CARD") == {"a"}
    assert found("department=CARD&department=LOAN") == {"a", "b", "c"}
    assert found("tier=core") == found("severity=4") == found("repeat=1") == {"a"}
    assert found("type=SUG") == {"b"}
    assert found("channel=WEB") == {"c"}
    assert found(f"customer={core.number}") == {"a"}


def test_the_desk_and_handlers(unit):
    me = AccountFactory.create(roles=["CO"], person=PersonFactory.create(department=unit))
    case(unit, core_issue="handled", handler=me.person)
    case(unit, core_issue="accepted", officer=me.person)
    case(unit, core_issue="nobody's")
    scope = scope_of(me, at=AT)
    assert found("mine=1", scope) == {"handled", "accepted"}
    assert found("handler=me", scope) == {"handled"}
    assert found("handler=none", scope) == {"accepted", "nobody's"}
    assert found(f"handler={me.person.staff_no}", scope) == {"handled"}


def test_who_supervises_has_the_untaken_cases_of_the_unit_on_the_desk(unit):
    head = AccountFactory.create(roles=["HD"], person=PersonFactory.create(department=unit))
    case(unit, core_issue="untaken")
    case(unit, core_issue="taken", handler=PersonFactory.create(department=unit))
    case(DepartmentFactory.create(), core_issue="elsewhere")
    assert found("mine=1", scope_of(head, at=AT)) == {"untaken"}


def test_scope_comes_first_for_rows_choices_and_counts(unit):
    other = DepartmentFactory.create(code="LOAN")
    case(unit, core_issue="ours")
    case(other, core_issue="theirs")
    handler = AccountFactory.create(roles=["DH"], person=PersonFactory.create(department=unit))
    scope = scope_of(handler, at=AT)
    assert found("", scope) == {"ours"}
    assert found("department=LOAN", scope) == set()
    assert found("q=theirs", scope) == set()
    seen = filters("state=all", scope)
    assert [named.code for named in seen.named["department"]] == ["CARD"]
    assert facets.figures_of(seen).counts["department"] == {"CARD": 1}


@pytest.mark.parametrize(
    "query",
    [
        "clock=nonsense",
        "clock=%00",
        "severity=99999999999999999999",
        "severity=x",
        "state=%ff",
        "tier=core'--",
        "sort=%00&page=%00",
        "status=",
        "q=%00%01",
        "q=%E2%80%AE",
        "&".join(["clock=x"] * 500),
    ],
)
def test_values_that_make_no_sense_are_left_out(spread, query):
    assert found(query) == found()


@pytest.mark.parametrize(
    "query",
    ["department=NOPE", "department=%00", "type=%27", "channel=" + "x" * 5000, "handler=%00",
     "customer=%00", "q=%22%27%3B--", "q=" + "9" * 40, "q=" + "%F0%9F%98%80" * 50],
)  # fmt: skip
def test_codes_that_nobody_has_match_nothing(spread, query):
    assert found(query) == set()


def test_finding_by_number_tail_telephone_and_words(unit):
    row = case(unit, number="C-2026-0000428", core_issue="信用卡年费重复扣收",
               contact_phone="13812342107", contact_name="周海明")  # fmt: skip
    case(unit, number="C-2026-0000900", core_issue="other")
    indexing.put(Case.objects.select_related("customer"))
    wanted = {row.core_issue}
    for text in ("C-2026-0000428", "c-2026-428", "2026-0000428", "428", "0428", "2107",
                 "138 1234 2107", "年费", "周海明", "Ｃ-２０２６-０００0428"):  # fmt: skip
        assert found(f"q={text}") == wanted, text
    assert found("q=0429") == set()


def test_finding_reaches_finished_cases_too(unit):
    case(unit, number="C-2026-0000007", core_issue="old", status=Status.CLOSED, closed_at=AT)
    assert found("q=7") == {"old"}


def test_facets_count_with_the_other_filters_applied(unit):
    case(unit, due=timedelta(hours=-1), customer=CustomerFactory.create(tier="core"))
    case(unit, due=timedelta(hours=-1), customer=CustomerFactory.create(tier="key"))
    case(unit, due=timedelta(days=3), customer=CustomerFactory.create(tier="key"))
    counted = facets.figures_of(filters("tier=key&clock=over")).counts
    assert counted["tier"] == {"core": 1, "key": 1}
    assert counted["clock"] == {"over": 1, "later": 1}


def test_beyond_the_cap_there_are_no_figures(unit, monkeypatch):
    many(unit, 12)
    monkeypatch.setattr(listing, "MANY", 10)
    monkeypatch.setattr(facets, "MANY", 10)
    assert facets.figures_of(filters()).counts["status"] is None
    assert listing.capped_count(filters().qs) is None
    monkeypatch.setattr(facets, "MANY", 12)
    monkeypatch.setattr(listing, "MANY", 12)
    assert facets.figures_of(filters()).counts["status"] == {"received": 12}
    assert listing.capped_count(filters().qs) == 12


def test_applied_filters_in_words_each_with_the_address_without_it(unit):
    data = QueryDict("clock=over&clock=risk&handler=none&department=CARD&page=x")
    found = facets.applied(CaseFilters(data, Case.objects.all(), WHOLE_BANK, AT), data)
    assert [(str(item.title), item.value) for item in found] == [
        ("Clock", "Overdue, At risk"),
        ("Department", unit.name_en),
        ("Handler", "nobody"),
    ]
    assert found[0].without == "?handler=none&department=CARD"


def test_typed_text_is_tidied():
    assert tidy("  a\x00b\n c  " + "x" * 500) == "a b c " + "x" * 74
