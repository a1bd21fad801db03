"""Forms of the customer pages: register, change tier, assign a manager, edit contacts, reveal."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from config.shared.forms import CleanText, VersionedForm
from config.shared.masking import mask_email, mask_phone
from config.shared.phones import normalise_phone
from config.shared.scope import Reach, Scope
from customers.filters import branches_for, managers_for
from customers.models import ContactPoint, Customer
from customers.models.customer import ContactKind, CustomerKind, Tier
from customers.registering import ContactDraft, CustomerDraft
from staff.models import Department, Person

_PHONES: Final = frozenset({ContactKind.MOBILE, ContactKind.PHONE})
_LANGUAGES: Final = (("zh-hans", "简体中文"), ("en", "English"))
_IDENTITIES: Final = (
    ("", "–"),
    ("id_card", _("Identity card")),
    ("passport", _("Passport")),
    ("uscc", _("Unified social credit code")),
    ("other", _("Other")),
)
_ID_LONGEST: Final = 30


def masked(point: ContactPoint) -> str:
    """Return a contact point as it stands on pages: enough to recognise it, not to use it."""
    if point.kind in _PHONES:
        return mask_phone(point.value)
    if point.kind == ContactKind.EMAIL:
        return mask_email(point.value)
    return f"{point.value[:2]}••••" if point.value else ""


def checked_value(kind: str, value: str) -> str:
    """Return a clean value of this kind; raises ValidationError in words."""
    if kind in _PHONES and normalise_phone(value) is None:
        raise ValidationError(_("This is not a telephone number."))
    if kind == ContactKind.EMAIL:
        validate_email(value)
    return value.strip()


class ReasonForm(forms.Form):
    """Why data is shown in clear."""

    reason = CleanText(label=_("Reason"), rows=2, max_length=300)


class TierForm(VersionedForm):
    """Another tier, with the reason."""

    tier = forms.ChoiceField(label=_("Tier"), choices=Tier.choices)
    reason = CleanText(label=_("Reason"), rows=3, max_length=200)

    def __init__(self, *args: Any, customer: Customer, **options: Any) -> None:
        options.setdefault("initial", {"tier": customer.tier})
        super().__init__(*args, row_version=customer.version, **options)
        self._before = customer.tier

    def clean_tier(self) -> str:
        """Return the tier; the one in force is no change."""
        tier = str(self.cleaned_data["tier"])
        if tier == self._before:
            raise ValidationError(_("The customer has this tier already."))
        return tier


class ManagerForm(VersionedForm):
    """Another relationship manager, or none."""

    rm = forms.ModelChoiceField(
        label=_("Relationship manager"),
        queryset=Person.objects.none(),
        required=False,
        empty_label=_("Nobody"),
    )

    def __init__(self, *args: Any, customer: Customer, scope: Scope, **options: Any) -> None:
        options.setdefault("initial", {"rm": customer.rm_id})
        super().__init__(*args, row_version=customer.version, **options)
        field: Any = self.fields["rm"]
        field.queryset = managers_for(scope)


class ContactsForm(VersionedForm):
    """Contact points: take some away, prefer one, add one. Known values stay masked."""

    remove = forms.MultipleChoiceField(
        label=_("Remove"), required=False, widget=forms.CheckboxSelectMultiple
    )
    preferred = forms.ChoiceField(label=_("Preferred"), required=False)
    kind = forms.ChoiceField(label=_("Add"), required=False)
    value = CleanText(label=_("Number or address"), required=False, max_length=200)
    consent = forms.BooleanField(
        label=_("The customer agreed to be reached this way"), required=False, initial=True
    )

    def __init__(self, *args: Any, customer: Customer, **options: Any) -> None:
        super().__init__(*args, row_version=customer.version, **options)
        self.points = {str(x.pk): x for x in customer.contacts.order_by("-preferred", "kind", "pk")}
        known = [
            (pk, f"{point.get_kind_display()} {masked(point)}") for pk, point in self.points.items()
        ]
        self._offer("remove", known)
        self._offer("preferred", [("", "–"), *known])
        self._offer("kind", [("", "–"), *ContactKind.choices])
        liked = next((pk for pk, point in self.points.items() if point.preferred), "")
        self.fields["preferred"].initial = liked

    def clean(self) -> dict[str, Any]:
        """Check the new value by its kind, and that something remains to be preferred."""
        given: dict[str, Any] = super().clean() or {}
        kind, value = given.get("kind", ""), given.get("value", "")
        if bool(kind) != bool(value):
            field = "value" if kind else "kind"
            self.add_error(field, _("Kind and value belong together."))
        elif kind:
            try:
                given["value"] = checked_value(kind, value)
            except ValidationError as error:
                self.add_error("value", error)
        return given

    def drafts(self) -> list[ContactDraft]:
        """Return the contact points as they shall be."""
        given = self.cleaned_data
        kept = [
            ContactDraft(
                point.kind, point.value, preferred=pk == given["preferred"], consent=point.consent
            )
            for pk, point in self.points.items()
            if pk not in given["remove"]
        ]
        if given["kind"]:
            kept.append(ContactDraft(given["kind"], given["value"], consent=given["consent"]))
        return kept

    def _offer(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices


class RegisterForm(forms.Form):
    """A new customer."""

    kind = forms.ChoiceField(label=_("Kind"), choices=CustomerKind.choices)
    name = CleanText(label=_("Name"), max_length=120)
    mobile = CleanText(label=_("Mobile"), required=False, max_length=30)
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=200)
    id_kind = forms.ChoiceField(label=_("Identity document"), choices=_IDENTITIES, required=False)
    id_number = CleanText(label=_("Identity number"), required=False, max_length=_ID_LONGEST)
    branch = forms.ModelChoiceField(
        label=_("Branch"), queryset=Department.objects.none(), required=False, empty_label="–"
    )
    language = forms.ChoiceField(label=_("Language"), choices=_LANGUAGES)

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self._scope = scope
        field: Any = self.fields["branch"]
        field.queryset = branches_for(scope, "register")
        if Reach.ALL not in scope.to("customers"):  # else one would lose sight of the new one
            field.required = True

    def clean_mobile(self) -> str:
        """Return the number when it is one."""
        given = str(self.cleaned_data["mobile"])
        return checked_value(ContactKind.MOBILE, given) if given else ""

    def clean(self) -> dict[str, Any]:
        """Ask for a way to reach the customer; kind and number of the document go together."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given.get("mobile") and not given.get("email"):
            self.add_error("mobile", _("Give a telephone number or an e-mail address."))
        if bool(given.get("id_kind")) != bool(given.get("id_number")):
            self.add_error("id_number", _("Document and number belong together."))
        return given

    def draft(self, me: Person) -> CustomerDraft:
        """Return the customer to register; who reaches only own customers becomes the manager."""
        given = self.cleaned_data
        contacts = [
            ContactDraft(kind, given[name], preferred=name == "mobile")
            for name, kind in (("mobile", ContactKind.MOBILE), ("email", ContactKind.EMAIL))
            if given[name]
        ]
        own = self._scope.to("customers", "register") == Reach.OWN
        return CustomerDraft(
            name=given["name"],
            kind=given["kind"],
            id_kind=given["id_kind"],
            id_number=given["id_number"],
            contacts=contacts,
            rm=me if own else None,
            branch=given["branch"],
            language=given["language"],
        )
