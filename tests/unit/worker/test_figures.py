"""The arithmetic of figures: which bucket a time is counted in, and what the buckets tell of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.figures import BOUNDS_SECONDS, LABELS, OF_THE_LEDGER, OF_THE_RECEIVER, Name, bucket_of, quantile


def test_a_time_is_counted_under_the_bound_above_it() -> None:
    """The first bucket ends at the first bound, the last one has no end."""
    assert [bucket_of(seconds) for seconds in (0, 0.0009, 0.001, 0.3, 3599, 3600, 1e9)] == [0, 0, 1, 8, 17, 18, 18]


@pytest.mark.parametrize(
    ("buckets", "share", "seconds"),
    [
        ({}, 0.5, None),
        ({3: 0}, 0.5, None),
        ({3: 10}, 0.5, 0.0075),
        ({3: 10}, 1.0, 0.01),
        ({3: 98, 9: 2}, 0.5, 0.005 + 0.005 * 50 / 98),
        ({3: 98, 9: 2}, 0.99, 0.75),
        ({18: 4}, 0.5, 3600.0),
        ({0: 1, 18: 99}, 0.99, 3600.0),
    ],
)
def test_a_quantile_is_read_from_the_buckets(buckets: dict[int, int], share: float, seconds: float | None) -> None:
    """Spread evenly within a bucket; what is longer than the last bound counts as that."""
    assert quantile(buckets, share) == (None if seconds is None else pytest.approx(seconds))


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_never_a_bucket_off(times: list[float], share: float) -> None:
    """It lies in the bucket, borders included, of the time that it stands for."""
    buckets: dict[int, int] = {}
    for seconds in times:
        buckets[bucket_of(seconds)] = buckets.get(bucket_of(seconds), 0) + 1
    ordered = sorted(times)
    meant = ordered[next(rank for rank in range(len(times)) if rank + 1 >= share * len(times))]

    found = quantile(buckets, share)

    bounds = (0.0, *BOUNDS_SECONDS, BOUNDS_SECONDS[-1])
    assert found is not None
    assert bounds[bucket_of(meant)] <= found <= bounds[bucket_of(meant) + 1]


def test_each_figure_has_one_origin() -> None:
    """What is read from the ledger and what the receiver counts are apart; only the look at what is open is neither."""
    assert not OF_THE_LEDGER & OF_THE_RECEIVER
    assert set(Name) - OF_THE_LEDGER - OF_THE_RECEIVER == {Name.OPEN}
    assert set(LABELS) <= set(Name)
