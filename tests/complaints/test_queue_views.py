"""Views of the queue: what is open, what differs from it, columns, density, tags, handlers, all."""

import re

import pytest
from django.utils import timezone

from complaints import default_views, facets, looks
from complaints.filters import CaseFilters
from complaints.models import Case, CaseTag
from config.kernel import preferences
from config.kernel.models import SavedView
from config.shared import listing
from config.shared.scope import WHOLE_BANK
from tests.complaints.queue_data import AT, case, many, signed_in, term
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def unit():
    return DepartmentFactory.create(code="CARD")


@pytest.fixture
def me(client):
    default_views.load(None, None)
    return signed_in(client, "CO")


def page(client, query="", **headers):
    return client.get(f"/cases/?{query}", headers=headers).content.decode()


def heads(text):
    found = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', text)
    return [word.strip() for word in found]


def own(client, name="Mine", query="tier=core"):
    client.post("/cases/views/new/", {"name": name, "query": query})
    return SavedView.objects.get(name_en=name)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("view=attention&clock=over&clock=risk&clock=today", None),
        ("view=attention&clock=today&clock=over&clock=risk&state=open&sort=clock", None),
        ("view=attention&clock=over&clock=risk&clock=today&q=fee", None),
        ("view=attention&clock=over", "filters"),
        ("view=attention&clock=over&clock=risk&clock=today&tier=core", "filters"),
        ("view=attention&clock=over&clock=risk&clock=today&sort=severity", "order"),
        ("view=attention&clock=over&clock=risk&clock=today&col=amount", "columns"),
        ("view=attention&clock=over&sort=number&col=amount", "filters, order, columns"),
        ("clock=over", None),
        ("view=nonsense&clock=over", None),
    ],
)
def test_what_differs_from_the_open_view_is_said_beside_the_tabs(client, me, query, told):
    text = page(client, query)
    found = re.search(r"Changed:</?[^>]*>? ?([^<]+)<|Changed: ([^<]+)</span>", text)
    assert (found and (found[2] or found[1]).strip()) == told
    if told:
        assert "Save as new" in text
        assert "Save for all" not in text  # the bank's view is not the officer's to change
        piece = page(client, query, **HTMX)
        assert 'id="view-state" hx-swap-oob="true"' in piece


def test_an_own_view_is_replaced_by_what_stands_there(client, me, unit):
    view = own(client)
    changed = f"view=v{view.pk}&tier=key&sort=severity&col=amount&col=type"
    assert "Save to view" in page(client, changed)
    answer = client.post(f"/cases/views/{view.pk}/save/", {"query": changed})
    view.refresh_from_db()
    assert (view.query, view.columns) == (
        "tier=key&sort=severity",
        ["clock", "case", "amount", "type"],
    )
    case(unit)
    text = client.get(answer.url).content.decode()
    assert "Changed:" not in text
    assert 'name="col" value="amount" checked' in text


def test_discarding_goes_back_to_the_view(client, me):
    view = own(client)
    looks.set_density(_scope(me), f"v{view.pk}", compact=True)
    state = f"view=v{view.pk}&tier=key"
    assert "Changed: filters, density" in page(client, state).replace("  ", " ")
    answer = client.post("/cases/look/", {"act": "discard", "query": state})
    assert answer.url == f"/cases/?view=v{view.pk}&tier=core"
    assert "Changed:" not in client.get(answer.url).content.decode()


def _scope(account):
    from staff.roles import scope_of

    return scope_of(account, at=timezone.now())


def test_nobody_touches_a_view_that_is_not_theirs(client, me):
    banks = SavedView.objects.get(code="attention")
    theirs = SavedView.objects.create(
        list_key="cases", person_id=10**9, name_en="t", name_zh="t", query=""
    )
    for view in (banks, theirs):
        for act in ("save", "edit", "move"):
            url = f"/cases/views/{view.pk}/{act}/"
            assert client.post(url, {"name": "x", "query": "tier=key"}).status_code == 404
        client.post(f"/cases/views/{view.pk}/drop/")
        assert SavedView.objects.filter(pk=view.pk, query=view.query).exists()


def test_a_supervisor_shares_a_view_with_a_role_which_opens_with_it(client):
    default_views.load(None, None)
    signed_in(client, "CS")
    form = client.get("/cases/views/new/?tier=core").content.decode()
    assert "Who sees it" in form
    data = {"name": "Core", "name_zh": "核心", "role": "CO", "opens": "on", "query": "tier=core"}
    client.post("/cases/views/new/", data)
    view = SavedView.objects.get(name_en="Core")
    assert (view.role, view.opens, view.person_id) == ("CO", True, None)
    refused = client.post("/cases/views/new/", data | {"query": "q=周海明", "name": "Hers"})
    assert refused.status_code == 422
    assert "others would read the name" in refused.content.decode()
    signed_in(client, "CO")
    assert "Who sees it" not in client.get("/cases/views/new/").content.decode()
    client.post("/cases/views/new/", {"name": "Sly", "role": "CS", "query": "tier=key"})
    assert SavedView.objects.get(name_en="Sly").person_id is not None
    text = page(client)
    assert f'?view=v{view.pk}&amp;tier=core" aria-current="page"' in text
    client.cookies["huiyin_language"] = "zh-hans"
    assert ">核心 " in page(client)


def test_views_are_renamed_moved_and_deleted_on_their_page(client, me):
    one, two = own(client, "One"), own(client, "Two", "tier=key")
    assert "One" in client.get("/cases/views/").content.decode()
    client.post(f"/cases/views/{one.pk}/edit/", {"name": "First", "opens": "on"})
    client.post(f"/cases/views/{two.pk}/move/", {"way": "up"})
    text = client.get("/cases/views/").content.decode()
    assert text.index("Two") < text.index("First")
    assert "The list opens with it" in text
    assert f'?view=v{one.pk}&amp;tier=core" aria-current="page"' in page(client)
    client.post(f"/cases/views/{two.pk}/drop/")
    assert not SavedView.objects.filter(pk=two.pk).exists()


@pytest.mark.parametrize(("role", "status"), [("CO", 200), ("CS", 200), ("AD", 200), ("HR", 403)])
def test_who_arranges_views(client, role, status):
    signed_in(client, role)
    assert client.get("/cases/views/").status_code == status


def test_columns_stand_in_the_order_asked_for_behind_the_locked_ones(client, me, unit):
    case(unit)
    text = page(client, "state=open&col=updated&col=status&col=clock&col=nonsense")
    assert heads(text) == ["Clock", "Case", "Updated", "Status"]
    moved = page(client, "state=open&col=updated&col=status&move=status:up")
    assert heads(moved) == ["Clock", "Case", "Status", "Updated"]
    assert heads(page(client, "state=open&col=clock")) == ["Clock", "Case"]
    assert heads(page(client, "state=open&col=status&move=status:down&move=x")) == [
        "Clock", "Case", "Status",
    ]  # fmt: skip


def test_columns_for_me_alone_hold_for_that_view_only(client, me, unit):
    case(unit)
    client.post("/cases/look/", {"act": "columns", "query": "view=all&state=all&col=amount"})
    assert heads(page(client, "view=all&state=all")) == ["Clock", "Case", "Amount in dispute"]
    assert "Changed:" not in page(client, "view=all&state=all")
    assert "Customer" in heads(page(client, "state=all"))
    signed_in(client, "CO")
    assert "Customer" in heads(page(client, "view=all&state=all"))
    client.force_login(me, backend="staff.accounts.AccountBackend")
    client.post("/cases/look/", {"act": "default", "query": "view=all&state=all"})
    assert "Customer" in heads(page(client, "view=all&state=all"))


def test_density_is_the_persons_and_a_view_keeps_its_own(client, me, unit):
    case(unit)
    rows = client.post(
        "/cases/look/", {"act": "density", "compact": "1", "query": "state=open"}, headers=HTMX
    ).content.decode()
    assert "is-compact" in rows
    assert heads(rows)[:3] == ["Clock", "Number", "Case"]
    assert "is-compact" in page(client, "view=all&state=all")
    view = own(client, "Dense", "view=all&state=all")
    assert view.compact
    client.post("/cases/look/", {"act": "density", "compact": "0", "query": "state=open"})
    assert "is-compact" not in page(client, "state=open")
    assert "is-compact" in page(client, f"view=v{view.pk}&state=all")
    assert "number" not in (view.columns or [])


def test_preferences_of_many_views_do_not_grow_without_end(client, me):
    scope = _scope(me)
    for n in range(looks.MOST_VIEWS + 5):
        looks.set_columns(scope, f"v{n}", ["amount"])
    kept = preferences.read(me.person_id, looks.KEY)["views"]
    assert len(kept) == looks.MOST_VIEWS
    assert "v0" not in kept


@pytest.mark.parametrize("act", ["density", "columns", "default", "discard", "", "nonsense"])
@pytest.mark.parametrize("query", ["", "view=%00&col=%00", "view=" + "x" * 3000, "=&&=", "page=x"])
def test_no_look_breaks_the_page(client, me, act, query):
    answer = client.post("/cases/look/", {"act": act, "query": query, "compact": "x"})
    assert answer.status_code == 302
    assert client.get(answer.url).status_code == 200


def test_looks_are_for_readers_of_cases(client):
    signed_in(client, "HR")
    for url in ("/cases/look/", "/cases/views/1/save/"):
        assert client.post(url, {"act": "density"}).status_code == 403


def test_the_address_is_added_once_and_typing_replaces_it(client, me, unit):
    def told(query, at):
        headers = {**HTMX, "HX-Current-URL": f"http://testserver/cases/?{at}"}
        answer = client.get(f"/cases/?{query}", headers=headers)
        return [key for key in ("HX-Push-Url", "HX-Replace-Url") if key in answer]

    assert told("state=all", "state=all") == []
    assert told("state=all&tier=core", "state=all") == ["HX-Push-Url"]
    assert told("state=all&q=fe", "state=all&q=f") == ["HX-Replace-Url"]


# -- facets --------------------------------------------------------------------


def filters(query="", scope=WHOLE_BANK):
    from django.http import QueryDict

    return CaseFilters(QueryDict(query), Case.objects.visible_to(scope), scope, AT)


def test_marks_are_found_and_counted(unit):
    case(unit, core_issue="calm")
    case(unit, core_issue="chased", chase_count=2)
    case(unit, core_issue="was upset", emotion=4, emotion_now=1)
    case(unit, core_issue="upset", emotion=1, emotion_now=3, media_risk=True)
    case(unit, core_issue="angry", emotion=5, vulnerable=True, repeat_count=1)
    case(unit, core_issue="grave", regulatory_major=True)

    def found(*marks):
        query = "&".join(f"mark={mark}" for mark in marks)
        return {row.core_issue for row in filters(query).qs}

    assert found("chased") == {"chased"}
    assert found("upset") == {"upset", "angry"}
    assert found("media", "major") == {"upset", "grave"}
    assert found("vulnerable") == found("repeat") == {"angry"}
    assert found("nonsense") == {"calm", "chased", "was upset", "upset", "angry", "grave"}
    counted = facets.figures_of(filters("mark=chased")).counts["mark"]
    assert counted == {
        "chased": 1, "upset": 2, "media": 1, "vulnerable": 1, "repeat": 1, "major": 1
    }  # fmt: skip


def test_tags_are_found_counted_and_retired_ones_no_longer_offered(client, unit):
    fraud, old = term("tag", "fraud"), term("tag", "old")
    one, two = case(unit), case(unit)
    for row, tag in ((one, fraud), (two, fraud), (two, old)):
        CaseTag.objects.create(case=row, term=tag, at=AT)
    assert facets.figures_of(filters()).counts["tag"] == {"fraud": 2, "old": 1}
    assert [row.pk for row in filters("tag=old").qs] == [two.pk]
    assert list(filters("tag=nonsense").qs) == []
    type(old).objects.filter(pk=old.pk).update(active=False)
    signed_in(client, "CO")
    text = page(client, "state=open")
    assert 'id="f-tag-fraud"' in text
    assert 'id="f-tag-old"' not in text
    assert 'id="f-tag-old" checked' in page(client, "state=open&tag=old")


def test_the_busiest_handlers_come_with_their_figures(client, unit, monkeypatch):
    me = signed_in(client, "CO")
    monkeypatch.setattr(facets, "MOST_HANDLERS", 2)
    busy, less, least = (PersonFactory.create(department=unit, name_en=n) for n in "BCA")
    for person, n in ((busy, 3), (less, 2), (least, 1), (me.person, 2), (None, 4)):
        many(unit, n, handler=person)
    found = facets.figures_of(filters("state=all", _scope(me)))
    counts, shown = found.counts["handler"], found.busiest
    assert (counts["none"], counts["me"], counts[busy.staff_no]) == (4, 2, 3)
    assert [(one.named.code, one.n) for one in shown] == [(busy.staff_no, 3), (less.staff_no, 2)]
    text = client.get("/cases/facets/?state=all", headers=HTMX).content.decode()
    assert f'name="handler" value="{busy.staff_no}"' in text
    assert 'id="n-handler-none" hx-swap-oob="true">4<' in text
    ticked = page(client, f"state=all&handler={least.staff_no}")
    assert f'id="f-handler-{least.staff_no}" checked' in ticked
    assert "<b>A</b>" in ticked  # the chip says the name


def test_beyond_what_is_counted_there_are_no_figures(unit, monkeypatch):
    monkeypatch.setattr(facets, "MANY", 3)
    monkeypatch.setattr(listing, "MANY", 3)
    tag = term("tag", "fraud")
    rows = many(unit, 5)
    CaseTag.objects.create(case=rows[0], term=tag, at=AT)
    counted = facets.figures_of(filters("state=all")).counts
    assert (counted["tag"], counted["mark"]) == (None, None)
    assert counted["handler"] is None
    assert facets.figures_of(filters("state=all")).busiest == []


# -- all that match --------------------------------------------------------------


def test_all_that_match_is_offered_with_their_number(client, me, unit):
    many(unit, 60)
    text = page(client, "state=all&tier=core&state=all")
    assert "data-more" not in text
    text = page(client, "view=all&state=all")
    assert 'id="bulk"' in text
    assert " data-more>" in text
    assert '<input type="hidden" name="query" value="view=all&amp;state=all">' in text
    assert 'type="checkbox" name="all" value="1"' in text
    figures = client.get("/cases/facets/?state=all", headers=HTMX).content.decode()
    assert 'data-n="60">Select all 60 that match<' in figures
    assert 'name="seen" value="60"' in figures


def test_the_number_of_all_is_exact_up_to_what_is_counted(client, me, unit, monkeypatch):
    monkeypatch.setattr(facets, "MANY", 9)
    many(unit, 10)
    figures = client.get("/cases/facets/?state=all", headers=HTMX).content.decode()
    assert "Select all 10,000+ that match" in figures
    assert 'name="seen" value="10000+"' in figures


def test_another_account_has_other_looks():
    a, b = AccountFactory.create(roles=["CO"]), AccountFactory.create(roles=["CO"])
    looks.set_density(_scope(a), "", compact=True)
    assert looks.own(_scope(a)).compact
    assert not looks.own(_scope(b)).compact
