"""The reach table against rows of DOMAIN.md §4.8, spot by spot."""

from decimal import Decimal

import pytest

from config.shared.scope import WHOLE_BANK, Reach, Scope
from staff.models.accounts import Role
from staff.roles import REACH, UNLIMITED, compensation_authority

A, D, O = Reach.ALL, Reach.DEPARTMENT, Reach.OWN  # noqa: E741
S, N = Reach.SEVERE, Reach.NONE
R = Reach.RESTRICTED
ORDER = ["HA", "CO", "CS", "DH", "HD", "BH", "RM", "RMM"]
ORDER += ["DL", "HR", "QA", "ER", "AU", "AD", "SA", "CD"]

# act: one reach per role in ORDER
MATRIX = {
    ("cases", "register"): [A, A, A, D, D, D, O, D, A, N, N, N, N, N, N, N],
    ("cases", "view"): [O, A, A, O | D, D, D, O, D, S, N, A, A, A, N, A, R],
    ("cases", "identity"): [O, A, A, O | D, D, D, O, D, S, N, N, N, A, N, A, R],
    ("cases", "edit"): [N, O, A, O, N, N, N, N, N, N, N, N, N, N, N, R],
    ("cases", "retype"): [N, N, A, N, N, N, N, N, N, N, N, N, N, N, N, N],
    ("cases", "pause"): [N, N, A, N, N, N, N, N, N, N, N, N, N, N, N, R],
    ("cases", "close"): [N, O, A, N, N, N, N, N, N, N, N, N, N, N, N, R],
    ("cases", "approve"): [N, N, A, N, D, D, N, N, N, N, N, N, N, N, N, N],
    ("cases", "restricted"): [N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, A],
    ("cases", "export"): [N, O, A, N, D, D, O, D, N, N, A, N, A, N, N, N],
    ("customers", "view"): [A, A, A, A, A, D, O, D, A, N, A, A, A, N, N, N],
    ("customers", "edit"): [N, N, N, N, N, N, O, D, N, N, N, N, N, N, N, N],
    ("customers", "import"): [N, N, N, N, N, N, N, N, N, N, N, N, N, A, N, N],
    ("rules", "edit"): [N, N, N, N, N, N, N, N, N, N, N, N, N, A, N, N],
    ("rules", "view"): [N, N, A, N, N, N, N, N, N, N, N, N, A, A, N, N],
    ("people", "attest"): [N, N, N, N, D, D, N, N, N, A, N, N, N, N, N, N],
    ("audit", "view"): [N, N, D, N, N, N, N, N, N, N, N, N, A, A, N, N],
    ("admin", "edit"): [N, N, N, N, N, N, N, N, N, N, N, N, N, A, N, N],
}
WRITES = {
    "register", "note", "edit", "attach", "accept", "refuse", "route", "resolve", "close", "reopen",
    "merge", "pause", "notify", "import", "erase", "tiers", "run", "retry", "decide",
}  # fmt: skip


@pytest.mark.parametrize("key", MATRIX, ids="-".join)
def test_table_agrees_with_the_document(key):
    assert dict(zip(ORDER, MATRIX[key], strict=True)) == {
        role: REACH[role].get(key, N) for role in ORDER
    }


def test_every_role_has_a_column_and_reads_its_own_notices():
    assert set(REACH) == set(Role.values) == set(ORDER)
    assert all(REACH[role][("notices", "view")] == O for role in ORDER)


def test_the_auditor_never_writes_and_the_administrator_sees_no_content():
    written = {(area, act) for area, act in REACH["AU"] if act in WRITES}
    assert written == {("exports", "run")}
    assert not {area for area, _ in REACH["AD"]} & {"cases", "callbacks", "surveys"}
    assert {act for area, act in REACH["AD"] if area == "customers"} == {"import"}


@pytest.mark.parametrize(
    ("roles", "amount"),
    [("HA", 0), ("CO", 500), ("CS", 5000), ("DH", 200), ("HD", 2000), ("BH", 1000), ("RMM", 500)],
)
def test_compensation_authority(roles, amount):
    assert compensation_authority(Scope(1, roles=frozenset({roles}))) == Decimal(amount)


def test_the_widest_role_decides_and_seniors_have_no_limit():
    assert compensation_authority(Scope(1, roles=frozenset({"CO", "HD"}))) == Decimal(2000)
    assert compensation_authority(Scope(1, roles=frozenset({"SA"}))) == UNLIMITED
    assert compensation_authority(WHOLE_BANK) == UNLIMITED
    assert compensation_authority(Scope(1)) == 0
