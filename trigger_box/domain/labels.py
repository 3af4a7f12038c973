"""Tags: which ones a run may carry. Source: rest-api 11."""

from __future__ import annotations

from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, RefusedError


class TooManyTagsError(RefusedError):
    """A run can have ten tags."""

    code = "too_many_tags"


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags without blanks and doubles, in their order.

    Raises:
        TooManyTagsError: more than ten.
        InvalidError: one is too long.
    """
    if not tags:
        return tags
    clean = tuple(dict.fromkeys(tag for tag in tags if tag.strip()))
    if len(clean) > limits.TAGS_MAX:
        raise TooManyTagsError(
            f"Runs can only have {limits.TAGS_MAX} tags, you're trying to set {len(clean)}.",
            limit=limits.TAGS_MAX,
        )
    for tag in clean:
        if len(tag) > limits.TAG_CHARACTERS_MAX:
            raise InvalidError(
                f"Tags must be at most {limits.TAG_CHARACTERS_MAX} characters long; "
                f"this one has {len(tag)}: {tag[:32]}…"
            )
    return clean
