"""The customers of the demonstration: tiers 3/12/85 in a hundred, managers for core and key."""

from datetime import date, timedelta
from random import Random
from typing import Final

from config.portal.demo.matters import book, dice, pick
from config.portal.demo.stage import Stage, local
from config.shared.actors import SYSTEM
from customers.models import Customer
from customers.models.customer import ContactKind, CustomerKind, Tier
from customers.registering import ContactDraft, CustomerDraft, register
from staff.models.accounts import Role

TIERS: Final[dict[str, float]] = {Tier.CORE: 3, Tier.KEY: 12, Tier.ORDINARY: 85}
_BATCH: Final = 500
_VULNERABLE: Final = ("elderly", "disabled", "illness")
_HEADS: Final = ("130", "131", "135", "136", "138", "139", "150", "152", "158", "186", "188", "189")
_YEAR: Final = timedelta(days=372)


def make_customers(stage: Stage, count: int) -> list[Customer]:
    """Register `count` customers a year before the stage's moment; returns them in order."""
    rng = dice(stage.seed)
    began = stage.at - _YEAR
    today = local(began).date()
    drafts = [_draft(stage, rng, number, today) for number in range(count)]
    made: list[Customer] = []
    for start in range(0, count, _BATCH):
        made += register(drafts[start : start + _BATCH], actor=SYSTEM, at=began)
    return made


def _draft(stage: Stage, rng: Random, number: int, today: date) -> CustomerDraft:
    """Return one customer; telephone numbers are unlike by construction."""
    tier = pick(rng, TIERS)
    kind = rng.choices(("zh", "foreign", "firm"), (93, 3, 4))[0]
    name = _name(rng, kind)
    manager = rng.choice(stage.roles[Role.RM]) if tier != Tier.ORDINARY else None
    branch = manager.department if manager else rng.choice(stage.branches)
    head = _HEADS[number % len(_HEADS)]
    phone = f"{head}{(number * 7919 + 10_007) % 100_000_000:08d}"
    contacts = [ContactDraft(ContactKind.MOBILE, phone, preferred=True)]
    if rng.random() < 0.45:
        contacts.append(ContactDraft(ContactKind.EMAIL, f"c{number + 1:06d}@mail.example"))
    if rng.random() < 0.1:
        contacts.append(ContactDraft(ContactKind.PHONE, f"021{60_000_000 + number:08d}"))
    joined = today - timedelta(days=rng.randrange(30, 4000))
    return CustomerDraft(
        name=name,
        kind=CustomerKind.ORGANISATION if kind == "firm" else CustomerKind.PERSON,
        id_kind="uscc" if kind == "firm" else "id_card",
        id_number=_identity(rng, number, kind),
        contacts=contacts,
        tier=tier,
        tier_since=max(joined, today - timedelta(days=rng.randrange(20, 700))),
        rm=manager,
        branch=branch,
        language="en" if kind == "foreign" or name.isascii() else "zh-hans",
        preferred_channel=rng.choice(("phone", "sms", "email", "")),
        no_contact=rng.random() < 0.02,
        vulnerable=(rng.choice(_VULNERABLE),) if kind == "zh" and rng.random() < 0.04 else (),
        joined_on=joined,
    )


def _name(rng: Random, kind: str) -> str:
    """Return a name; four in a hundred people write theirs in Latin letters."""
    table = book()
    if kind == "firm":
        city = rng.choice(("上海", "北京", "广州", "杭州", "成都"))
        firm = str(rng.choice(table["firms"]))
        return firm if firm.isascii() else city + firm
    if kind == "foreign":
        return str(rng.choice(table["foreign"]))
    family, given = rng.choice(table["surnames"]), rng.choice(table["given"])
    return f"{given[1]} {family[1]}" if rng.random() < 0.04 else family[0] + given[0]


def _identity(rng: Random, number: int, kind: str) -> str:
    """Return an identity number of the right shape; nobody has it."""
    if kind == "firm":
        return f"91310000MA{number:07d}X"
    born = date(1950, 1, 1) + timedelta(days=rng.randrange(20_000))
    return f"310104{born:%Y%m%d}{number % 1000:03d}{(number // 1000) % 10}"


__all__ = ["make_customers"]
