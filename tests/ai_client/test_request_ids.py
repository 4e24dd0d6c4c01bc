"""Ids of requests: never twice, and in the order of time."""

from __future__ import annotations

import os
import random
import re

from ai_client.log.request_ids import new_request_id


def test_ids_are_all_different_and_of_one_shape() -> None:
    ids = [new_request_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"req_[0-9a-f]{32}", each) for each in ids)


def test_a_site_that_seeds_random_gets_fresh_ids_all_the_same() -> None:
    state = random.getstate()
    try:
        random.seed(1)
        first = new_request_id()
        random.seed(1)
        assert new_request_id()[16:] != first[16:]
    finally:
        random.setstate(state)


def test_later_ids_sort_after_earlier_ones_by_their_milliseconds() -> None:
    times = [new_request_id()[4:16] for _ in range(1000)]
    assert times == sorted(times)


def test_a_forked_worker_does_not_repeat_the_ids_of_its_parent() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_request_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as end:
        os.close(writing)
        assert end.read().decode()[16:] != new_request_id()[16:]
