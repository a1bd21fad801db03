"""A NUL in an address or a field is no unit and nobody: PostgreSQL cannot even be asked for it."""

import pytest

from tests.factories.complaints import bank
from tests.portal.desks import as_role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", ["\x00", "CARD\x00", "x" * 5_000])
def test_no_hand_over_of_a_unit_that_is_none(code):
    bank()
    client = as_role("supervisor")
    client.raise_request_exception = False
    for path in ("/shifts/", "/shifts/history/"):
        assert client.get(path, {"unit": code}).status_code in {200, 404}


def test_nobody_is_named_by_a_nul():
    bank()
    client = as_role("supervisor")
    client.raise_request_exception = False
    given = {"source": "\x00", "target": "x\x00", "cases": ["1:1"]}
    assert client.post("/board/move/", given).status_code == 404
