"""Values that no page of ours sends, and a sweep that posts them field by field."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.template import loader
from django.template.response import SimpleTemplateResponse
from django.test import Client

HUGE = "9" * 31
ODD = [
    "", "\x00", "-" + HUGE, HUGE, "NaN", "½", "x" * 5_000, "😀" * 100, "2026-02-30", "9999-12-31",
    "0001-01-01T00:00", "' OR 1=1 --", "\u202e\ud7ff", "@nobody",
]  # fmt: skip
NASTY = ["\x00", "-" + HUGE, "9999-12-31"]
JUNK = [
    b"",
    b"\x00" * 40,
    b"PK\x03\x04junk",
    b"\xff\xfe\x00\xd8",
    b"\x89PNG\r\n",
    b'"open',
    b",\n" * 9,
]
BODIES = [
    ("application/json", b"{"), ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=b", b"--b\r\n"),
]  # fmt: skip
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
TOLD = frozenset({200, 201, 204, 302, 400, 403, 404, 405, 409, 413, 422})


@dataclass(frozen=True)
class Door:
    """One address with a sound post or query; `files` are the fields that take a file."""

    url: str
    data: Mapping[str, Any] = field(default_factory=dict)
    method: str = "post"
    files: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what one request changes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def faults(client: Client, doors: list[Door]) -> list[str]:
    """Return the requests that were not answered in words.

    Whole pages are drawn once per door as it is, empty and with the odd values turn by turn.
    """
    client.raise_request_exception = False
    found = []
    for place, door in enumerate(doors):
        for n, (told, data) in enumerate(_together(door)):
            if n < 2 or n % 8 == place % 8:
                found += _ask(client, door, data, told)
        found += _wrong_type(client, door)
    with pytest.MonkeyPatch.context() as patch:  # drawing is most of the time
        patch.setattr(loader, "render_to_string", lambda *_args, **_options: "")
        patch.setattr(SimpleTemplateResponse, "rendered_content", "")
        for door in doors:
            for told, data in (*_together(door), *_one_by_one(door)):
                found += _ask(client, door, data, told)
    return found


def sampled(client: Client, doors: list[Door]) -> list[str]:
    """Return the faults of many doors at a fraction of the requests: odd values turn by turn.

    Each door is drawn once full of script tags; none may come back as a tag.
    """
    client.raise_request_exception = False
    found = []
    for door in doors:
        tags = _all(door, SCRIPT)
        with undone():
            response = getattr(client, door.method)(door.url, tags, headers=dict(door.headers))
        if response.status_code not in TOLD:
            found += [f"{door.method} {door.url} script: {response.status_code} {_why(response)}"]
        elif not response.streaming and is_loose(response.content):
            found += [f"{door.method} {door.url}: a tag came back"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "render_to_string", lambda *_args, **_options: "")
        patch.setattr(SimpleTemplateResponse, "rendered_content", "")
        for place, door in enumerate(doors):
            turn = [odd for n, odd in enumerate(ODD[4:]) if n % 5 == place % 5]
            for odd in (*ODD[:4], *turn):
                found += _ask(client, door, _all(door, odd), f"all {odd[:20]!r}")
            for told, data in islice(_one_by_one(door), 5 if door.method == "post" else 0):
                found += _ask(client, door, data, told)
            found += _junk(client, door, place)
            if place % 4 == 0:
                found += _wrong_type(client, door)
    return found


def is_loose(content: bytes) -> bool:
    """Tell whether a page holds what was typed as a tag."""
    return b"<script>alert(" in content or b"<img src=x" in content


def sound(client: Client, url: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what a browser would post for the form on a page, filled in; and its file fields."""
    response = client.get(url)
    form = (response.context or {}).get("form") if response.status_code == 200 else None
    if form is None:
        return {}, ()
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field, forms.FileField):
            continue
        if value in (None, "", [], False):
            value = _sample(bound.field)
        data[bound.html_name] = [str(x) for x in value] if isinstance(value, list) else str(value)
    files = tuple(b.html_name for b in form if isinstance(b.field, forms.FileField))
    return data, files


def _sample(field: forms.Field) -> Any:
    """Return something the field takes."""
    if isinstance(field, forms.ChoiceField):
        pairs: Any = field.choices
        keys = [key for key, _label in pairs if not isinstance(_label, list) and key]
        first = str(keys[0]) if keys else "1"
        return [first] if isinstance(field, forms.MultipleChoiceField) else first
    if isinstance(field, forms.DecimalField | forms.IntegerField):
        return "1"
    if isinstance(field, forms.BooleanField):
        return "on"
    if isinstance(field, forms.DateTimeField):
        return "2030-01-02T10:00"
    return "2030-01-02" if isinstance(field, forms.DateField) else "Words"


def _all(door: Door, odd: str) -> dict[str, Any]:
    """Return the post of a door with every field odd but those that lead past the lock."""
    kept = {name: door.data[name] for name in ("version", "number") if name in door.data}
    return dict.fromkeys(door.data, odd) | kept


def _junk(client: Client, door: Door, place: int) -> list[str]:
    """Send one odd file to each field that takes one, turn by turn."""
    found = []
    for n, name in enumerate(door.files):
        junk = JUNK[(place + n) % len(JUNK)]
        for ending in ("pdf", "png"):
            file = SimpleUploadedFile(f"../{'n' * 300}.{ending}", junk)
            found += _ask(client, door, dict(door.data) | {name: file}, f"file {ending}")
    return found


def _why(response: Any) -> str:
    return repr(getattr(response, "exc_info", None) and response.exc_info[1])


def _together(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the door as it is, empty, and with all fields odd but those that lead past the lock."""
    yield "as it is", dict(door.data)
    yield "nothing", {}
    for odd in ODD:
        yield f"all {odd[:20]!r}", _all(door, odd)
    for name in door.files:
        for junk in JUNK:
            for ending in ("csv", "xlsx", "xls"):
                file = SimpleUploadedFile(f"../{'n' * 300}.{ending}", junk)
                yield f"file {junk[:8]!r} {ending}", dict(door.data) | {name: file}


def _one_by_one(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sound data with one field odd, the odd values turn by turn; some come twice."""
    for n, name in enumerate(door.data):
        odd = NASTY[n % len(NASTY)]
        yield f"{name}={odd[:20]!r}", dict(door.data) | {name: odd}
        if n % 4 == 0 and door.method != "get":
            yield f"{name} twice", dict(door.data) | {name: ["x", "1"]}


def _ask(client: Client, door: Door, data: dict[str, Any], told: str) -> list[str]:
    with undone():
        response = getattr(client, door.method)(door.url, data, headers=dict(door.headers))
    if response.status_code in TOLD:
        return []
    return [f"{door.method} {door.url} {told}: {response.status_code} {_why(response)}"]


def _wrong_type(client: Client, door: Door) -> list[str]:
    if door.method != "post":
        return []
    found = []
    for kind, body in BODIES:
        with undone():
            status = client.post(door.url, body, content_type=kind).status_code
        if status not in TOLD:
            found.append(f"{door.url} as {kind}: {status}")
    return found
