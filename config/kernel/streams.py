"""Whose chain is it: from the name of a stream to the row that owns it, and back."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.db.models import QuerySet

from config.kernel.models import Ledger, Recorded


class Head(NamedTuple):
    """The end of a chain as its owner row knows it."""

    seq: int
    hash: str


@cache
def owner_models() -> dict[str, type[Recorded]]:
    """Return every model whose rows own streams, by the kind that begins the stream's name."""
    found: dict[str, type[Recorded]] = {}
    for model in apps.get_models():
        if not issubclass(model, Recorded):
            continue
        if not model.stream_kind or model.stream_kind in found:
            message = f"{model.__name__}.stream_kind {model.stream_kind!r} is empty or taken"
            raise ValueError(message)
        found[model.stream_kind] = model
    return found


def owners_of(streams: Iterable[str]) -> list[QuerySet[Recorded]]:
    """Return one queryset per kind with the owner rows; streams nobody can own are left out."""
    wanted: dict[str, list[str]] = {}
    for stream in streams:
        kind, _, name = stream.partition(":")
        wanted.setdefault(kind, []).append(name)
    models = owner_models()
    return [_rows(models[kind], names) for kind, names in wanted.items() if kind in models]


def heads_of(streams: Iterable[str]) -> dict[str, Head]:
    """Return what the owner rows say about their chains; no key = no such row."""
    heads: dict[str, Head] = {}
    for rows in owners_of(streams):
        key = _key(rows.model)
        for name, seq, head in rows.values_list(key, "event_seq", "head_hash"):
            heads[f"{rows.model.stream_kind}:{name}"] = Head(seq, head)
    return heads


def claimed(model: type[Recorded]) -> Iterable[tuple[str, Head]]:
    """Yield (stream, head) of the model's rows that say something was recorded; streaming."""
    rows = model._default_manager.exclude(event_seq=0, head_hash="").order_by("pk")
    names = rows.values_list(_key(model), "event_seq", "head_hash")
    for name, seq, head in names.iterator(chunk_size=2000):
        yield f"{model.stream_kind}:{name}", Head(seq, head)


def _key(model: type[Recorded]) -> str:
    """Return the column that names a row's stream."""
    return "name" if issubclass(model, Ledger) else "pk"


def _rows(model: type[Recorded], names: list[str]) -> QuerySet[Recorded]:
    """Return the rows of one kind, numbers that are none left out."""
    wanted: list[object] = [*names]
    if _key(model) == "pk":
        wanted = [int(n) for n in names if n.isascii() and n.isdigit() and len(n) < 19]
    return model._default_manager.filter(**{f"{_key(model)}__in": wanted})
