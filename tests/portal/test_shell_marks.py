"""Words and marks: durations, clock chips, moments, amounts; pieces of templates."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import engines
from django.utils import translation

from config.portal.templatetags.portal import (
    clock,
    initials,
    money,
    severity_mark,
    status_mark,
    tier,
)
from config.portal.when import full_time, short_time
from config.shared.chips import (
    ClockChip,
    ClockState,
    PagerLinks,
    clock_sentence,
    clock_words,
    duration_words,
)

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # Friday 14:30 in Shanghai
HOUR, DAY = 3600, 86_400


def draw(text: str, **context: object) -> str:
    return engines["django"].from_string(text).render(context)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0m"),
        (59, "0m"),
        (60, "1m"),
        (40 * 60, "40m"),
        (HOUR, "1h"),
        (HOUR + 40 * 60 + 59, "1h 40m"),
        (22 * HOUR, "22h"),
        (DAY, "1d"),
        (DAY + 59 * 60, "1d"),
        (DAY + 4 * HOUR, "1d 4h"),
        (40 * DAY + HOUR, "40d 1h"),
        (-5, "0m"),
    ],
)
def test_a_duration_shows_its_two_largest_units(seconds: int, words: str) -> None:
    assert duration_words(seconds) == words


def test_a_day_may_be_a_working_day() -> None:
    working = 8 * HOUR + 1800
    assert duration_words(working + 4 * HOUR, day_seconds=working) == "1d 4h"
    assert duration_words(working - 60, day_seconds=working) == "8h 29m"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ok", "1h 40m left"),
        ("risk", "1h 40m left"),
        ("over", "1h 40m overdue"),
        ("paused", "Paused, 1h 40m left"),
        ("met", "Met in 1h 40m"),
        ("missed", "Missed by 1h 40m"),
    ],
)
def test_each_state_has_its_sentence_and_shape(state: ClockState, words: str) -> None:
    assert clock_words(6000, state) == words
    drawn = clock(ClockChip(state, seconds=6000, percent=62))
    assert f"clock--{state}" in drawn
    assert words in drawn
    assert ('stroke-dasharray="62 100"' in drawn) == (state == "ok")


def test_limits_in_days_have_words_of_their_own_for_translators() -> None:
    with translation.override("en"):
        assert clock_sentence("over", day_clock=True) % {"time": "2d"} == "2d overdue"
        assert clock_sentence("missed", day_clock=True) % {"time": "2d"} == "Missed by 2d"


def test_a_running_chip_tells_the_browser_how_far_time_counts() -> None:
    until = NOW + timedelta(hours=3)
    chip = ClockChip("over", due_at=NOW, seconds=3000, counted_until=until, url="/c/1/")
    drawn = clock(chip)
    assert 'data-seconds="-3000"' in drawn
    assert f'data-until="{until.isoformat()}"' in drawn
    assert 'data-over="%s overdue"' in drawn
    assert 'hx-trigger="clock-crossed"' in drawn
    assert 'title="Friday 20 November 2026, 14:30"' in drawn


@pytest.mark.parametrize(
    "chip",
    [
        ClockChip("ok", seconds=60),
        ClockChip("paused", seconds=60, counted_until=NOW),
        ClockChip("ok", words="Starts when resolved", counted_until=NOW),
    ],
)
def test_a_resting_chip_is_left_alone_by_the_browser(chip: ClockChip) -> None:
    assert "data-seconds" not in clock(chip)


def test_marks_escape_what_people_wrote() -> None:
    bad = "<b>x</b>"
    assert bad not in clock(ClockChip("met", words=bad, title='"' + bad))
    assert bad not in status_mark("received", bad)
    assert bad not in severity_mark(3, bad)
    assert bad not in draw(
        "{% avatar who %}{% note x %}{% blank x %}{% chip x x x %}", who=bad, x=bad
    )


def test_unknown_codes_draw_nothing_or_themselves() -> None:
    assert tier("gold") == ""
    assert severity_mark(9) == ""
    assert "odd" in status_mark("odd")
    assert clock(None) == ""
    assert draw("{% icon 'no-such-icon' %}").count("#circle") == 1


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 20, 6, 18, tzinfo=UTC), "14:18"),
        (datetime(2026, 11, 19, 16, 0, tzinfo=UTC), "00:00"),
        (datetime(2026, 11, 19, 15, 59, tzinfo=UTC), "Thu 23:59"),
        (datetime(2026, 11, 18, 8, 40, tzinfo=UTC), "Wed 16:40"),
        (datetime(2026, 11, 22, 8, 40, tzinfo=UTC), "Sun 16:40"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "23 Nov"),
        (datetime(2026, 11, 15, 4, 0, tzinfo=UTC), "15 Nov"),
        (datetime(2025, 11, 17, 4, 0, tzinfo=UTC), "17 Nov 2025"),
    ],
)
def test_a_moment_is_short_and_in_the_banks_time(moment: datetime, words: str) -> None:
    assert short_time(moment, NOW) == words


def test_when_keeps_the_whole_moment_in_its_element() -> None:
    drawn = draw("{% when moment %}", moment=NOW - timedelta(days=2), at=NOW)
    assert 'datetime="2026-11-18T14:30+08:00"' in drawn
    assert ">Wed 14:30</time>" in drawn
    assert draw("{% when nothing %}") == "–"
    assert full_time(None) == ""


@pytest.mark.parametrize(
    ("amount", "en", "zh"),
    [
        (Decimal("2000"), "¥2,000", "¥2,000"),
        (Decimal("2000.50"), "¥2,000.50", "¥2,000.50"),
        (Decimal("-35"), "-¥35", "-¥35"),
        (0, "¥0", "¥0"),
        (8_420_000, "¥8,420,000", "842 万元"),
        (8_425_500, "¥8,425,500", "842.55 万元"),
        (100_000_000, "¥100,000,000", "10,000 万元"),
        (8_420_001, "¥8,420,001", "¥8,420,001"),
        (None, "–", "–"),
    ],
)
def test_amounts(amount: Decimal | int | None, en: str, zh: str) -> None:
    assert money(amount) == en
    with translation.override("zh-hans"):
        assert money(amount) == zh


def test_an_avatar_shows_the_family_name() -> None:
    assert initials("林薇") == "林"
    assert initials("Lin Wei") == "LW"
    assert initials(SimpleNamespace(initials="欧")) == "欧"
    assert initials(None) == "?"
    assert initials("  ") == "?"


def test_a_dash_stands_for_nothing_but_not_for_zero() -> None:
    assert draw("{% dash a %}{% dash b %}{% dash c %}", a=None, b=0, c="") == "–0–"


def test_the_pager_shows_only_the_ways_there_are() -> None:
    drawn = draw("{% pager links '#rows' %}", links=PagerLinks(next="?after=5", words="1-50"))
    assert 'href="?after=5"' in drawn
    assert 'hx-target="#rows"' in drawn
    assert 'rel="prev"' not in drawn
    assert "First page" not in drawn
