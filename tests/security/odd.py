"""Values that no page of ours sends, and a sweep that posts them field by field."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import QueryDict
from django.template import loader
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.utils.datastructures import MultiValueDict

HUGE = "9" * 31
ODD = [
    "", "\x00", "-" + HUGE, HUGE, "NaN", "½", "x" * 5_000, "😀" * 100, "2026-02-30", "9999-12-31",
    "0001-01-01T00:00", "' OR 1=1 --", "\u202e\ud7ff", "@nobody",
]  # fmt: skip
NASTY = ["\x00", "-" + HUGE, "9999-12-31"]
OF_KIND: dict[str, list[Any]] = {
    "number": ["\x00", "-" + HUGE, "½", "NaN"],
    "moment": ["\x00", "2026-02-30", "9999-12-31", "0001-01-01T00:00"],
    "text": ["\x00", "x" * 5_000, "\u202e\ud7ff", HUGE],
    "list": [["\x00"], [HUGE, "-" + HUGE], ["NaN", "x" * 5_000], "½"],
}
"""What each kind of field is given, so that every field gets what may harm it."""
TAKEN = "😀 \u202e' OR 1=1 -- @nobody"
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
    with undrawn():
        for door in doors:
            for told, data in (*_together(door), *_one_by_one(door)):
                found += _ask(client, door, data, told)
    return found


def swept(client: Client, doors: list[Door]) -> list[str]:
    """Return the faults of many doors: every field of each, few requests, nothing drawn twice.

    Each door is drawn once full of script tags; none may come back as a tag. Then every field
    gets the odd values of its kind, all fields together; sound texts give way to long and odd ones
    that a form takes; and every other field is odd alone, so that the rest of the form is sound.
    """
    client.raise_request_exception = False
    found = [fault for door in doors for fault in _drawn(client, door)]
    with undrawn():
        for place, door in enumerate(doors):
            for told, data in _different(door, (*_by_kind(door), *_taken(door), *_alone(door))):
                found += _ask(client, door, data, told)
            found += _junk(client, door, place)
            found += _wrong_type(client, door, BODIES[place % len(BODIES)])
    return found


def looked_into(client: Client, doors: list[Door]) -> list[str]:
    """Return the faults of many pages: every name that a page reads from its address is odd.

    The names are those the page asks for, once without a question and once with all of `data`.
    """
    client.raise_request_exception = False
    found = []
    for door in doors:
        with questions() as names:
            found += _ask(client, replace(door, data={}), {}, "as it is")
            found += _drawn(client, door)
        with undrawn():
            asked = replace(door, data=dict.fromkeys(sorted(names), "1"))
            for told, data in _different(asked, (*_by_kind(asked), *_alone(asked))):
                found += _ask(client, asked, data, told)
    return found


@contextmanager
def undrawn() -> Iterator[None]:
    """Draw nothing: drawing is most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "render_to_string", lambda *_args, **_options: "")
        patch.setattr(SimpleTemplateResponse, "rendered_content", "")
        yield


@contextmanager
def questions() -> Iterator[set[str]]:
    """Collect the names that are asked of a query or a post, while it lasts."""
    names: set[str] = set()

    def told(method: Any) -> Any:
        def ask(self: Any, key: Any, *args: Any) -> Any:
            if isinstance(self, QueryDict) and isinstance(key, str):
                names.add(key)
            return method(self, key, *args)

        return ask

    with pytest.MonkeyPatch.context() as patch:
        for name in ("__getitem__", "getlist", "__contains__"):
            patch.setattr(MultiValueDict, name, told(getattr(MultiValueDict, name)), raising=False)
        yield names


def _drawn(client: Client, door: Door) -> list[str]:
    """Draw a door once full of script tags."""
    with undone():
        response = getattr(client, door.method)(
            door.url, _all(door, SCRIPT), headers=dict(door.headers)
        )
    if response.status_code not in TOLD:
        return [f"{door.method} {door.url} script: {response.status_code} {_why(response)}"]
    if not response.streaming and is_loose(response.content):
        return [f"{door.method} {door.url}: a tag came back"]
    return []


def _different(
    door: Door, asks: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the door as it is, without anything, and these; no request twice."""
    seen: list[dict[str, Any]] = []
    for told, data in (("as it is", dict(door.data)), ("nothing", {}), *asks):
        if data not in seen:
            seen.append(data)
            yield told, data


def _kind(value: Any) -> str:
    """Return what a sound value is: a number, a moment, several, or a text."""
    if isinstance(value, list):
        return "list"
    text = str(value)
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return "number"
    return "moment" if text[:4].isdigit() and text[4:5] == "-" else "text"


def _by_kind(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the door with every field odd in the way of its kind, turn by turn."""
    kept = {name: door.data[name] for name in ("version", "number") if name in door.data}
    for turn in range(max(len(odds) for odds in OF_KIND.values())):
        data = {}
        for name, value in door.data.items():
            odds = OF_KIND[_kind(value)]
            data[name] = odds[turn % len(odds)]
        yield f"turn {turn}", data | kept


def _taken(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sound data with all texts odd in a way that forms take."""
    texts = [name for name, value in door.data.items() if _kind(value) == "text"]
    if texts:
        yield "texts", dict(door.data) | dict.fromkeys(texts, TAKEN)


def _alone(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sound data with one number, moment or list odd; some come twice."""
    fields = [name for name, value in door.data.items() if _kind(value) != "text"]
    for n, name in enumerate(fields):
        odds = OF_KIND[_kind(door.data[name])]
        odd = odds[n % len(odds)]
        yield f"{name}={str(odd)[:20]!r}", dict(door.data) | {name: odd}
    if door.data:
        yield "all twice", {name: ["x", "1"] for name in door.data}


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


def _wrong_type(client: Client, door: Door, *bodies: tuple[str, bytes]) -> list[str]:
    if door.method != "post":
        return []
    found = []
    for kind, body in bodies or BODIES:
        with undone():
            status = client.post(door.url, body, content_type=kind).status_code
        if status not in TOLD:
            found.append(f"{door.url} as {kind}: {status}")
    return found
