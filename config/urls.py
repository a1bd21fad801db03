"""All addresses: each room brings its own list."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("staff.urls")),
    path("", include("customers.urls")),
    path("", include("complaints.urls")),
    path("", include("config.portal.urls")),
]

handler400 = "config.portal.errors.bad_request"
handler403 = "config.portal.errors.permission_denied"
handler404 = "config.portal.errors.page_not_found"
handler500 = "config.portal.errors.server_error"
