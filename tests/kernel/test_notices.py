from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils.translation import gettext_lazy as _

from config.kernel import notices, saved
from config.kernel.models import Draft, Notice, SavedView
from config.kernel.notices import Telling
from config.shared.scope import WHOLE_BANK, Reach, Scope

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def telling(key="a", person=7, **more):
    return Telling(key, person, "case.due", about="case:C-1", **more)


def test_a_notice_is_written_once_per_key():
    assert notices.tell([telling(), telling(), telling("b")], at=AT) == 2
    assert notices.tell([telling(), telling("c")], at=AT) == 1
    assert Notice.objects.count() == 3


def test_many_notices_cost_few_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        notices.tell([telling(f"k{n}") for n in range(100)], at=AT)


def test_what_needs_an_act_is_counted_until_the_thing_is_done():
    notices.tell([telling(needs_action=True), telling("b"), telling("c", person=8)], at=AT)
    assert notices.counts(7) == notices.Counts(unread=2, waiting=1)
    notices.read(Notice.objects.filter(person_id=7), at=AT)
    assert notices.counts(7) == notices.Counts(unread=0, waiting=1)
    assert notices.done(about="case:C-1", kinds=["other"], at=AT) == 0
    assert notices.done(about="case:C-1", kinds=["case.due"], at=AT) == 1
    assert notices.counts(7) == notices.Counts(unread=0, waiting=0)


def test_a_notice_is_worded_by_its_kind_and_a_missing_fact_is_a_dash(monkeypatch):
    kind = notices.NoticeKind(
        "case.due", _("%(number)s is due at %(due)s"), "clock", lambda notice: f"/{notice.about}/"
    )
    monkeypatch.setattr(notices, "contributed", lambda _kind: {"case.due": kind})
    notices.tell([telling(facts={"number": "C-1"})], at=AT)
    notice = Notice.objects.get()
    assert notices.title(notice) == "C-1 is due at –"
    assert notices.link(notice) == "/case:C-1/"
    notice.kind = "gone"
    assert (notices.title(notice), notices.link(notice)) == ("gone", "")


def test_a_notice_is_never_read_over_a_shoulder():
    notices.tell([telling(), telling("b", person=8)], at=AT)
    chief = Scope(member=9, reach={("notices", "view"): Reach.ALL})
    mine = Scope(member=7, reach={("notices", "view"): Reach.OWN})
    assert Notice.objects.visible_to(chief).count() == 0
    assert Notice.objects.visible_to(mine).get().person_id == 7
    assert Notice.objects.visible_to(Scope(member=7)).count() == 0
    assert Notice.objects.visible_to(WHOLE_BANK).count() == 2


def test_a_draft_is_kept_encrypted_and_belongs_to_its_person():
    saved.save_draft(7, "case:new", {"text": "王小明 complained"}, at=AT)
    saved.save_draft(7, "case:new", {"text": "王小明 complained twice"}, at=AT)
    assert saved.load_draft(7, "case:new") == {"text": "王小明 complained twice"}
    assert saved.load_draft(8, "case:new") is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM kernel_draft")
        assert "王小明" not in str(cursor.fetchall())
    saved.drop_draft(7, "case:new")
    assert saved.load_draft(7, "case:new") is None


def test_a_draft_has_a_size_and_an_age():
    with pytest.raises(saved.NotSaved):
        saved.save_draft(7, "case:new", {"text": "x" * 300_000}, at=AT)
    saved.save_draft(7, "old", {}, at=AT - timedelta(days=31))
    saved.save_draft(7, "young", {}, at=AT)
    assert saved.drop_old_drafts(AT) == 1
    assert Draft.objects.get().key == "young"


def test_views_are_the_banks_those_of_the_roles_and_the_own_ones():
    for code, role in [("all", ""), ("mine", "CO"), ("boss", "CS")]:
        SavedView.objects.create(
            list_key="cases", code=code, role=role, name_en=code, name_zh="视图", query=""
        )
    saved.save_view("cases", "Angry", "emotion=4", person_id=7)
    saved.save_view("cases", "Theirs", "", person_id=8)
    scope = Scope(member=7, roles=frozenset({"CO"}))
    assert [view.name_en for view in saved.views("cases", scope)] == ["all", "mine", "Angry"]


def test_a_view_of_the_same_name_is_replaced_and_only_its_owner_drops_it():
    first = saved.save_view("cases", "Angry", "emotion=4", person_id=7)
    second = saved.save_view("cases", "Angry", "emotion=5", person_id=7, columns=["number"])
    assert (first.pk, second.query, second.columns) == (second.pk, "emotion=5", ["number"])
    assert not saved.drop_view(first.pk, person_id=8)
    assert saved.drop_view(first.pk, person_id=7)


def test_nobody_saves_views_without_end():
    for n in range(saved.MOST_VIEWS):
        saved.save_view("cases", f"v{n}", "", person_id=7)
    with pytest.raises(saved.NotSaved):
        saved.save_view("cases", "one more", "", person_id=7)
    with pytest.raises(saved.NotSaved):
        saved.save_view("cases", "v1", "q" * 1001, person_id=7)
