"""Is a chain whole? The check of one stream, link by link, against its owner row and its words."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db.models import F, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from config.kernel.chain import ERASED, chained, columns
from config.kernel.models import EventWords, JournalEntry, Recorded
from config.kernel.streams import Head, heads_of
from config.shared.crypto import Undecipherable, decrypt

PAGE = 1000
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a stream; `seq` None = the stream as a whole."""

    stream: str
    seq: int | None
    problem: str

    def __str__(self) -> str:
        """Return one line for a report."""
        if self.seq is None:
            return f"{self.stream}: {self.problem}"
        return f"{self.stream} #{self.seq}: {self.problem}"


class Word(NamedTuple):
    """A row of EventWords as stored: still encrypted, so that altered bytes do not stop us."""

    name: str
    salt: str
    stored: str
    erased_at: datetime | None


@dataclass(slots=True)
class Walk:
    """The state of walking one chain from its first entry; stops looking at the first fault."""

    stream: str
    seq: int = 0
    hash: str = ""
    fault: Fault | None = None
    silent: dict[str, int] = field(default_factory=dict)
    """Hashes of words that are not there, with their entry; an erasure must name them."""

    def step(self, entry: JournalEntry, words: Iterable[Word]) -> None:
        """Check the next entry with its words."""
        if self.fault:
            return
        try:
            problem = self._link_problem(entry) or self._body_problem(entry, words)
        except (ValueError, LookupError, TypeError, AttributeError):
            problem = _("the text is not that of an entry")
        if problem:
            self.fault = Fault(self.stream, entry.seq, problem)
        self.seq, self.hash = entry.seq, entry.hash

    def end(self, head: Head | None) -> Fault | None:
        """Compare the end of the chain with what the owner row says; return the first fault."""
        problem = self.fault is None and self._end_problem(head)
        if problem:
            self.fault = Fault(self.stream, None, problem)
        if self.fault is None and self.silent:
            seq = min(self.silent.values())
            self.fault = Fault(self.stream, seq, _("words are missing and no erasure names them"))
        return self.fault

    def _link_problem(self, entry: JournalEntry) -> str:
        if entry.seq != self.seq + 1:
            return _("entry %(seq)s is missing before this one") % {"seq": self.seq + 1}
        if entry.hash != chained(self.hash, entry.body):
            return _("the text or its hash was changed")
        return ""

    def _body_problem(self, entry: JournalEntry, words: Iterable[Word]) -> str:
        body = json.loads(entry.body)
        return _column_problem(entry, body) or self._words_problem(entry, body, words)

    def _words_problem(self, entry: JournalEntry, body: Any, words: Iterable[Word]) -> str:
        rows = {word.name: word for word in words}
        for name, digest in body["words"].items():
            word = rows.pop(name, None)
            if word is None or word.erased_at or not word.stored:
                self.silent[digest] = entry.seq
            if word and word.stored and _digest(word) != digest:
                return _("the words “%(name)s” were changed") % {"name": name}
        if entry.action == ERASED:
            for digest in body["facts"]["digests"]:
                self.silent.pop(digest, None)
        return _("words “%(name)s” were added later") % {"name": min(rows)} if rows else ""

    def _end_problem(self, head: Head | None) -> str:
        if head is None:
            return _("the row this record belongs to is gone")
        if head.seq > self.seq:
            return _("the last entries are missing: %(found)s of %(known)s are here") % {
                "found": self.seq,
                "known": head.seq,
            }
        if head.seq < self.seq:
            return _("the row knows of %(known)s entries, but %(found)s are here") % {
                "found": self.seq,
                "known": head.seq,
            }
        return "" if head.hash == self.hash else _("the row knows another last entry")


def first_fault(owner: Recorded | str) -> Fault | None:
    """Return what is first wrong with the chain of a row (or of a stream by name), or None.

    Takes no lock: a chain that moves while it is read is read again before it is called broken.
    """
    stream = owner if isinstance(owner, str) else owner.stream
    fault = None
    for _attempt in range(_TRIES):
        before = heads_of([stream]).get(stream)
        walk = Walk(stream)
        for page in pages_of(stream):
            for entry, words in with_words(page):
                walk.step(entry, words)
        after = heads_of([stream]).get(stream)
        if before is None and after is None and not walk.seq:
            return Fault(stream, None, _("there is no such record"))
        fault = walk.end(after)
        if fault is None or before == after:
            return fault
    return fault


def pages_of(stream: str) -> Iterator[list[JournalEntry]]:
    """Yield the entries of a stream in order, a page at a time."""
    last: int | None = None
    while True:
        rows = JournalEntry.objects.filter(stream=stream).order_by("seq")
        page = list((rows if last is None else rows.filter(seq__gt=last))[:PAGE])
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1].seq


def with_words(page: Sequence[JournalEntry]) -> Iterator[tuple[JournalEntry, list[Word]]]:
    """Yield each entry of a page with its words as stored; one query."""
    rows = EventWords.objects.filter(entry__in=[entry.pk for entry in page]).annotate(
        stored=Cast(F("text"), TextField())
    )
    found: dict[int, list[Word]] = {}
    for entry_id, *word in rows.values_list("entry_id", "name", "salt", "stored", "erased_at"):
        found.setdefault(entry_id, []).append(Word(*word))
    for entry in page:
        yield entry, found.get(entry.pk, [])


def _column_problem(entry: JournalEntry, body: Any) -> str:
    """Name a column that no longer says what was recorded."""
    changed = [name for name, value in columns(entry).items() if body.get(name) != value]
    if not changed:
        return ""
    return _("“%(column)s” is not what was recorded") % {"column": ", ".join(changed)}


def _digest(word: Word) -> str:
    """Return the hash of the words behind a stored row; '' when they cannot be read."""
    try:
        return sha256((word.salt + decrypt(word.stored)).encode()).hexdigest()
    except (Undecipherable, UnicodeDecodeError):
        return ""
