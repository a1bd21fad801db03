"""Group robots: signing, allowed hosts, number and due time only, a fake service on loopback."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from complaints.models import Case
from config.kernel import journal, notices, outbox, robot_gateway, robots
from config.kernel.models import GroupRobot, Heartbeat, JournalEntry, Notice, OutboxMessage
from config.kernel.notices import Telling
from config.kernel.robots import RobotData, RobotRefused
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, bank, open_case

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECRET = "SEC-of-the-group"
CANARY = "canarybird"
PATHS = {
    "wecom": "/cgi-bin/webhook/send?key=k1",
    "dingtalk": "/robot/send?access_token=t1",
    "feishu": "/open-apis/bot/v2/hook/h1",
}


class Service:
    """What the fake group chat answered and was asked."""

    def __init__(self):
        self.requests, self.answer, self.status, self.headers = [], {"errcode": 0}, 200, {}
        self.host = ""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.fixture
def service(certificate, settings):
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            told.requests.append((self.path, json.loads(self.rfile.read(size))))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(told.answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.host = f"127.0.0.1:{server.server_port}"
    settings.ROBOT_HOSTS = [told.host]
    settings.ROBOT_CA_FILE = str(certificate / "cert.pem")
    yield told
    server.shutdown()
    server.server_close()


def data(service, kind="dingtalk", **given):
    values = {
        "kind": kind,
        "name": f"Robot {kind}",
        "department_id": None,
        "kinds": ["case.assigned"],
        "language": "en",
        "webhook": f"https://{service.host}{PATHS[kind]}",
        "secret": "" if kind == "wecom" else SECRET,
    }
    return RobotData(**{**values, **given})


def add(service, kind="dingtalk", **given):
    return robots.add_robots([data(service, kind, **given)], actor=SYSTEM, at=AT)[0]


def test_each_service_is_signed_as_it_asks(service):
    at = 1_700_000_000.25
    stamp = "1700000000250"
    address, body = robot_gateway.request_of(add(service), "words", at=at)
    query = parse_qs(urlsplit(address).query)
    mac = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert query == {
        "access_token": ["t1"],
        "timestamp": [stamp],
        "sign": [base64.b64encode(mac).decode()],
    }
    assert "+" not in urlsplit(address).query  # percent-encoded
    assert body == {"msgtype": "text", "text": {"content": "words"}}
    address, body = robot_gateway.request_of(add(service, "feishu"), "words", at=at)
    mac = hmac.new(f"1700000000\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert urlsplit(address).query == ""
    assert body == {
        "msg_type": "text",
        "content": {"text": "words"},
        "timestamp": "1700000000",
        "sign": base64.b64encode(mac).decode(),
    }
    address, body = robot_gateway.request_of(add(service, "wecom"), "words", at=at)
    assert address.endswith("/cgi-bin/webhook/send?key=k1")
    assert body == {"msgtype": "text", "text": {"content": "words"}}


@pytest.mark.parametrize(
    "webhook",
    [
        "http://oapi.dingtalk.com/robot/send?access_token=t",
        "https://evil.example/robot/send?access_token=t",
        "https://oapi.dingtalk.com@evil.example/robot/send?access_token=t",
        "https://oapi.dingtalk.com.evil.example/robot/send?access_token=t",
        "https://oapi.dingtalk.com:8443/robot/send?access_token=t",
        "https://user:x@oapi.dingtalk.com/robot/send?access_token=t",
        "https://169.254.169.254/robot/send?access_token=t",
        "https://oapi.dingtalk.com/other?access_token=t",
        "https://oapi.dingtalk.com/robot/send",
        "https://oapi.dingtalk.com/robot/send?access_token=t#x",
        "https://oapi.dingtalk.com/robot/send?access_token=t\r\nHost: x",
        "https://[::1/robot/send?access_token=t",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_of_an_allowed_host_is_refused(webhook):
    assert robot_gateway.wrong_address("dingtalk", webhook)
    row = RobotData("dingtalk", "R", None, [], "en", webhook, SECRET)
    with pytest.raises(RobotRefused) as refused:
        robots.add_robots([row], actor=SYSTEM, at=AT)
    assert refused.value.code == "webhook"
    assert not GroupRobot.objects.exists()


def test_the_documented_addresses_are_taken():
    good = {
        "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x",
        "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=x",
        "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/x",
    }
    assert {robot_gateway.wrong_address(kind, url) for kind, url in good.items()} == {""}


def deliver_one(service, **given):
    robot = add(service, **given)
    robots.try_robots(GroupRobot.objects.filter(pk=robot.pk), actor=SYSTEM, at=AT)
    outbox.deliver(AT)
    return OutboxMessage.objects.get()


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_a_test_message_reaches_the_group_chat(service, kind):
    service.answer = {"code": 0, "msg": "success"} if kind == "feishu" else {"errcode": 0}
    message = deliver_one(service, kind=kind)
    assert (message.state, message.to, message.last_error) == (
        "sent",
        f"robot:{GroupRobot.objects.get().pk}",
        "",
    )
    [(path, body)] = service.requests
    assert path.startswith(PATHS[kind].partition("?")[0])
    assert "No case is concerned" in json.dumps(body)
    entry = JournalEntry.objects.filter(action="robot.tried").get()
    assert SECRET not in entry.body
    assert "t1" not in journal.describe(entry)


@pytest.mark.parametrize(
    ("kind", "answer", "error", "state"),
    [
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, "sign refused", "failed"),
        ("dingtalk", {"errcode": 130101}, "too many", "retrying"),
        ("wecom", {"errcode": 93000}, "unknown address", "failed"),
        ("wecom", {"errcode": 45009}, "too many", "retrying"),
        ("feishu", {"code": 19021}, "sign refused", "failed"),
        ("feishu", {"code": 19024}, "word missing", "failed"),
        ("feishu", {"code": 11232}, "too many", "retrying"),
        ("wecom", {"errcode": 40058}, "wecom 40058", "retrying"),
        ("wecom", ["odd"], "no answer understood", "retrying"),
    ],
)
def test_a_refusal_of_the_service_is_said_and_tried_again_where_it_helps(
    service, kind, answer, error, state
):
    service.answer = answer
    message = deliver_one(service, kind=kind)
    assert (message.last_error, message.state) == (error, state)


def test_no_redirect_is_followed(service):
    service.status, service.headers = 302, {"Location": f"https://{service.host}/robot/send"}
    message = deliver_one(service)
    assert (message.state, message.last_error, len(service.requests)) == ("retrying", "HTTP 302", 1)


def test_a_certificate_that_is_not_trusted_stops_the_message(service, settings):
    settings.ROBOT_CA_FILE = ""
    message = deliver_one(service)
    assert (message.state, service.requests) == ("retrying", [])
    assert "SSL" in message.last_error


def test_a_host_that_was_taken_off_the_list_is_not_called(service, settings):
    robot = add(service)
    robots.try_robots(GroupRobot.objects.all(), actor=SYSTEM, at=AT)
    settings.ROBOT_HOSTS = ["oapi.dingtalk.com"]
    outbox.deliver(AT)
    message = OutboxMessage.objects.get()
    assert (message.state, message.last_error, service.requests) == ("failed", "host", [])
    assert robot.webhook not in message.text


def test_a_robot_that_was_switched_off_hears_nothing_more(service):
    robot = add(service)
    mine = GroupRobot.objects.filter(pk=robot.pk)
    robots.try_robots(mine, actor=SYSTEM, at=AT)
    robots.switch_robots(mine, active=False, actor=SYSTEM, at=AT, expected={robot.pk: 1})
    outbox.deliver(AT)
    assert (OutboxMessage.objects.get().last_error, service.requests) == ("robot gone", [])
    with pytest.raises(RobotRefused) as stale:
        robots.switch_robots(mine, active=True, actor=SYSTEM, at=AT, expected={robot.pk: 1})
    assert stale.value.code == "stale"


def test_a_new_address_needs_its_secret_again_and_an_empty_one_keeps_both(service):
    robot = add(service)
    mine = GroupRobot.objects.filter(pk=robot.pk)
    kept = data(service, webhook="", secret="", name="Renamed")
    robots.change_robots(mine, kept, actor=SYSTEM, at=AT, expected={robot.pk: 1})
    stored = mine.get()
    assert (stored.name, stored.secret, stored.version) == ("Renamed", SECRET, 2)
    with pytest.raises(RobotRefused) as refused:
        robots.change_robots(
            mine, data(service, secret=""), actor=SYSTEM, at=AT, expected={robot.pk: 2}
        )
    assert refused.value.code == "secret"


# --- Which notices leave --------------------------------------------------------------------


def tell(case, kind="case.assigned", n=1, at=AT):
    tellings = [
        Telling(f"{kind}:{case.number}:{at:%H%M%S}:{i}", i, kind, case.about, {"number": CANARY})
        for i in range(1, n + 1)
    ]
    notices.tell(tellings, at=at)


def sent():
    return list(OutboxMessage.objects.filter(kind=robots.LINES).order_by("pk"))


@pytest.fixture
def house(service):
    house = bank()
    add(service)
    robots.send_lines(AT)  # the first run only sets the mark
    return house


def test_only_number_and_due_time_leave(house):
    case = open_case(
        house, core_issue=f"Fee {CANARY}", content=CANARY, contact_name="王秘密", by="officer"
    )
    OutboxMessage.objects.all().delete()
    tell(case, n=5, at=AT + MINUTE)
    assert robots.send_lines(AT + MINUTE) == 1
    [message] = sent()
    case.refresh_from_db()
    due = f"{timezone.localtime(case.next_due_at):%Y-%m-%d %H:%M}"
    assert message.text == f"{case.number}, due {due}"  # five people, one line
    assert (message.subject, message.about, message.channel) == ("", "", "robot")
    assert robots.send_lines(AT + 2 * MINUTE) == 0  # nothing twice
    assert robots.send_lines(AT + 30 * MINUTE) == 0
    assert robots.send_lines(AT + 31 * MINUTE) == 0


def test_kinds_that_were_not_chosen_and_restricted_cases_stay_in_the_house(house):
    quiet, secret = open_case(house), open_case(house)
    Case.objects.filter(pk=secret.pk).update(restricted=True)
    Notice.objects.all().delete()
    tell(quiet, "case.returned", at=AT + MINUTE)
    tell(secret, at=AT + MINUTE)
    assert robots.send_lines(AT + MINUTE) == 0


def test_a_robot_of_a_unit_hears_only_of_cases_of_that_unit_and_below(house, service):
    GroupRobot.objects.all().delete()
    case = open_case(house)
    above = add(service, department_id=case.department_id)
    add(service, name="Elsewhere", department_id=house.units["LOAN"].pk)
    assert case.department_id != house.units["LOAN"].pk
    Notice.objects.all().delete()
    tell(case, at=AT + MINUTE)
    robots.send_lines(AT + MINUTE)
    assert [message.to for message in sent()] == [f"robot:{above.pk}"]


def test_the_words_are_in_the_language_of_the_chat(house, service):
    GroupRobot.objects.update(language="zh-hans")
    case = open_case(house)
    Notice.objects.all().delete()
    tell(case, at=AT + MINUTE)
    robots.send_lines(AT + MINUTE)
    assert sent()[0].text.startswith(case.number)


def test_a_notice_that_was_written_earlier_but_committed_later_is_not_lost(house):
    case = open_case(house)
    Notice.objects.all().delete()
    late = Notice.objects.create(
        key="late", person_id=1, kind="case.assigned", about=case.about, at=AT + MINUTE
    )
    pk = late.pk
    late.delete()  # not yet committed while the next ones are read
    tell(case, "case.returned", at=AT + MINUTE)
    assert robots.send_lines(AT + 2 * MINUTE) == 0
    Notice.objects.create(
        pk=pk, key="late", person_id=1, kind="case.assigned", about=case.about, at=AT + MINUTE
    )
    assert robots.send_lines(AT + 4 * MINUTE) == 1


def test_many_cases_leave_as_few_messages(house):
    cases = [open_case(house) for _ in range(3)]
    robots_most = robots.MOST_LINES
    Notice.objects.all().delete()
    for case in cases:
        tell(case, at=AT + MINUTE)
    assert robots_most >= 3
    assert robots.send_lines(AT + MINUTE) == 1
    assert sent()[0].text.count("\n") == 2


def test_after_a_long_standstill_old_notices_are_not_poured_out(house):
    case = open_case(house)
    Notice.objects.all().delete()
    tell(case, at=AT + MINUTE)
    assert robots.send_lines(AT + timedelta(hours=5)) == 0
    assert Heartbeat.objects.get(name=robots.MARK).facts["seen"] == []


def test_without_a_robot_the_due_work_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert robots.send_lines(AT) == 0
