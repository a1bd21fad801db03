"""Saved views: own, shared with a role, what opens a list, the order, erasing; preferences."""

import pytest

from config.kernel import journal, preferences, saved
from config.kernel.models import SavedView
from config.shared.actors import Actor
from config.shared.scope import Scope
from tests.complaints.queue_data import AT

pytestmark = pytest.mark.django_db
BOSS = Actor("person", 9, "Boss")
OFFICER = Scope(member=7, roles=frozenset({"CO"}))


def share(name, role="CO", query="tier=core", **label):
    return saved.share(
        "cases", saved.Label(name, role=role, **label), saved.Look(query), actor=BOSS, at=AT
    )


def names(scope=OFFICER):
    return [view.name_en for view in saved.views("cases", scope)]


def test_a_view_shared_with_a_role_is_seen_by_that_role_and_recorded_without_words():
    view = share("Core first", name_zh="核心优先")
    share("Bosses", role="CS")
    share("All of us", role="")
    assert names() == ["Core first", "All of us"]
    assert (view.owner_id, view.person_id, view.name_zh) == (9, None, "核心优先")
    entry = journal.entries("ledger:views").first()
    assert entry.action == "view.shared"
    assert "Core" not in entry.body
    assert "tier" not in entry.body


def test_sharing_the_same_name_with_the_same_role_replaces_it():
    first = share("Core first")
    second = share("Core first", query="tier=key")
    other = share("Core first", role="CS")
    assert (first.pk, second.query) == (second.pk, "tier=key")
    assert other.pk != first.pk


@pytest.mark.parametrize("query", ["q=王丽", "tier=core&customer=K1", "customer=K1"])
def test_a_view_that_names_somebody_is_never_shared(query):
    with pytest.raises(saved.NotSaved):
        share("Hers", query=query)
    own = saved.keep_own("cases", saved.Label("Hers"), saved.Look(query), person_id=7)
    with pytest.raises(saved.NotSaved):
        saved.change_label(own, saved.Label("Hers", role="CO"), actor=BOSS, at=AT)
    shared = share("Ours")
    with pytest.raises(saved.NotSaved):
        saved.change_look(shared, saved.Look(query), actor=BOSS, at=AT)
    assert SavedView.objects.get(pk=shared.pk).query == "tier=core"


def test_a_list_opens_with_the_own_choice_then_the_roles_then_the_first():
    first = share("First")
    assert saved.opening(saved.views("cases", OFFICER)) == first
    share("Everybody's", role="", opens=True)
    ours = share("Ours", opens=True)
    assert saved.opening(saved.views("cases", OFFICER)).pk == ours.pk
    mine = saved.keep_own("cases", saved.Label("Mine", opens=True), saved.Look(""), person_id=7)
    assert saved.opening(saved.views("cases", OFFICER)).pk == mine.pk
    assert saved.opening([]) is None


def test_only_one_view_opens_a_list_for_the_same_people():
    one = share("One", opens=True)
    two = share("Two", opens=True)
    boss = share("Boss", role="CS", opens=True)
    own = saved.keep_own("cases", saved.Label("Own", opens=True), saved.Look(""), person_id=7)
    opens = dict(SavedView.objects.values_list("pk", "opens"))
    assert opens == {one.pk: False, two.pk: True, boss.pk: True, own.pk: True}


def test_views_move_among_those_of_their_person_or_role():
    for name in ("a", "b", "c"):
        saved.save_view("cases", name, "", person_id=7)
    saved.save_view("cases", "other", "", person_id=8)
    shared = share("shared")
    last = SavedView.objects.get(name_en="c")
    saved.move_view(last, -1)
    assert names() == ["shared", "a", "c", "b"]
    saved.move_view(last, -1)
    saved.move_view(last, -1)
    assert names() == ["shared", "c", "a", "b"]
    saved.move_view(shared, 1)
    assert names() == ["shared", "c", "a", "b"]
    saved.move_view(SavedView.objects.get(name_en="c"), 1)
    assert names() == ["shared", "a", "c", "b"]


def test_views_of_equal_order_move_all_the_same():
    for name in ("a", "b", "c"):
        SavedView.objects.create(
            list_key="cases", person_id=7, name_en=name, name_zh=name, query="", order=4
        )
    saved.move_view(SavedView.objects.get(name_en="a"), 1)
    assert names() == ["b", "a", "c"]


def test_who_may_change_which_view():
    mine = saved.save_view("cases", "mine", "", person_id=7)
    saved.save_view("cases", "theirs", "", person_id=8)
    ours = share("ours")
    plain = saved.changeable("cases", person_id=7, shares=False)
    both = saved.changeable("cases", person_id=7, shares=True)
    assert {view.pk for view in plain} == {mine.pk}
    assert {view.pk for view in both} == {mine.pk, ours.pk}


def test_an_own_view_given_to_a_role_is_shared_and_a_dropped_one_is_recorded():
    view = saved.save_view("cases", "mine", "tier=core", person_id=7)
    saved.change_label(view, saved.Label("Theirs now", role="CO"), actor=BOSS, at=AT)
    assert names(Scope(member=1, roles=frozenset({"CO"}))) == ["Theirs now"]
    saved.drop(view, actor=BOSS, at=AT)
    assert names() == []
    told = [entry.action for entry in journal.entries("ledger:views")]
    assert told == ["view.changed", "view.dropped"]


def test_nobody_shares_views_without_end(monkeypatch):
    monkeypatch.setattr(saved, "MOST_VIEWS", 2)
    share("a")
    share("b")
    share("b")
    share("c", role="CS")
    with pytest.raises(saved.NotSaved):
        share("c")


def test_erasing_reaches_shared_views_that_people_made_but_not_the_banks():
    share("周海明 first")
    SavedView.objects.create(list_key="cases", code="x", name_en="周海明", name_zh="", query="")
    saved.save_view("cases", "q", "q=%E5%91%A8%E6%B5%B7%E6%98%8E", person_id=7)
    assert saved.forget(["周海明"]) == 2
    assert SavedView.objects.get().code == "x"


def test_a_preference_is_kept_replaced_and_dropped_per_person():
    assert preferences.read(7, "cases.looks", {}) == {}
    preferences.write(7, "cases.looks", {"compact": True})
    preferences.write(7, "cases.looks", {"compact": False})
    preferences.write(8, "cases.looks", {"compact": True})
    assert preferences.read(7, "cases.looks") == {"compact": False}
    preferences.drop(7, "cases.looks")
    assert preferences.read(7, "cases.looks") is None
    assert preferences.read(8, "cases.looks") == {"compact": True}
    assert preferences.read(None, "cases.looks", 5) == 5
