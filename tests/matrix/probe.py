"""What is asked: one address, for one target, by one method; and the world it points into."""

from dataclasses import dataclass, field
from typing import Any

from complaints.models import Case
from customers.models import Customer
from staff.models import Account

TARGETS = "unit own far tip"


@dataclass
class World:
    """What the probes point at; `me` is the reader."""

    house: Any
    cases: dict[str, Case]
    customers: dict[str, Customer]
    twins: dict[str, Case] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    me: Account | None = None


@dataclass(frozen=True)
class Probe:
    """One question: which address with which arguments, for which target, by which method."""

    name: str
    target: str = ""
    args: Any = lambda world: ()
    method: str = "get"
    data: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    label: str = ""
    query: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.label or self.name, self.target, self.method.upper())


def on_case(name: str, *more: Any, targets: str = TARGETS, **options: Any) -> list[Probe]:
    """Return one probe per target of a case."""
    label = options.pop("label", "")
    return [
        Probe(name, t, lambda w, t=t: (w.cases[t].number, *(_now(x, w, t) for x in more)),
              label=label, **options)
        for t in targets.split()
    ]  # fmt: skip


def _now(value: Any, world: World, target: str) -> Any:
    return value(world, target) if callable(value) else value


def dialog(name: str, *more: Any, **options: Any) -> list[Probe]:
    """Return the probes of a form on a case: read on two targets, sent on the two others."""
    return [
        *on_case(name, *more, targets="unit tip", **options),
        *on_case(name, *more, targets="own far", method="post", **options),
    ]


def fact(kind: str) -> Any:
    """Return a lookup of the row of this kind that belongs to the case of the target."""
    return lambda world, target: world.facts[f"{kind} {target}"]


def on_row(name: str, kind: str, targets: str, **options: Any) -> list[Probe]:
    """Return one probe per row of another kind."""
    return [
        Probe(name, t, lambda w, t=t: (w.facts[f"{kind} {t}"],), **options) for t in targets.split()
    ]


def post(name: str, target: str = "", **options: Any) -> Probe:
    return Probe(name, target, method="post", **options)
