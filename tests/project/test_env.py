"""Secrets a machine makes for itself: one for all processes, readable by nobody else."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config import env


def test_processes_that_start_together_read_one_whole_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: env.kept_secret(tmp_path / "keys", f"k{n // 8}"), range(64)))
    for one in range(8):
        assert len(set(read[8 * one : 8 * one + 8])) == 1
    assert len(set(read)) == 8
    assert {len(secret) for secret in read} == {64}
    kept = list((tmp_path / "keys").iterdir())
    assert sorted(path.name for path in kept) == [f"k{n}" for n in range(8)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
