"""What customers write about, in both languages, with the weights of a year (DOMAIN.md §3.3)."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
LANGUAGES: Final = {"zh": "zh-hans", "en": "en"}


@dataclass(frozen=True, slots=True)
class Matter:
    """One kind of matter: codes, weight within its type, severity, (issue, words, demand)."""

    type: str
    line: str
    cause: str
    weight: int
    severity: int
    zh: tuple[str, str, str]
    en: tuple[str, str, str]

    @property
    def root(self) -> str:
        """The first level of the business line, e.g. `B-CC`."""
        return "-".join(self.line.split("-")[:2])


@dataclass(frozen=True, slots=True)
class Words:
    """One matter in one language, with its sums, days and places filled in."""

    issue: str
    content: str
    demand: str
    amount: Decimal


@lru_cache(maxsize=1)
def book() -> dict[str, Any]:
    """Return the whole table of matters, names and phrases."""
    loaded: dict[str, Any] = json.loads(
        Path(__file__).with_name("topics.json").read_text(encoding="utf-8")
    )
    return loaded


@lru_cache(maxsize=1)
def matters() -> dict[str, list[Matter]]:
    """Return the matters by type code."""
    found: dict[str, list[Matter]] = {}
    for row in book()["topics"]:
        matter = _matter(row)
        found.setdefault(matter.type, []).append(matter)
    return found


def dice(seed: int) -> Random:
    """Return random numbers that are the same for the same seed."""
    return Random(seed)  # noqa: S311 - made-up data


def outage() -> Matter:
    """Return the matter of the one bad day."""
    return _matter(book()["outage"])


def pick_matter(rng: Random, kind: str) -> Matter:
    """Return a matter of this type by weight."""
    choice = matters()[kind]
    return rng.choices(choice, [matter.weight for matter in choice])[0]


def pick(rng: Random, weights: dict[str, float]) -> str:
    """Return a key of a table of weights."""
    return rng.choices(list(weights), list(weights.values()))[0]


def phrase(name: str, language: str) -> str:
    """Return what staff write on such an occasion; `language` is zh or en."""
    zh, en = book()["words"][name]
    return str(zh if language == "zh" else en)


def worded(matter: Matter, rng: Random, language: str, day: date, branch: tuple[str, str]) -> Words:
    """Fill a matter in; `branch` is its Chinese and its English name."""
    zh = language == "zh"
    sums = (120, 300, 480, 660, 800, 1200, 2000, 3600, 5000, 8600, 12000, 26000, 38000)
    amount = Decimal(rng.choice(sums) + rng.randrange(100))
    spoken = f"{day.month}月{day.day}日" if zh else f"{day.day} {_MONTHS[day.month - 1]}"
    given = {
        "amount": f"{amount:,.0f}",
        "day": spoken,
        "branch": branch[0] if zh else branch[1],
    }
    issue, content, demand = (text.format(**given) for text in (matter.zh if zh else matter.en))
    more = rng.choice(book()["more"][language]) if matter.type in {"CMP", "PET"} else ""
    return Words(issue, f"{content}{'' if zh else ' '}{more}".strip(), demand, amount)


def _matter(row: list[Any]) -> Matter:
    kind, line, cause, weight, severity, zh, en = row
    return Matter(kind, line, cause, weight, severity, tuple(zh), tuple(en))


__all__ = [
    "LANGUAGES",
    "Matter",
    "Words",
    "book",
    "matters",
    "outage",
    "phrase",
    "pick",
    "pick_matter",
    "worded",
]  # fmt: skip
