"""What imports and exports of cases bring to the registries."""

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints import export_work
from complaints.importing import work as import_work
from config.kernel.actions import Action
from config.kernel.jobs import JobHandler
from config.shared.registry import Contribution, DueWork, NavItem

_LISTS: Final = {"cases": _("Cases"), "case_import_errors": _("Error rows of an import")}


def contributions() -> list[Contribution]:
    """Return job handlers, due work, actions of the record and entries of the sidebar."""
    shown = {"list": lambda name: _LISTS.get(name, name)}
    return [
        JobHandler(
            import_work.KIND,
            import_work.load,
            check=import_work.check,
            title=_("Import of cases"),
            link=import_work.link,
        ),
        JobHandler(
            export_work.KIND, export_work.run, title=_("Export of cases"), link=export_work.link
        ),
        DueWork("expire_exports", export_work.expire, timedelta(hours=6), queue="bulk"),
        Action(
            "export.made", _("%(count)s rows of “%(list)s” were exported"), "file-export", shown
        ),
        Action("export.downloaded", _("A file of “%(list)s” was downloaded"), "download", shown),
        NavItem("imports", _("Import"), "imports", "file-import", "running", "imports", order=30),
        NavItem(
            "exports", _("Export centre"), "exports", "file-export", "running", "exports", order=40
        ),
    ]
