"""The embedded broker hands over whole messages, each once, while others write."""

from concurrent.futures import ThreadPoolExecutor
from queue import Empty

import pytest
from kombu.connection import Connection

from config.celery import app
from config.kernel import file_broker

MESSAGES = 400


@pytest.fixture
def connect(tmp_path):
    folders = {name: tmp_path / name for name in ("queue", "done", "control")}
    for folder in folders.values():
        folder.mkdir()
    options = {
        "data_folder_in": str(folders["queue"]),
        "data_folder_out": str(folders["queue"]),
        "processed_folder": str(folders["done"]),
        "control_folder": str(folders["control"]),
        "store_processed": True,
    }
    return lambda: Connection("filesystem://", transport_options=options)


def test_the_file_scheme_is_ours():
    assert isinstance(app.connection_for_write("filesystem://").transport, file_broker.Transport)


def write(connect, part):
    with connect() as connection:
        channel = connection.channel()
        for number in range(part, MESSAGES, 2):
            channel._put("default", {"body": "x" * 2000, "number": number})


def read(connect, done):
    """Numbers taken until `done` says that nothing more comes and the queue is empty."""
    found = []
    with connect() as connection:
        channel = connection.channel()
        while True:
            finished = done()
            try:
                found.append(channel._get("default")["number"])
            except Empty:
                if finished:
                    return found


def test_messages_written_while_others_read_arrive_whole_and_once(connect):
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, connect, part) for part in range(2)]
        done = lambda: all(each.done() for each in writers)  # noqa: E731
        readers = [pool.submit(read, connect, done) for _ in range(2)]
        numbers = [number for each in readers for number in each.result(timeout=60)]
    assert [each.result() for each in writers] == [None, None]
    assert sorted(numbers) == list(range(MESSAGES))


def test_a_message_cut_by_a_power_failure_is_dropped(connect, tmp_path):
    (tmp_path / "queue" / "1_a.default.msg").write_bytes(b"")
    with connect() as connection, pytest.raises(Empty):
        connection.channel()._get("default")
    assert not list((tmp_path / "queue").iterdir())
