"""`manage.py show_metrics [YYYY-MM]`: the bank's figures of one month, with their denominators."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.shared.metrics import Figure, Metric, Period, figure
from config.shared.registry import contributed
from config.shared.scope import WHOLE_BANK


class Command(BaseCommand):
    """Print every contributed metric for the whole bank."""

    help = "Print the figures of one month: numerator, denominator, rate, interval, target."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the month; default is the present one."""
        parser.add_argument("month", nargs="?", default="")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print one line per metric."""
        period = _period(options["month"])
        for metric in contributed(Metric).values():
            line = _line(metric, figure(metric, period, WHOLE_BANK))
            self.stdout.write(f"{line}{_beside(metric, period)}")


def _period(text: str) -> Period:
    """Return the month named by `text` (2026-10), or the present one."""
    try:
        year, month = (int(part) for part in (text or f"{timezone.localdate():%Y-%m}").split("-"))
        return Period.month(year, month)
    except ValueError as error:
        message = f"{text!r} is not a month: write it as 2026-10."
        raise CommandError(message) from error


def _beside(metric: Metric, period: Period) -> str:
    """Return the number that stands beside the rate, e.g. `; median time to tell 3.5 h`."""
    if metric.beside is None:
        return ""
    value = metric.beside.value(period, WHOLE_BANK)
    said = "–" if value is None else f"{value:.1f} {metric.beside.unit}"
    return f"; {metric.beside.title} {said}"


def _line(metric: Metric, found: Figure) -> str:
    """Return e.g. `K02 Timely handling rate: 87.6 % (219 of 250; 0.829-0.912), target 90 %`."""
    target = "" if metric.target is None else f", target {metric.target:g} {metric.unit}"
    if found.of is None:
        return f"{metric.key} {metric.title}: {found.count} {metric.unit}{target}"
    if found.share is None or found.interval is None:
        return f"{metric.key} {metric.title}: – (0 of 0){target}"
    low, high = found.interval
    rate = f"{float(100 * found.share):.1f} %" if found.enough else "too few"
    of = f"{found.count} of {found.of}; {low:.3f}-{high:.3f}"
    return f"{metric.key} {metric.title}: {rate} ({of}){target}"
