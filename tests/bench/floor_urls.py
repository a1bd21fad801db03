"""The addresses of the portal and one plain page: the floor that every list is compared with."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from complaints.models import Case
from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as portal_urls

ROWS = 50
PAGE = engines["django"].from_string(
    "<!doctype html><title>Floor</title><table>{% for c in rows %}<tr><td>{{ c.number }}"
    "<td>{{ c.core_issue }}<td>{{ c.department.name_en }}<td>{{ c.type.name_en }}"
    "<td>{{ c.next_due_at }}{% endfor %}</table>"
)


def floor(request: HttpRequest) -> HttpResponse:
    """Show the newest rows: sign-in and scope as everywhere, one query, one table."""
    rows = Case.objects.select_related("department", "type").order_by("-pk")[:ROWS]
    return HttpResponse(PAGE.render({"rows": rows}, request))


urlpatterns = [*portal_urls, path("floor/", floor)]

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
