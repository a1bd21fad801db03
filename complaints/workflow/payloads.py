"""What the verbs are given: one small value per kind of act, plain enough to wait for an approval.

Terms are codes, people and departments pks, times aware datetimes. `pack` splits a payload into
facts (codes, ids, figures) and words (free text, encrypted where it waits), `unpack` joins them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

WORDS = {"words": True}


def _words(default: str | None = None) -> Any:
    """Declare a free text: it goes to the encrypted words, never into facts."""
    return field(metadata=WORDS) if default is None else field(default=default, metadata=WORDS)


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that may be left out: start, resume, confirm, close, claim, archive, approve."""

    note: str = _words("")


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that must be given: return, readmit, reopen, follow up, extend, the major mark."""

    reason: str = _words()


@dataclass(frozen=True, slots=True)
class Taking:
    """Accepting or signing: the declaration of no interest, and what is still to be classified."""

    no_interest: bool = False
    business_line: str = ""
    handler_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refusing:
    """Why the case is not accepted: term of list `not_accepted`, and words to the customer."""

    reason_code: str
    words: str = _words()


@dataclass(frozen=True, slots=True)
class Assessing:
    """First assessment; empty fields stay as they are."""

    core_issue: str = _words("")
    nature: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """Which department, and if known which person there."""

    department_id: int
    handler_id: int | None = None
    note: str = _words("")


@dataclass(frozen=True, slots=True)
class Handing:
    """Who handles the case from now on; None = nobody yet."""

    handler_id: int | None
    note: str = _words("")


@dataclass(frozen=True, slots=True)
class Pausing:
    """Why the case waits and until when: the pause ends by itself then; both are needed."""

    reason: str = _words()
    expected_end_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appraising:
    """Who outside the bank appraises, until when about, and the file that orders it."""

    appraiser: str
    reason: str = _words()
    expected_end_at: datetime | None = None
    proof_id: int | None = None


@dataclass(frozen=True, slots=True)
class Restarting:
    """When new material was received, what it changes, and the material itself (file pk)."""

    reason: str = _words()
    new_facts_at: datetime | None = None
    proof_id: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision. Empty texts and codes leave what the case already holds.

    `responsibility` is the finding for the case's own department, `responsibilities` pairs of
    (department pk, finding) for others; `remedies` codes; `compensation` in CNY; `release` names
    the change behind a cause that asks for it (C2, C3).
    """

    outcome: str = ""
    answer: str = _words("")
    findings: str = _words("")
    basis: str = _words("")
    objection_ways: str = _words("")
    nature: str = ""
    cause: str = ""
    responsibility: str = ""
    responsibilities: tuple[tuple[int, str], ...] = ()
    remedies: tuple[str, ...] = ()
    compensation: Decimal | None = None
    compensation_kind: str = ""
    suggestion_decision: str = ""
    release: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """How the customer is told the result: a NoticeMethod, words said, proof of posting."""

    method: str
    words: str = _words("")
    proof_id: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """The customer's own words, with a recording's reference or a signed statement (file pk)."""

    words: str = _words()
    recording: str = ""
    proof_id: int | None = None


@dataclass(frozen=True, slots=True)
class Merging:
    """The surviving case and why both are one matter."""

    into_id: int
    reason: str = _words()


@dataclass(frozen=True, slots=True)
class Transferring:
    """The institution that handles the matter now."""

    receiver: str
    reason: str = _words()


@dataclass(frozen=True, slots=True)
class Retyping:
    """The right type, and why."""

    type: str
    reason: str = _words()


@dataclass(frozen=True, slots=True)
class Grading:
    """The right severity 1-4, and why."""

    severity: int
    reason: str = _words()


@dataclass(frozen=True, slots=True)
class Containing:
    """What stopped the harm, and the file that shows it."""

    words: str = _words()
    proof_id: int | None = None


@dataclass(frozen=True, slots=True)
class Objecting:
    """The customer's objection (reason), when it was received (None = now), who shall review it."""

    reason: str = _words()
    asked_at: datetime | None = None
    reviewer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Judging:
    """The outcome of a review (`ReviewDecision`), what was found, no interest declared."""

    decision: str
    words: str = _words()
    no_interest: bool = False


@dataclass(frozen=True, slots=True)
class FactsEdit:
    """Corrected facts: `texts` and `values` by name of the field of Case; absent fields stay.

    `texts` may name core_issue, content, demand, expected_resolution, answer, findings, basis,
    objection_ways, product; `values` the fields of workflow.facts.EDITABLE (terms as codes).
    `reason` is needed where a classification that was set is corrected.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = _words("")


Payload = TypeVar("Payload")
_READ: dict[str, Callable[[Any], Any]] = {
    "Decimal | None": lambda raw: None if raw is None else Decimal(raw),
    "datetime | None": lambda raw: None if raw is None else datetime.fromisoformat(raw),
    "tuple[str, ...]": tuple,
    "tuple[tuple[int, str], ...]": lambda raw: tuple((int(pk), str(code)) for pk, code in raw),
}


def pack(payload: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return (facts, words) of a payload; facts are plain JSON values."""
    facts: dict[str, Any] = {}
    words: dict[str, str] = {}
    for part in fields(payload):
        value = getattr(payload, part.name)
        if part.metadata.get("words"):
            words[part.name] = value
        else:
            facts[part.name] = _plain(value)
    return facts, words


def unpack(kind: type[Payload], facts: Mapping[str, Any], words: Mapping[str, str]) -> Payload:
    """Return the payload that `pack` split; fields of later releases keep their defaults."""
    given: dict[str, Any] = {}
    for part in fields(kind):  # type: ignore[arg-type]
        source = words if part.metadata.get("words") else facts
        if part.name not in source:
            continue
        raw = source[part.name]
        read = _READ.get(_name_of(part.type))
        given[part.name] = read(raw) if read else raw
    return kind(**given)


def _name_of(annotation: Any) -> str:
    """Return how an annotation is written in this module."""
    text = annotation if isinstance(annotation, str) else str(annotation)
    return text.replace("decimal.", "").replace("datetime.datetime", "datetime")


def _plain(value: Any) -> Any:
    """Return a JSON value."""
    match value:
        case Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case tuple() | list():
            return [_plain(part) for part in value]
    return value
