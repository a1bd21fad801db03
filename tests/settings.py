"""Settings of the test suite: the real settings in test mode, with their own var folder."""

import os
import tempfile
from pathlib import Path

os.environ["PORTAL_MODE"] = "test"
os.environ.setdefault("PORTAL_VAR", str(Path(tempfile.gettempdir()) / "huiyin-test"))

from config.settings import *  # noqa: F403

MESSAGE_RECALL_SECONDS = 0  # letters leave at once; the tests of the recall set it themselves
