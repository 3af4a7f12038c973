"""Every bound of the SDK has its name here.

Sources: rest-api 6.2 (retries), 9 (packets), 11 (limits), run-engine 7.7 (errors); else ours.
"""

from __future__ import annotations

from typing import Final

# What the wire takes.
DURATION_CHARACTERS_MAX: Final = 100
DEBOUNCE_KEY_CHARACTERS_MAX: Final = 512
TAGS_MAX: Final = 10
TAG_CHARACTERS_MAX: Final = 128
QUEUE_NAME_CHARACTERS_MAX: Final = 128
METADATA_BYTES_MAX: Final = 262_144
PACKET_INLINE_BYTES_MAX: Final = 131_072
TRIGGER_BODY_BYTES_MAX: Final = 3_145_728
PAGE_SIZE_MAX: Final = 100
MAX_DURATION_S_MIN: Final = 5
MAX_DURATION_S_NONE: Final = 2_147_483_647
SAFE_INTEGER_MAX: Final = 2**53 - 1
NESTING_MAX: Final = 200
METADATA_PATH_SEGMENTS_MAX: Final = 64
METADATA_LIST_INDEX_MAX: Final = 10_000

# Calls to the server.
CALL_ATTEMPTS_MAX: Final = 5
CALL_PAUSE_MS_MIN: Final = 1_000
CALL_PAUSE_MS_MAX: Final = 30_000
CALL_PAUSE_FACTOR: Final = 1.6
RATE_LIMIT_JITTER_MS: Final = 1_000
# A reset further away than this is more likely a wrong clock than a real limit.
RATE_LIMIT_PAUSE_MS_MAX: Final = 600_000
PACKET_ATTEMPTS_MAX: Final = 5
PACKET_PAUSE_MS_MIN: Final = 500
PACKET_PAUSE_MS_MAX: Final = 5_000
PACKET_PAUSE_FACTOR: Final = 2.0
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
CONNECT_S_MAX: Final = 10.0
ANSWER_S_MAX: Final = 60.0

# Waiting for a run from outside.
RESULT_POLL_S_MIN: Final = 0.1
RESULT_POLL_S_MAX: Final = 2.0
RESULT_POLL_FACTOR: Final = 1.5

# Errors as they are stored.
ERROR_NAME_BYTES_MAX: Final = 1_024
ERROR_MESSAGE_CHARACTERS_MAX: Final = 1_000
ERROR_STACK_BYTES_MAX: Final = 16_384
STACK_FRAMES_FIRST: Final = 5
STACK_FRAMES_LAST: Final = 45
STACK_LINE_CHARACTERS_MAX: Final = 1_024
CAUSES_MAX: Final = 10
SECRET_CHARACTERS_MIN: Final = 8
