"""Early refusal of requests that are too large; redirects and messages that htmx understands."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from config.shared.htmx import is_htmx, trigger

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


_UNPERSONAL = frozenset({"/healthz", "/readyz"})


class RequestLimits:
    """Answers 413 by Content-Length, before a byte of the body is read.

    Health is asked without a session: its answer must not need the database to know who asks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse or pass on."""
        if request.path in _UNPERSONAL:
            request.META.pop("HTTP_COOKIE", None)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.MAX_REQUEST_BYTES:
            return HttpResponse(
                _("This upload is larger than the portal accepts."),
                status=413,
                content_type="text/plain; charset=utf-8",
            )
        return self.get_response(request)


class HtmxAnswers:
    """Lets views answer htmx like any other browser.

    A redirect makes the whole page go there (htmx would swap the new page into the target), and
    messages of the request become toasts when the answer is only a piece of a page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Translate the answer where htmx asked."""
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if not is_htmx(request) or "HX-Redirect" in response.headers:
            return response
        if response.status_code in _REDIRECTS:
            target = response.headers["Location"]
            gone = HttpResponse(status=200, headers={"HX-Redirect": target})
            gone.cookies = response.cookies
            return gone
        waiting = list(get_messages(request))
        if waiting:
            tones = [(str(message), message.level_tag) for message in waiting]
            trigger(response, "toasts", [{"text": text, "tone": tone} for text, tone in tones])
        return response
