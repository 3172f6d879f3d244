# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

import skdist
from skdist.sharding import Recall, Request, _journal, _loop, open_journal, running_fit, shard_rows

MUCH = 100_000


class Stop(Exception):
    """In place of a kill."""


def spread(shard, state):
    return np.full(MUCH, state + shard.X.sum())


def climb(folder, *, n_passes=30, dies_at=None, replays=True):
    """A loop of large rounds; the state it began with, and its end."""
    with (
        open_journal(str(folder), Request("skdist.Climb", "fit", {}, {})) as journal,
        running_fit(recall=Recall(journal)),
    ):
        shards = shard_rows(np.arange(6.0).reshape(-1, 1), n_shards=2, n_jobs=1)
        shards.map(np.shape)
        loop = shards.loop(replays=replays)
        begun = done, state = loop.latest((0, 1.0))
        while done < n_passes:
            if done == dies_at:
                raise Stop
            done, state = done + 1, float(shards.map_reduce(spread, state % 7).mean())
            loop.keep((done, state))
        loop.keep((done, state), last=True)
        after = shards.map_reduce(spread, state)[0]
        journal.finish()
        return begun, state, after, journal.n_written


@pytest.mark.parametrize("replays", [True, False])
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_a_loop_goes_on_from_what_it_kept(tmp_path, monkeypatch, every, replays):
    monkeypatch.setattr(_loop, "EVERY", every)
    _, *expected, _ = climb(tmp_path / "other")
    with pytest.raises(Stop):
        climb(tmp_path, dies_at=25, replays=replays)
    begun, *found, n_written = climb(tmp_path, replays=replays)
    assert found == expected
    # Either every pass is kept, or one in 16 MB of them is, of 0.8 MB each.
    assert begun[0] == (25 if every == 0.0 else 21)
    assert n_written == (6 if replays else 31 - begun[0])


def test_a_journal_of_a_loop_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(_loop, "EVERY", 1e9)
    with pytest.raises(Stop):
        climb(tmp_path, n_passes=100, dies_at=99)
    (kept,) = skdist.journals(tmp_path)
    assert kept.bytes < _loop.MOST_BYTES + 20 * MUCH
    climb(tmp_path, n_passes=100)
    (kept,) = skdist.journals(tmp_path)
    assert kept.bytes < 10 * MUCH


def test_without_a_journal_nothing_is_kept():
    shards = shard_rows(np.eye(2), n_shards=2, n_jobs=1)
    loop = shards.loop()
    loop.keep(3)
    assert loop.latest(2) == 2


def test_a_state_is_kept_where_results_are_left_out(tmp_path, monkeypatch):
    """They are computed faster than they are written."""
    monkeypatch.setattr(_loop, "EVERY", 0.0)
    monkeypatch.setattr(_journal, "ALWAYS_WRITTEN", 0)
    monkeypatch.setattr(_journal, "BYTES_PER_SECOND", 0.0)
    with pytest.raises(Stop):
        climb(tmp_path, dies_at=25)
    begun, *_ = climb(tmp_path)
    assert begun[0] == 25


def test_of_the_state_before_only_what_is_needed_is_left(tmp_path):
    with (
        open_journal(str(tmp_path), Request("skdist.Steps", "fit", {}, {})) as journal,
        running_fit(recall=Recall(journal)) as fit,
    ):
        starts = []
        for k in range(4):
            loop = fit.loop(has_rounds=False)
            starts.append(fit.skip())
            # One is not kept: what follows it needs the whole state before.
            if k != 2:
                loop.keep({"whole": np.full(MUCH, k)}, last=True, past=lambda state: len(state))
        found = [journal.checkpoint(start, drop=False) for start in starts]
    assert found[0] == (1, 1)
    assert found[1][0]["whole"][0] == 1 and found[3][0]["whole"][0] == 3
    assert found[2] == ()
    (kept,) = skdist.journals(tmp_path)
    assert kept.bytes < 2.1 * 8 * MUCH
