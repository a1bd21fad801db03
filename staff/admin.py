"""Units, people and accounts in the admin."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kernel import journal
from config.kernel.journal import Fact
from config.kernel.models import Term
from config.kernel.reference import (
    ReferenceAdmin,
    ReferenceResource,
    actor_of_request,
    scope_of_request,
)
from config.shared.claim import hold
from staff import calendar as calendars
from staff.models import Account, Department, Person, Qualification, RoleGrant
from staff.passwords import set_temporary_password
from staff.people import refresh_paths
from staff.sessions import end_sessions

if TYPE_CHECKING:
    _DepartmentForm = forms.ModelForm[Department]
    _AccountForm = forms.ModelForm[Account]
    _Inline = admin.TabularInline[RoleGrant, Account]
    _Trainings = admin.TabularInline[Qualification, Person]
else:
    _DepartmentForm = _AccountForm = forms.ModelForm
    _Inline = _Trainings = admin.TabularInline


class DepartmentForm(_DepartmentForm):
    """A unit; it cannot stand below itself, and works by a calendar that was published."""

    calendar = forms.ChoiceField(
        label=_("Calendar"),
        required=False,
        help_text=_("The unit's own working calendar. New clocks of its cases count on it."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "calendar" in self.fields:
            inherited = ("", _("That of the unit above, else the bank's"))
            choices = [inherited, *calendars.titles().items()]
            self.fields["calendar"].choices = choices  # type: ignore[attr-defined]

    class Meta:
        model = Department
        fields = (
            "code", "kind", "name_en", "name_zh", "parent", "superior", "head",
            "city_en", "city_zh", "calendar", "active",
        )  # fmt: skip

    def clean_parent(self) -> Department | None:
        """Refuse a parent that is the unit itself or stands below it."""
        parent: Department | None = self.cleaned_data["parent"]
        if parent and self.instance.pk and f"/{self.instance.pk}/" in parent.path:
            raise forms.ValidationError(_("A unit cannot stand below itself."))
        return parent


class DepartmentResource(ReferenceResource):
    """Units as a sheet, by code; the tree is kept on the page of the unit."""

    added_action = "department.created"
    changed_action = "department.changed"

    class Meta:
        model = Department
        fields = ("code", "kind", "name_en", "name_zh", "city_en", "city_zh", "active")
        import_id_fields = ("code",)
        clean_model_instances = True
        skip_unchanged = True

    def after_import(self, dataset: Any, result: Any, **_kwargs: Any) -> None:
        """Give new units their place in the tree."""
        refresh_paths()


# Rights come from roles (staff/roles.py); a group would only look as if it gave some.
admin.site.unregister(Group)


@admin.register(Department)
class DepartmentAdmin(ReferenceAdmin):
    """Units of the bank with their tree."""

    area = "people"
    added_action = "department.created"
    changed_action = "department.changed"
    form = DepartmentForm  # type: ignore[assignment]
    resource_classes: ClassVar[list[type]] = [DepartmentResource]
    list_display = (
        "code", "name_en", "name_zh", "kind", "parent", "superior", "head", "calendar", "active",
    )  # fmt: skip
    list_filter = ("kind", "active")
    list_select_related = ("parent", "superior", "head")
    search_fields = ("code", "name_en", "name_zh")
    autocomplete_fields = ("parent", "superior", "head")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save, record, and keep the tree."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            refresh_paths()


class PersonResource(ReferenceResource):
    """People as a sheet, by staff number."""

    added_action = "person.joined"
    changed_action = "person.changed"

    class Meta:
        model = Person
        fields = (
            "staff_no", "name_en", "name_zh", "department", "post_en", "post_zh", "email",
            "joined_on",
        )  # fmt: skip
        import_id_fields = ("staff_no",)
        clean_model_instances = True
        skip_unchanged = True
        widgets: ClassVar[dict[str, dict[str, str]]] = {"department": {"field": "code"}}


class _RowsOfPeople:
    """Rows below a person or an account: readers of the admin see them, administrators edit."""

    def _may_edit(self, request: HttpRequest) -> bool:
        scope = scope_of_request(request)
        return scope.may("admin", "edit") and scope.may("people", "edit")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show the rows to whoever sees the person or account."""
        return scope_of_request(request).may("admin")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators add rows."""
        return self._may_edit(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators change rows."""
        return self._may_edit(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let administrators take rows away."""
        return self._may_edit(request)


class QualificationInline(_RowsOfPeople, _Trainings):
    """The trainings a person has passed; rules may ask for one."""

    model = Qualification
    extra = 0
    fields = ("course", "obtained_on", "valid_until")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the training courses only."""
        if db_field.name == "course":
            kwargs["queryset"] = Term.objects.filter(taxonomy="training_course", active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Person)
class PersonAdmin(ReferenceAdmin):
    """People; leaving is an act of its own and not done by a tick."""

    area = "people"
    added_action = "person.joined"
    changed_action = "person.changed"
    resource_classes: ClassVar[list[type]] = [PersonResource]
    list_display = ("staff_no", "name_en", "name_zh", "department", "post_en", "active")
    list_filter = ("active", "department")
    list_select_related = ("department",)
    search_fields = ("staff_no", "name_en", "name_zh", "email")
    autocomplete_fields = ("department", "reports_to")
    readonly_fields = ("active", "left_on")
    fields = (
        "staff_no", "name_en", "name_zh", "department", "post_en", "post_zh", "email", "mobile",
        "reports_to", "joined_on", "active", "left_on",
    )  # fmt: skip
    inlines = (QualificationInline,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the trainings and record them when they changed."""
        with transaction.atomic():
            super().save_related(request, form, formsets, change)
            if not any(formset.has_changed() for formset in formsets):
                return
            with hold(Person.objects.filter(pk=form.instance.pk)) as held:
                rows = form.instance.qualifications.order_by("course__code", "obtained_on")
                told = {"courses": list(rows.values_list("course__code", flat=True))}
                fact = Fact(held.rows[0], "person.trained", told)
                journal.append([fact], actor=actor_of_request(request), at=timezone.now())


class AccountForm(_AccountForm):
    """An account; a temporary password has to be changed at the next sign-in."""

    temporary_password = forms.CharField(
        label=_("Temporary password"),
        required=False,
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Ends all sessions of this account. Empty: nothing changes."),
    )

    class Meta:
        model = Account
        fields = ("username", "person", "is_active")

    def clean_username(self) -> str:
        """Keep user names in small letters."""
        return str(self.cleaned_data["username"]).strip().lower()

    def clean_temporary_password(self) -> str:
        """Check the rules for passwords; a new account needs one."""
        given: str = self.cleaned_data["temporary_password"]
        if given:
            password_validation.validate_password(given, self.instance)
        elif not self.instance.pk:
            raise forms.ValidationError(_("A new account needs a temporary password."))
        return given


class RoleGrantInline(_RowsOfPeople, _Inline):
    """The roles of an account."""

    model = RoleGrant
    extra = 1
    autocomplete_fields = ("department",)


@admin.register(Account)
class AccountAdmin(ReferenceAdmin):
    """Accounts with their roles. Nobody changes the own one here."""

    area = "people"
    form = AccountForm  # type: ignore[assignment]
    inlines = (RoleGrantInline,)
    list_display = ("username", "person", "is_active", "last_login")
    list_filter = ("is_active", "grants__role")
    list_select_related = ("person",)
    search_fields = ("username", "person__name_en", "person__name_zh", "person__staff_no")
    autocomplete_fields = ("person",)
    fields = ("username", "person", "is_active", "temporary_password")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the password field out for readers."""
        names = list(super().get_fields(request, obj))
        return names if self.has_change_permission(request, obj) else names[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep an account with its person."""
        return ("person",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the reader may change; nobody gives themselves rights."""
        is_own = obj is not None and obj.pk == request.user.pk
        return not is_own and super().has_change_permission(request, obj)

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Refuse: accounts are opened one by one."""
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Refuse: the access review is a report."""
        return False

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:  # type: ignore[override]  # noqa: FBT001 - Django's signature
        """Save the account, end sessions of a disabled one, set a temporary password."""
        actor, at = actor_of_request(request), timezone.now()
        password = form.cleaned_data.get("temporary_password")
        with transaction.atomic():
            if not change:
                obj.set_unusable_password()
            obj.save()
            if password:
                set_temporary_password(obj, password, actor=actor, at=at)
            if not obj.is_active:
                end_sessions([obj.pk])
            told = {"username": obj.username, "fields": ", ".join(sorted(form.changed_data))}
            with hold(Person.objects.filter(pk=obj.person_id)) as held:
                journal.append([Fact(held.rows[0], "person.account", told)], actor=actor, at=at)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the roles and record them when they changed."""
        account: Account = form.instance
        with transaction.atomic():
            before = sorted(account.grants.values_list("role", flat=True))
            super().save_related(request, form, formsets, change)
            after = sorted(account.grants.values_list("role", flat=True))
            if not any(formset.has_changed() for formset in formsets):
                return
            told = {"before": before, "after": after}
            with hold(Person.objects.filter(pk=account.person_id)) as held:
                fact = Fact(held.rows[0], "person.roles", told)
                journal.append([fact], actor=actor_of_request(request), at=timezone.now())
