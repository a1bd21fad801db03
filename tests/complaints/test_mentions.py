"""Mentions in internal notes: a chip on the page, a notice until opened, never wider access."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import mentions, records
from complaints.choices import WatchedBy
from complaints.mentions import MentionRefused
from complaints.models import CaseExclusion, CaseGrant
from config.kernel import journal
from config.kernel.models import EventWords, Notice, NoticeMail
from tests.factories.complaints import open_case, rows

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def fresh(house, **given):
    return open_case(house, at=now(), department=house.units["CARD"], **given)


def note(house, case, text, by="officer"):
    return records.add_note(rows(case), text, actor=house.actor(by), at=timezone.now())[0]


def told(house, name):
    kept = Notice.objects.filter(person_id=house.pk(name), kind=mentions.MENTIONED)
    return list(kept.order_by("pk"))


def test_the_code_is_kept_and_the_person_told_until_they_open_the_case(client, house):
    case = fresh(house)
    pk = house.pk("depthead")
    entry = note(house, case, f"Please look, @[{pk}].")
    assert EventWords.objects.get(entry=entry).text == f"Please look, @[{pk}]."
    assert journal.facts_of(entry) == {"mentions": [pk]}
    [notice] = told(house, "depthead")
    assert (notice.needs_action, notice.done_at) == (True, None)
    assert NoticeMail.objects.filter(notice=notice).exists()
    enter(client, house, "depthead").post(f"/cases/{case.number}/presence/", headers=HTMX)
    assert told(house, "depthead")[0].done_at is not None
    assert told(house, "depthead")[0].read_at is not None


def test_the_page_shows_a_chip_with_the_name_in_the_readers_language(client, house):
    case = fresh(house)
    person = house.accounts["depthead"].person
    note(house, case, f"@[{person.pk}] <b>look</b>")
    enter(client, house, "officer")
    text = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    assert f"@{person.name_en}</span>" in text
    assert "&lt;b&gt;look" in text
    assert f"@[{person.pk}]" not in text
    client.cookies["huiyin_language"] = "zh-hans"
    text = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    assert f"@{person.name_zh}</span>" in text


@pytest.mark.parametrize("who", ["loan_handler", "compliance", "agent"])
def test_a_mention_gives_nobody_access(client, house, who):
    case = fresh(house)
    with pytest.raises(MentionRefused, match="cannot open this case"):
        note(house, case, f"@[{house.pk(who)}] look")
    assert not CaseGrant.objects.filter(case=case, person=house.pk(who)).exists()
    assert told(house, who) == []
    data = {"text": f"Keep this text. @[{house.pk(who)}]"}
    answer = enter(client, house, "officer").post(
        f"/cases/{case.number}/write/note/", data, headers=HTMX
    )
    assert answer.status_code == 422
    assert "Keep this text." in answer.content.decode()
    assert "cannot open this case" in answer.content.decode()


def test_a_watcher_may_be_mentioned_a_recused_one_not(house):
    case = fresh(house)
    person = house.accounts["loan_handler"].person
    CaseGrant.objects.create(case=case, person=person, watcher=True, why=WatchedBy.PERSON, at=now())
    note(house, case, f"@[{person.pk}] look")
    assert len(told(house, "loan_handler")) == 1
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    with pytest.raises(MentionRefused):
        note(house, case, f"@[{person.pk}] again")


@pytest.mark.parametrize(
    "text", ["@[999999999]", "@[0] x", "@[1]" + "".join(f"@[{n}]" for n in range(2, 40))]
)
def test_odd_mentions_are_refused_in_words(house, text):
    with pytest.raises(MentionRefused):
        note(house, fresh(house), text)


@pytest.mark.parametrize("text", ["a@b.c", "@nobody", "@[x]", "@[-1]", "@[12345678901234]", "[12]"])
def test_what_is_no_mention_stays_text(house, text):
    entry = note(house, fresh(house), text)
    assert journal.facts_of(entry) == {}


def test_oneself_is_not_told(house):
    case = fresh(house)
    note(house, case, f"Reminder for @[{house.pk('officer')}]")
    assert told(house, "officer") == []


def offered(client, case, text):
    answer = client.get(f"/cases/{case.number}/mentions/", {"q": text}, headers=HTMX)
    assert answer.status_code == 200
    return answer.context["candidates"], answer.content.decode()


def test_people_are_offered_by_name_and_number_the_able_first(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    found, text = offered(client, case, "depth")
    assert [(one.person.name_en, one.able) for one in found] == [("Depthead Test", True)]
    assert f'data-value="{house.pk("depthead")}"' in text
    found, _text = offered(client, case, house.accounts["depthead"].person.staff_no)
    assert [one.person.pk for one in found] == [house.pk("depthead")]
    found, _text = offered(client, case, house.accounts["depthead"].person.name_zh)
    assert house.pk("depthead") in [one.person.pk for one in found]
    found, _text = offered(client, case, "")
    assert house.pk("depthead") in [one.person.pk for one in found]  # who has to do with it


def test_who_cannot_open_it_is_shown_to_those_who_may_share_and_not_to_choose(client, house):
    case = fresh(house)
    enter(client, house, "supervisor")
    found, text = offered(client, case, "Loan_handler")
    assert [one.able for one in found] == [False]
    assert f'data-value="{house.pk("loan_handler")}"' not in text
    assert "cannot open this case" in text
    assert [p.able for p in mentions.candidates(case, "Loan_handler", now(), share=False)] == []


def test_a_recused_person_is_never_offered(client, house):
    case = fresh(house)
    person = house.accounts["depthead"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    found, text = offered(enter(client, house, "supervisor"), case, "depth")
    assert found == []
    assert "Depthead" not in text


def test_people_are_looked_up_by_who_may_write_notes_only(client, house):
    case = fresh(house)
    url = f"/cases/{case.number}/mentions/"
    assert enter(client, house, "analyst").get(url).status_code == 403
    assert enter(client, house, "loan_handler").get(url).status_code == 404
    assert enter(client, house, "supervisor").get(url, {"q": "\x00%_'\"<"}).status_code == 200


def test_pieces_join_to_the_text_with_names():
    assert [p.text for p in mentions.pieces("a @[7] b", {})] == ["a ", "–", " b"]
    assert mentions.plain("no mention", {}) == "no mention"
    assert mentions.named("@[3] @[4] @[3]") == [3, 4]
