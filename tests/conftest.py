"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No test is timed: a busy machine must not turn one red. Benchmarks measure.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
