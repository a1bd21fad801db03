"""Figures: golden intervals of DOMAIN.md §2.3, and nothing is never 0."""

from fractions import Fraction

import pytest

from config.shared.metrics import Figure, Period, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (17, 20, 0.6396, 0.9476),
        (85, 100, 0.7672, 0.9069),
        (170, 200, 0.7939, 0.8929),
        (340, 400, 0.8117, 0.8817),
        (93, 100, 0.8625, 0.9657),
        (190, 200, 0.9104, 0.9726),
        (0, 10, 0, 0.2775),
        (10, 10, 0.7225, 1),
    ],
)
def test_wilson(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


def test_nothing_of_nothing_has_no_share():
    empty = Figure(0, 0)
    assert empty.share is None
    assert empty.interval is None
    assert Figure(2, 3).share == Fraction(2, 3)
    assert not Figure(2, 3).enough
    assert Figure(7).enough


def test_a_month_is_the_banks_month():
    december = Period.month(2026, 12)
    assert december.start.isoformat() == "2026-12-01T00:00:00+08:00"
    assert december.end.isoformat() == "2027-01-01T00:00:00+08:00"
