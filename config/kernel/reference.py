"""The admin's way with reference data: rights from the reach table, every change in the record.

`ReferenceAdmin` is the base of every editable admin class: read with `admin`/`view`, change with
`admin`/`edit` and the `edit` act of the class's own area; nothing is deleted, rows are switched
off. Sheets (csv, xlsx, at most 5 000 rows) go in and out with formulas disarmed; the library
for them has no types, hence the ignored base classes.
"""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.forms import ExportForm
from import_export.resources import ModelResource
from import_export.tmp_storages import CacheStorage

from config.kernel import journal
from config.kernel.journal import Fact
from config.kernel.models import Recorded
from config.shared.actors import SYSTEM, Actor
from config.shared.claim import hold
from config.shared.formula_guard import guard, unguard
from config.shared.scope import Scope, ScopedQuerySet
from config.shared.sheet_types import SheetLimits
from config.shared.zip_check import check_workbook_zip

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[models.Model]
else:
    _Admin = admin.ModelAdmin

MOST_ROWS: Final = 5000
_LIMITS: Final = SheetLimits(file_size=5 * 1024**2, unpacked_size=50 * 1024**2, cells=150_000)
_NOBODY: Final = Scope(member=None)


def scope_of_request(request: HttpRequest) -> Scope:
    """Return the reader's scope; an empty one for a stranger."""
    scope: Scope = getattr(request, "scope", _NOBODY)
    return scope


def actor_of_request(request: HttpRequest) -> Actor:
    """Return who acts on this page."""
    actor: Actor = getattr(request, "actor", SYSTEM)
    return actor


def record_change(
    row: Recorded, action: str, fields: Sequence[str], *, actor: Actor, at: datetime
) -> None:
    """Write the saved `fields` of a row to its record, under the row's lock; raises `version`."""
    with hold(type(row)._default_manager.filter(pk=row.pk)) as held:
        now = held.rows[0]
        row.version, row.event_seq, row.head_hash = now.version, now.event_seq, now.head_hash
        fact = Fact(row, action, {"fields": ", ".join(sorted(fields))})
        journal.append([fact], actor=actor, at=at, save=[*fields])


class SafeXLSX(XLSX):  # type: ignore[misc]
    """xlsx that refuses packed bombs."""

    def create_dataset(self, in_stream: bytes) -> Any:
        """Return the rows of the first sheet."""
        check_workbook_zip(BytesIO(in_stream), limits=_LIMITS)
        return super().create_dataset(in_stream)


class ReferenceResource(ModelResource):  # type: ignore[misc]
    """Rows of reference data as a sheet: validated, unchanged ones skipped, changes recorded."""

    added_action = ""
    changed_action = ""

    def __init__(self, actor: Actor = SYSTEM, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.actor = actor

    def before_import(self, dataset: Any, **_kwargs: Any) -> None:
        """Refuse sheets that are too long."""
        if len(dataset) > MOST_ROWS:
            raise ValueError(_("At most %(rows)s rows can be loaded here.") % {"rows": MOST_ROWS})

    def before_import_row(self, row: dict[str, Any], **_kwargs: Any) -> None:
        """Take off the apostrophes that guarded formula-like texts on the way out."""
        for name, value in row.items():
            if isinstance(value, str):
                row[name] = unguard(value).strip()

    def before_save_instance(self, instance: Recorded, row: Any, **_kwargs: Any) -> None:
        """Find out which fields the sheet changes."""
        names = [name for name in self.get_import_field_names() if name != "id"]
        stored = type(instance)._default_manager.filter(pk=instance.pk).first()
        fields = [instance._meta.get_field(name).attname for name in names]  # type: ignore[union-attr]
        self._changed = [
            name
            for name, attribute in zip(names, fields, strict=True)
            if stored is None or getattr(stored, attribute) != getattr(instance, attribute)
        ]
        self._is_new = stored is None

    def after_save_instance(self, instance: Recorded, row: Any, **_kwargs: Any) -> None:
        """Record the row; in a preview the whole transaction is rolled back."""
        action = self.added_action if self._is_new else self.changed_action
        record_change(instance, action, self._changed, actor=self.actor, at=timezone.now())

    def get_import_field_names(self) -> list[str]:
        """Return the model fields a sheet may set."""
        return [field.attribute for field in self.get_import_fields()]

    def export_field(self, field: Any, instance: models.Model, **kwargs: Any) -> Any:
        """Return one cell; texts that look like formulas are disarmed."""
        value = super().export_field(field, instance, **kwargs)
        return guard(value) if isinstance(value, str) else value


class ReferenceAdmin(ImportExportMixin, _Admin):  # type: ignore[misc]
    """Base of the admin classes for reference data."""

    area: ClassVar[str] = ""
    added_action: ClassVar[str] = ""
    changed_action: ClassVar[str] = ""
    export_form_class = ExportForm
    tmp_storage_class = CacheStorage
    import_template_name = "admin/import_reference.html"
    skip_admin_log = True
    actions = None
    list_per_page = 50
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the reader may look."""
        scope = scope_of_request(request)
        return scope.may("admin") and scope.may(self.area)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the reader may change."""
        scope = scope_of_request(request)
        return scope.may("admin", "edit") and scope.may(self.area, "edit")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the reader may add."""
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are switched off, never deleted."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the room on the index to readers."""
        return self.has_view_permission(request)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Tell whether the reader may load a sheet."""
        return self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Tell whether the reader may take a sheet out."""
        return self.has_view_permission(request)

    def get_import_formats(self) -> list[type]:
        """Return csv and xlsx."""
        return [CSV, SafeXLSX]

    def get_export_formats(self) -> list[type]:
        """Return csv and xlsx."""
        return [CSV, SafeXLSX]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows within scope."""
        rows = super().get_queryset(request)
        return (
            rows.visible_to(scope_of_request(request)) if isinstance(rows, ScopedQuerySet) else rows
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the row of an address; an empty `_to_field` means the primary key."""
        return super().get_object(request, object_id, from_field or None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the row and record which fields changed, in one transaction."""
        if change and not form.changed_data:
            return
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            action = self.changed_action if change else self.added_action
            at = timezone.now()
            record_change(obj, action, form.changed_data, actor=actor_of_request(request), at=at)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: the record has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: the record has it."""

    def get_import_resource_kwargs(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let the resource know who loads the sheet."""
        known = super().get_import_resource_kwargs(request, *args, **kwargs)
        return {**known, "actor": actor_of_request(request)}

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any
    ) -> HttpResponse:
        """Write the sheet and record that it went out."""
        answer: HttpResponse = super()._do_file_export(file_format, request, queryset, **kwargs)
        facts = {"list": self.opts.model_name, "format": file_format.get_title()}
        actor = actor_of_request(request)
        journal.note("exports", "reference.exported", facts, actor=actor, at=timezone.now())
        return answer
