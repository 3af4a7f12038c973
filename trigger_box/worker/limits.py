"""Every bound of the worker has its name here. The server's own are in ``domain/limits.py``.

Sources: python-sdk 18 (execution model), worker-protocol 5 and 12, cli-protocol 7 and 8.
"""

from __future__ import annotations

from typing import Final

# Talk between controller and executor.
# A payload or an output with each of its bytes escaped, and room for the rest.
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
FRAME_READ_BYTES: Final = 256 * 1024

# One run.
PAYLOAD_BYTES_MAX: Final = 10 * 1024 * 1024
OUTPUT_BYTES_MAX: Final = 10 * 1024 * 1024
CANCEL_GRACE_S: Final = 30.0
BLOCKED_LOOP_S_MAX: Final = 5.0
TERMINATE_GRACE_S: Final = 1.0
HEARTBEAT_S: Final = 20.0
POLL_S: Final = 5.0
POLL_WITH_NEWS_S: Final = 30.0
WATCH_TICK_S: Final = 1.0

# Calls to the box.
CALL_S_MAX: Final = 30.0
CALL_TRIES_MAX: Final = 6
CALL_PAUSE_S_MIN: Final = 0.25
CALL_PAUSE_S_MAX: Final = 5.0
LEASE_S: Final = 300.0
IDLE_CONNECTIONS_MAX: Final = 64
IDLE_CONNECTION_S_MAX: Final = 20.0
HEAD_BYTES_MAX: Final = 64 * 1024
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
STREAM_SILENCE_S_MAX: Final = 40.0
STREAM_PAUSE_S: Final = 1.0
STREAM_PAUSE_S_MAX: Final = 30.0
DEQUEUE_WAIT_MS: Final = 10_000
DEQUEUE_RUNS_MAX: Final = 50

# Executors.
RUNS_PER_EXECUTOR_MAX: Final = 50
MEMORY_SHARE_MAX: Final = 0.8
THREADS_JOIN_S: Final = 0.2
LEFTOVER_TASKS_S_MAX: Final = 1.0
FREE_S_MAX: Final = 10.0
FREE_SOON_S: Final = 0.02
INSPECT_PORT_S_MAX: Final = 5.0
GROWTH_QUIET_S: Final = 0.02
IDLE_VERSIONS_MAX: Final = 2
CHANNEL_END_S_MAX: Final = 0.5
EXIT_S_MAX: Final = 2.0
STDERR_TAIL_BYTES: Final = 8 * 1024

ROSTER_RUNS_MAX: Final = 512
DISCONNECT_IDS_MAX: Final = 500

# Lines and logs (python-sdk 18.5).
LINE_BYTES_MAX: Final = 128 * 1024
LOGS_PER_SECOND_MAX: Final = 1_000
LOGS_BURST_MAX: Final = 5_000
ATTRIBUTES_MAX: Final = 256
ATTRIBUTE_CHARACTERS_MAX: Final = 16 * 1024

# Telemetry batches.
BATCH_RECORDS_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
BATCH_PAUSE_S: Final = 0.1
BACKLOG_RECORDS_MAX: Final = 50_000
TELEMETRY_CLOSE_S_MAX: Final = 2.0
METADATA_PAUSE_S: Final = 1.0
METADATA_OPERATIONS_MAX: Final = 10_000
SETTLE_S_MAX: Final = 5.0

# Importing the user's modules: to describe them, and to run them.
IMPORT_S_MAX: Final = 120.0
SLOW_IMPORT_S: Final = 5.0
STANDING_S_MAX: Final = 0.5
INDEX_BYTES_MAX: Final = 256 * 1024 * 1024
MODULES_MAX: Final = 5_000
SOURCE_BYTES_MAX: Final = 1024 * 1024
