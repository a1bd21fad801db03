"""Reference data of the platform in the admin: the growing lists."""

from typing import ClassVar

from django.contrib import admin

from config.kernel.models import Term
from config.kernel.reference import ReferenceAdmin, ReferenceResource


class TermResource(ReferenceResource):
    """Terms as a sheet; (taxonomy, code) is the key."""

    added_action = "term.added"
    changed_action = "term.changed"

    class Meta:
        model = Term
        fields = ("taxonomy", "code", "name_en", "name_zh", "order", "active", "jrt_code")
        import_id_fields = ("taxonomy", "code")
        clean_model_instances = True
        skip_unchanged = True


@admin.register(Term)
class TermAdmin(ReferenceAdmin):
    """One list per taxonomy; an entry that was used is switched off, not deleted."""

    area = "terms"
    added_action = "term.added"
    changed_action = "term.changed"
    resource_classes: ClassVar[list[type]] = [TermResource]
    list_display = ("code", "name_en", "name_zh", "taxonomy", "order", "active")
    list_filter = ("taxonomy", "active")
    search_fields = ("code", "name_en", "name_zh")
    autocomplete_fields = ("parent",)
    list_select_related = ("parent",)
    fields = (
        "taxonomy", "code", "name_en", "name_zh", "parent", "order", "active",
        "valid_from", "valid_to", "jrt_code", "flags",
    )  # fmt: skip

    def get_readonly_fields(self, request: object, obj: object = None) -> tuple[str, ...]:
        """Keep the key of an entry: cases and rules name it."""
        return ("taxonomy", "code") if obj else ()
