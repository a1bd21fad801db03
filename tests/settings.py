"""Settings of the test suite: the real settings in test mode, with their own var folder."""

import os
import tempfile
from pathlib import Path

os.environ["PORTAL_MODE"] = "test"
os.environ.setdefault("PORTAL_VAR", str(Path(tempfile.gettempdir()) / "huiyin-test"))

# The marks of texts hang on this key (MinHash): the same key on every machine, the same answers.
_KEY = Path(os.environ["PORTAL_VAR"]) / "keys" / "index_key"
if not _KEY.exists() or _KEY.read_text(encoding="utf-8") != "huiyin-tests-" * 5:
    _KEY.parent.mkdir(parents=True, exist_ok=True)
    _made = _KEY.with_name(f".index_key.{os.getpid()}")
    _made.write_text("huiyin-tests-" * 5, encoding="utf-8")
    _made.replace(_KEY)

from config.settings import *  # noqa: E402, F403

MESSAGE_RECALL_SECONDS = 0  # letters leave at once; the tests of the recall set it themselves
