"""What became of one row: the answer of every bulk act, whichever verb stands behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

from complaints.workflow.outcomes import Outcome, explain_all
from config.shared.actors import Actor

MOST_WORDS: Final = 400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts, when, and the versions (by pk of the case) on which the act was decided.

    `expected` None = the verb itself says who was faster.
    """

    actor: Actor
    at: datetime
    expected: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What is done: `facts` are codes and ids, `words` free texts (encrypted where they wait)."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """One case: done, or refused with a code and words.

    `before` is what taking it back needs, `version` that of the case afterwards.
    """

    pk: int
    done: bool
    code: str = ""
    said: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0


def of_outcomes(
    outcomes: Sequence[Outcome], before: Mapping[int, Mapping[str, Any]] | None = None
) -> list[Result]:
    """Return the results of a verb of the workflow; one query for all refusals."""
    lost = [outcome for outcome in outcomes if not outcome.done]
    words = dict(zip((o.case.pk for o in lost), explain_all(lost), strict=True)) if lost else {}
    kept = before or {}
    return [
        Result(
            o.case.pk,
            done=o.done,
            code=str(o.refused or ""),
            said=words.get(o.case.pk, "")[:MOST_WORDS],
            before=_kept(kept.get(o.case.pk, {})) if o.done else {},
            version=o.case.version,
        )
        for o in outcomes
    ]


def _kept(was: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was before, without the version it was read with."""
    return {name: value for name, value in was.items() if name != "version"}


def refused(pks: Sequence[int], code: str, said: object) -> list[Result]:
    """Return the same refusal for several cases."""
    return [Result(pk, done=False, code=code, said=str(said)[:MOST_WORDS]) for pk in pks]


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


__all__ = ["MOST_WORDS", "Doing", "Result", "What", "in_parts", "of_outcomes", "refused"]
