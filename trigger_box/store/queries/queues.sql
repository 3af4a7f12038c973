-- name: environment_limits
-- What decides how many runs of an environment may go, and where they go. By primary key.
SELECT type, concurrency_limit, burst_factor, paused, archived_at_ms, current_worker_id
  FROM environments WHERE id = :environment_id;

-- name: queues_of
-- All queues of an environment: loaded once, then kept in memory. Served by the unique name.
SELECT id, name, type, concurrency_limit, paused FROM queues WHERE environment_id = :environment_id;

-- name: ready_lanes
-- How many runs of each lane may start now. Read from runs_ready alone.
SELECT environment_id, queue_name, concurrency_key, count(*) AS runs
  FROM runs INDEXED BY runs_ready WHERE is_ready = 1
 GROUP BY environment_id, queue_name, concurrency_key;

-- name: held_lanes
-- How many slots each lane holds. Every holder has a lease, so runs_leased finds them all.
SELECT environment_id, queue_name, concurrency_key, count(*) AS runs
  FROM runs INDEXED BY runs_leased
 WHERE lease_expires_at_ms IS NOT NULL AND is_parked = 0
   AND state IN ('PENDING_EXECUTING', 'EXECUTING', 'EXECUTING_WITH_WAITPOINTS', 'PENDING_CANCEL')
 GROUP BY environment_id, queue_name, concurrency_key;

-- name: insert_queue
-- A queue nobody has heard of. One that exists keeps what people set.
INSERT INTO queues (id, environment_id, name, type, concurrency_limit, created_at_ms)
VALUES (:id, :environment_id, :name, :type, :concurrency_limit, :now_ms);

-- name: set_queue_limit
UPDATE queues SET concurrency_limit = :concurrency_limit WHERE id = :id;
