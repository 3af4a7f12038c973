"""``tags.add``: label the run that executes here, to find it by later."""

from __future__ import annotations

from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.limits import TAGS_MAX
from trigger_box.sdk.runtime import RunRuntime, require_runtime
from trigger_box.sdk.trigger_options import checked_tags


class Tags:
    """The tags of the run that executes here."""

    def __init__(self) -> None:
        # The run's tags as this process knows them; the context is frozen at the attempt's start.
        self._added: tuple[RunRuntime | None, list[str]] = (None, [])

    def add(self, *tags: str) -> None:
        """Add tags; those the run has already change nothing. They are sent in the background.

        Raises:
            NotInTaskError: no run executes here.
            OptionError: a tag is no text, empty or too long, or the run would have more than 10.
        """
        runtime = require_runtime("tags.add")
        fresh = checked_tags(tags)
        known = list(dict.fromkeys([*runtime.context.run.tags, *self._added_to(runtime)]))
        missing = [tag for tag in fresh if tag not in known]
        if len(known) + len(missing) > TAGS_MAX:
            raise OptionError(
                f"A run can have {TAGS_MAX} tags: this one has {len(known)},"
                f" and {len(missing)} more do not fit."
            )
        if missing:
            self._added = (runtime, [*self._added_to(runtime), *missing])
            runtime.add_tags(missing)

    def _added_to(self, runtime: RunRuntime) -> list[str]:
        of, added = self._added
        return added if of is runtime else []


tags = Tags()
