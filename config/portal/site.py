"""The admin site for reference data."""

from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kernel.reference import scope_of_request
from staff import accounts
from staff.http import safe_target


class PortalAdminSite(AdminSite):
    """Stock admin with our titles and sign-in; rights come from the reach table."""

    site_header = _("Huiyin reference data")
    site_title = _("Huiyin")
    index_title = _("Reference data")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the reader may open the admin at all."""
        return request.user.is_authenticated and scope_of_request(request).may("admin")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Wrap a view: people without the right get 403, not a second sign-in page."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return wrapped

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send everybody to the one sign-in page."""
        target = safe_target(request, "admin:index")
        return redirect(target) if self.has_permission(request) else redirect_to_login(target)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """End the session like the portal's own button."""
        if request.method != "POST":
            return HttpResponse(status=405)
        accounts.sign_out(request, at=timezone.now())
        return redirect("login")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Use the portal's own page."""
        return redirect("password")
