"""Care by the customer's emotion: the words of DOMAIN.md §4.5 and where they are shown."""

import pytest

from complaints.models import Case
from complaints.teamwork import care


@pytest.mark.parametrize(
    ("level", "words"),
    [(None, ""), (0, ""), (1, "Thank"), (3, "One contact person"), (4, "private place"),
     (5, "recorded")],
)  # fmt: skip
def test_what_to_do_for_each_level(level, words):
    assert words in care.advice(level)
    assert bool(care.advice(level)) is bool(words)


@pytest.mark.parametrize(
    ("start", "now", "shown"),
    [(None, None, False), (2, None, False), (3, None, True), (5, 1, False), (1, 4, True)],
)
def test_the_case_shows_the_care_for_the_emotion_as_last_noted(start, now, shown):
    case = Case(emotion=start, emotion_now=now)
    assert bool(care.of_case(case)) is shown
