"""The page of group robots: who may, what is never shown, stale forms."""

import pytest

from config.kernel.models import GroupRobot, JournalEntry, OutboxMessage
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db
WEBHOOK = "https://oapi.dingtalk.com/robot/send?access_token=zzcanary1"
SECRET = "SECzzcanary2"


@pytest.fixture
def admin(client):
    client.force_login(AccountFactory.create(roles=["admin"]))
    return client


def post(client, url="/robots/new/", **given):
    values = {
        "version": 0,
        "kind": "dingtalk",
        "name": "Cards",
        "department": "",
        "language": "zh-hans",
        "kinds": ["case.assigned", "case.returned"],
        "webhook": WEBHOOK,
        "secret": SECRET,
    }
    return client.post(url, {**values, **given})


def test_a_robot_is_added_shown_without_its_secrets_and_tried(admin):
    assert post(admin).status_code == 302
    robot = GroupRobot.objects.get()
    assert (robot.webhook, robot.secret, robot.active) == (WEBHOOK, SECRET, True)
    for url in ("/robots/", f"/robots/{robot.pk}/"):
        page = admin.get(url).content.decode()
        assert "Cards" in page
        assert "zzcanary" not in page
    assert admin.post(f"/robots/{robot.pk}/test/").status_code == 302
    assert OutboxMessage.objects.get().to == f"robot:{robot.pk}"
    assert "Test message to a group chat" in admin.get("/outbox/?tab=waiting").content.decode()
    bodies = "".join(JournalEntry.objects.values_list("body", flat=True))
    assert "zzcanary" not in bodies


def test_a_bad_address_is_said_at_its_field_and_nothing_typed_is_lost(admin):
    answer = post(admin, webhook="https://evil.example/robot/send?access_token=x")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "not on the list of allowed hosts" in page
    assert 'value="Cards"' in page
    assert post(admin, secret="").status_code == 422
    assert post(admin, kind="other").status_code == 422
    assert not GroupRobot.objects.exists()


def test_of_two_forms_the_slower_is_told(admin):
    post(admin)
    robot = GroupRobot.objects.get()
    url = f"/robots/{robot.pk}/"
    changed = {"webhook": "", "secret": ""}
    assert post(admin, url, version=1, name="First", **changed).status_code == 302
    answer = post(admin, url, version=1, name="Second", **changed)
    assert answer.status_code == 409
    assert 'value="Second"' in answer.content.decode()
    assert GroupRobot.objects.get().name == "First"
    admin.post(f"{url}switch/", {"version": 1, "on": "0"})
    assert GroupRobot.objects.get().active
    admin.post(f"{url}switch/", {"version": 2, "on": "0"})
    assert not GroupRobot.objects.get().active


@pytest.mark.parametrize(("role", "look", "edit"), [("auditor", 200, 403), ("officer", 403, 403)])
def test_others_look_or_stay_out(client, role, look, edit):
    client.force_login(AccountFactory.create(roles=[role]))
    assert client.get("/robots/").status_code == look
    assert client.get("/robots/new/").status_code == edit
    assert client.post("/robots/1/test/").status_code == edit
    assert client.post("/robots/1/switch/").status_code == edit


def test_a_robot_that_is_not_there_is_404(admin):
    assert admin.get("/robots/999/").status_code == 404
    assert admin.post("/robots/999/switch/", {"version": "x"}).status_code == 404
