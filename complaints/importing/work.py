"""The job `case_import`: checks an uploaded file, waits for a person, then loads it.

Params: `name` (of the file, without path), `profile` ("" = told by the headings), `key` (of the
upload form, so that a double click starts one job), `rules` (of an uploaded department file).
"""

import io
from collections import Counter
from functools import partial
from typing import Any, Final, cast

from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _

from complaints.importing.cfpb import Rule
from complaints.importing.checking import FIGURES, Sorted, Sorter, chunks
from complaints.importing.reading import bank_zone
from complaints.importing.running import Loader, account_for, breathe, figures
from complaints.importing.shapes import CaseRow, Remark
from complaints.importing.table import Table, open_table
from config.kernel import files, jobs
from config.kernel.job_runs import JobRun
from config.kernel.models import Job, JobRow
from config.shared.actors import SYSTEM, Actor
from config.shared.cell_values import as_text
from config.shared.sheet_writing import Column, printable, write_xlsx
from staff.models import Account, Person

KIND: Final = "case_import"
PER_TRANSACTION: Final = 50
MOST_REMARKS: Final = 2_000
MOST_BAD_ROWS: Final = 5_000
CHECKED_AT_ONCE: Final = 500


def table_of(job: Job) -> Table:
    """Open the file of a job; raises SheetError or ImportRefused in words."""
    source = job.source
    if source is None:
        raise ValueError(job.pk)
    opener = cast("Any", partial(files.open_path, source))
    rules = [Rule(**rule) for rule in job.params.get("rules", [])]
    name, profile = str(job.params.get("name", "")), str(job.params.get("profile", ""))
    return open_table(opener, name=name, profile_key=profile, rules=rules)


def check(run: JobRun) -> None:
    """Read the whole file and write down what would happen; nothing is loaded."""
    job = run.job
    JobRow.objects.filter(job=job).delete()
    table, sorter, bad = table_of(job), Sorter(), list[CaseRow]()
    told = 0
    for chunk in chunks(table.rows(run.at()), CHECKED_AT_ONCE):
        found = sorter.sort(chunk)
        sorter.count(found)
        bad += found.bad[: MOST_BAD_ROWS - len(bad)]
        remarks = found.remarks()[: MOST_REMARKS - told]
        told += len(remarks)
        with transaction.atomic():
            jobs.remark(job, map(_job_row, remarks))
            run.progress(
                done=sorter.counts["rows"], total=table.total, counts=figures(sorter.counts)
            )
        if run.cancelled() and run.saw_cancel:
            return
        run.out_of_time = False  # a check is short and begins at the top: it is not cut in two
    account_for(table, sorter.counts)
    _remember_table(job, table)
    if bad:
        _keep_bad_rows(run, table, bad)


def load(run: JobRun) -> None:
    """Load what the check found new, from the checkpoint on; faulty rows are left out."""
    job = run.job
    table, sorter, loader = table_of(job), Sorter(), _loader(job)
    after = int(job.checkpoint.get("row", 0))
    if after:
        sorter.counts = Counter({name: int(job.counts.get(name, 0)) for name in FIGURES})
    else:
        JobRow.objects.filter(job=job).delete()
    for chunk in chunks(table.rows(run.at(), after=after), PER_TRANSACTION):
        began = run.at()
        with transaction.atomic():
            found = loader.load(chunk, sorter, at=run.at())
            _note(run, table, chunk, found, sorter)
        if run.cancelled():
            return
        breathe((run.at() - began).total_seconds())
    account_for(table, sorter.counts)


def _note(run: JobRun, table: Table, chunk: list[CaseRow], found: Sorted, sorter: Sorter) -> None:
    """Write remarks and checkpoint of a chunk, in its transaction."""
    left = MOST_REMARKS - JobRow.objects.filter(job=run.job).count()
    jobs.remark(run.job, map(_job_row, found.remarks()[: max(left, 0)]))
    run.progress(
        done=sorter.counts["rows"],
        total=table.total,
        checkpoint={"row": chunk[-1].number},
        counts=figures(sorter.counts),
    )


def _loader(job: Job) -> Loader:
    """Return who loads: the person who asked."""
    person = Person.objects.filter(pk=job.owner_id or 0).first()
    if person is None:
        return Loader(SYSTEM)
    return Loader(Actor("person", person.pk, f"{person.name_en} {person.name_zh}"), person)


def link(job: Job) -> str:
    """Return the page of an import, for notices."""
    try:
        return reverse("import", args=[job.pk])
    except NoReverseMatch:
        return ""


def _job_row(remark: Remark) -> JobRow:
    """Return a remark as a row of the job."""
    return JobRow(
        number=remark.number,
        kind=remark.kind,
        column=printable(remark.column)[:120],
        value=remark.value,
        message=remark.message,
        params=dict(remark.params),
    )


def _remember_table(job: Job, table: Table) -> None:
    """Keep what was found out about the file, for the page."""
    job.params |= {
        "profile": table.profile.key,
        "sheet": table.sheet_name or "",
        "encoding": table.encoding or "",
        "order": table.order,
    }
    Job.objects.filter(pk=job.pk, lease=job.lease).update(params=job.params)


def _keep_bad_rows(run: JobRun, table: Table, bad: list[CaseRow]) -> None:
    """Store the faulty rows as a workbook in the owner's language: row, what to fix, the cells."""
    owner = Account.objects.filter(person_id=run.job.owner_id or 0).first()
    with translation.override((owner and owner.language) or "zh-hans"):
        headers = [name for name in table.headers if name]
        columns = [Column("row", _("Row"), "int", 8), Column("fix", _("What to fix"), "text", 50)]
        columns += [Column(str(place), name) for place, name in enumerate(headers)]
        target = io.BytesIO()
        rows = (
            [row.number, _fixes(row), *(as_text(row.cells.get(h)) for h in headers)] for row in bad
        )
        write_xlsx(target, columns, rows, zone=bank_zone(), title_note=run.job.title)
        name = _("rows-to-correct") + ".xlsx"
    content = files.Produced(name, target.getvalue()).as_file()
    run.keep_errors(files.store(content, kind=KIND, uploaded_by_id=run.job.owner_id, at=run.at()))


def _fixes(row: CaseRow) -> str:
    """Return all faults of a row in words, with their columns."""
    return "\n".join(
        f"{remark.column}: {remark.text}" if remark.column else remark.text
        for remark in row.remarks
        if remark.kind == "error"
    )
