"""An import and an export as a person does them, in Chromium."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from complaints.models import Case
from config.kernel import job_runs
from tests.browser.conftest import PHONE
from tests.complaints.importing_help import as_csv, cfpb_row, lists_and_units
from tests.factories.staff import AccountFactory


def work_off() -> None:
    job_runs.work(timezone.now() + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("language", "options"),
    [
        ("en", {}),
        ("zh-hans", {"viewport": PHONE, "has_touch": True, "color_scheme": "dark"}),
    ],
)
def test_upload_check_import_export(
    open_page: Callable[..., Any],
    sign_in: Callable[..., None],
    axe: Callable[[Any], None],
    screenshot: Callable[..., Any],
    language: str,
    options: dict[str, Any],
) -> None:
    lists_and_units()
    page = open_page(**options)
    sign_in(page, AccountFactory.create(roles=["CS"], language=language))

    def look(name: str) -> None:
        axe(page)
        screenshot(page, f"{name}-{language}")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0

    page.goto("/imports/")
    look("imports")
    import_a_file(page, look)
    page.goto("/exports/")
    page.click(".pg form button.btn-primary")
    page.wait_for_selector("#export-lists[hx-trigger]")
    look("exports-moving")
    work_off()
    page.wait_for_selector("#export-lists:not([hx-trigger]) a[href$='/file/']")
    look("exports")
    with page.expect_download() as downloaded:
        page.click("a[href$='/file/']")
    assert downloaded.value.suggested_filename.endswith(".xlsx")


def import_a_file(page: Any, look: Callable[[str], None]) -> None:
    """Upload 60 rows, one of them wrong, see the check, confirm, see the result."""
    rows = [cfpb_row(n) for n in range(60)]
    rows[7]["Date received"], rows[9]["Submitted via"] = "tomorrow", "Pigeon"
    content = {"name": "复议 2019.csv", "mimeType": "text/csv", "buffer": as_csv(rows)}
    page.set_input_files("#id_file", content)
    page.click(".pg form button.btn-primary")
    page.wait_for_selector("#import-body[hx-trigger]")
    work_off()
    page.wait_for_selector("#import-body:not([hx-trigger]) .cell-bad")
    look("import-checked")
    page.click("form[action$='/confirm/'] button")
    page.wait_for_selector("#import-body[hx-trigger]")
    work_off()
    page.wait_for_selector("#import-body:not([hx-trigger]) a[href*='/cases/']")
    look("import-done")
    assert Case.objects.count() == 59
