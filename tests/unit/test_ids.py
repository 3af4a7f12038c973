import random

from tests.support.clock import ManualClock
from trigger_box.ids import IdSource, RunId, snapshot_id, snapshot_number


def test_ids_of_one_millisecond_sort_in_the_order_they_were_made() -> None:
    ids = IdSource(ManualClock())

    made = [ids.run() for _ in range(1_000)]

    assert made == sorted(made)
    assert len(set(made)) == 1_000
    assert {len(run_id) for run_id in made} == {30}


def test_an_id_made_after_the_clock_stepped_back_still_sorts_last() -> None:
    clock = ManualClock()
    ids = IdSource(clock)
    before = ids.run()
    clock.jump(-60_000)

    assert ids.run() > before


def test_two_boxes_make_different_ids_at_the_same_instant() -> None:
    assert IdSource(ManualClock()).run() != IdSource(ManualClock()).run()


def test_a_seed_makes_the_same_ids_again() -> None:
    made = [
        IdSource(ManualClock(), random.Random(7)).run()  # noqa: S311 - repeatable on purpose
        for _ in range(2)
    ]

    assert made[0] == made[1]


def test_p10_snapshot_ids_of_a_run_sort_as_strings_by_their_number() -> None:
    run_id = IdSource(ManualClock()).run()
    numbers = [1, 2, 31, 32, 33, 1_023, 1_024, 999_999, 32**6 - 1]

    made = [snapshot_id(run_id, number) for number in numbers]

    assert made == sorted(made)
    assert [snapshot_number(run_id, one) for one in made] == numbers


def test_a_snapshot_of_another_run_has_no_number_here() -> None:
    ids = IdSource(ManualClock())
    one, other = ids.run(), ids.run()

    assert snapshot_number(one, snapshot_id(other, 3)) is None
    assert snapshot_number(one, "snapshot_") is None
    assert snapshot_number(RunId("run_x"), "nonsense") is None
