"""Every bound has its name here. A number in another module is a bound that nobody can find.

Sources: rest-api 11 (wire limits), run-engine 18 and 25 (engine limits); the rest is ours.
"""

from __future__ import annotations

from typing import Final

# What a client may send.
TRIGGER_BODY_BYTES_MAX: Final = 3 * 1024 * 1024
METADATA_BYTES_MAX: Final = 256 * 1024
METADATA_UPDATE_BODY_BYTES_MAX: Final = 2 * 1024 * 1024
OUTPUT_BYTES_MAX: Final = 10 * 1024 * 1024
COMPLETE_BODY_BYTES_MAX: Final = 16 * 1024 * 1024
REGISTER_BODY_BYTES_MAX: Final = 32 * 1024 * 1024
OTLP_BODY_BYTES_MAX: Final = 16 * 1024 * 1024
OTLP_UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
SMALL_BODY_BYTES_MAX: Final = 64 * 1024
TAGS_MAX: Final = 10
TAG_CHARACTERS_MAX: Final = 128
IDEMPOTENCY_KEY_CHARACTERS_MAX: Final = 2048
QUEUE_NAME_CHARACTERS_MAX: Final = 128
DURATION_CHARACTERS_MAX: Final = 100
TASKS_PER_VERSION_MAX: Final = 10_000

# Packets at or above this size leave the database for the blob store.
PACKET_INLINE_BYTES_MAX: Final = 512 * 1024

# The engine.
ATTEMPTS_MAX: Final = 250
DISPATCH_FAILURES_MAX: Final = 12
DISPATCH_BACKOFF_MS_MAX: Final = 3_600_000
RETRY_IN_PLACE_MS_MAX: Final = 30_000
IDEMPOTENCY_KEY_TTL_MS: Final = 30 * 24 * 3_600_000
REQUEST_IDEMPOTENCY_TTL_MS: Final = 24 * 3_600_000
DEV_TTL: Final = "10m"
PARK_MS_MAX: Final = 3_600_000
DEQUEUE_RUNS_MAX: Final = 100
DEQUEUE_WAIT_MS_MAX: Final = 10_000
SWEEP_ROWS_MAX: Final = 200
MAX_DURATION_S_MIN: Final = 5
MAX_DURATION_S_NONE: Final = 2_147_483_647
ENVIRONMENT_CONCURRENCY: Final = 100
ERROR_MESSAGE_CHARACTERS_MAX: Final = 1_000
STACK_FRAMES_MAX: Final = 50
STACK_LINE_CHARACTERS_MAX: Final = 1_024

# The store.
WRITER_QUEUE_MAX: Final = 20_000
WRITER_BATCH_MAX: Final = 256
READERS: Final = 2
FEED_SUBSCRIBER_ROWS_MAX: Final = 2_000
CHANGES_KEPT_MS: Final = 7 * 24 * 3_600_000

# Pages.
PAGE_SIZE_DEFAULT: Final = 25
PAGE_SIZE_MAX: Final = 100
