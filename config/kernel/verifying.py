"""Is the whole record whole? All chains, their owner rows, their words and the seals.

Reads page by page, so memory does not grow with the record, and takes no locks. What looks wrong
in passing (somebody may be writing) is looked at again on its own before it is reported.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.utils.translation import gettext as _

from config.kernel import seals, triggers
from config.kernel.checking import PAGE, Fault, Walk, first_fault, with_words
from config.kernel.models import JournalEntry
from config.kernel.streams import claimed, heads_of, owner_models

T = TypeVar("T")


def faults(streams: Iterable[str] = ()) -> Iterator[Fault]:
    """Yield the first fault of each stream; of the named ones only, when any are named."""
    named = list(streams)
    found = _named(named) if named else _everything()
    reported: set[str] = set()
    for fault in found:
        if fault.stream not in reported:
            reported.add(fault.stream)
            yield fault


def guard_faults() -> Iterator[Fault]:
    """Yield append-only triggers and search indexes that are missing or switched off."""
    for name in triggers.missing():
        yield Fault("database", None, _("%(name)s is missing or switched off") % {"name": name})


def _named(streams: list[str]) -> Iterator[Fault]:
    for stream in streams:
        fault = first_fault(stream)
        if fault:
            yield fault
        yield from seals.faults_under_seals(stream)


def _everything() -> Iterator[Fault]:
    for stream in _suspects():
        fault = first_fault(stream)
        if fault:
            yield fault
    yield from seals.faults_of_seals()


def _suspects() -> Iterator[str]:
    """Yield streams that looked wrong in passing: broken chains, then rows without a record."""
    for walks in _batches(_walks(), PAGE):
        heads = heads_of(walk.stream for walk in walks)
        yield from (walk.stream for walk in walks if walk.end(heads.get(walk.stream)))
    for model in owner_models().values():
        for rows in _batches(claimed(model), PAGE):
            names = [stream for stream, _head in rows]
            begun = JournalEntry.objects.filter(stream__in=names, seq=1)
            yield from sorted({*names} - {*begun.values_list("stream", flat=True)})


def _walks() -> Iterator[Walk]:
    """Yield every chain, walked to its end."""
    walk: Walk | None = None
    for page in _pages():
        for entry, words in with_words(page):
            if walk is None or walk.stream != entry.stream:
                if walk is not None:
                    yield walk
                walk = Walk(entry.stream)
            walk.step(entry, words)
    if walk is not None:
        yield walk


def _pages() -> Iterator[list[JournalEntry]]:
    """Yield all entries by stream and seq, a page at a time, along the unique index."""
    rows = JournalEntry.objects.order_by("stream", "seq")
    page = list(rows[:PAGE])
    while page:
        yield page
        last = page[-1]
        rest = rows.filter(stream=last.stream, seq__gt=last.seq)
        page = list(rest[:PAGE])
        if len(page) < PAGE:
            page += rows.filter(stream__gt=last.stream)[: PAGE - len(page)]


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to `size` items."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
