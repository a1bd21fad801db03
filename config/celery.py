"""The Celery application. Work lives in the database; Celery only rings the bell."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, import_modules
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
TRANSPORT_ALIASES["filesystem"] = "config.kernel.file_broker:Transport"

app = Celery("huiyin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["config.kernel"])


@import_modules.connect(weak=False)  # type: ignore[untyped-decorator]  # celery has no types
def fill_beat_table(**_: Any) -> None:
    """Read the due work of all rooms. Runs in beat and worker, after Celery has set Django up."""
    from config.schedule import beat_schedule  # noqa: PLC0415 - needs the app registry

    app.conf.beat_schedule = beat_schedule()


@celeryd_init.connect(weak=False)  # type: ignore[untyped-decorator]  # celery has no types
def let_worker_wait(conf: Any, **_: Any) -> None:
    """Give the worker's blocking reads more time than a page has for ringing."""
    options = dict(conf.broker_transport_options or {})
    if "socket_timeout" in options:
        conf.broker_transport_options = {**options, "socket_timeout": 15}
