-- name: environment_limits
-- What decides how many runs of an environment may go, and where they go. By primary key.
SELECT type, concurrency_limit, burst_factor, paused, archived_at_ms, current_worker_id
  FROM environments WHERE id = :environment_id;

-- name: queues_of
-- All queues of an environment: loaded once, then kept in memory. Served by the unique name.
SELECT id, name, type, concurrency_limit, override_limit, override_percent, overridden_at_ms,
       overridden_by, paused
  FROM queues WHERE environment_id = :environment_id;

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

-- name: set_queue
-- What people set: it stays when code declares anew.
UPDATE queues
   SET paused = :paused, override_limit = :override_limit, override_percent = :override_percent,
       overridden_at_ms = :overridden_at_ms, overridden_by = :overridden_by
 WHERE id = :id;

-- name: set_environment_limits
UPDATE environments
   SET paused = :paused, concurrency_limit = :concurrency_limit, burst_factor = :burst_factor
 WHERE id = :environment_id;

-- name: holders
-- Who holds slots of an environment, or (when named) of one lane of it. Served by runs_leased.
SELECT id FROM runs INDEXED BY runs_leased
 WHERE lease_expires_at_ms IS NOT NULL AND environment_id = :environment_id AND is_parked = 0
   AND state IN ('PENDING_EXECUTING', 'EXECUTING', 'EXECUTING_WITH_WAITPOINTS', 'PENDING_CANCEL')
   AND (:queue_name IS NULL OR (queue_name = :queue_name AND concurrency_key = :concurrency_key))
 ORDER BY started_at_ms LIMIT :limit;

-- name: ahead
-- How many ready runs stand before one in its lane, counted up to a bound. Served by runs_ready.
SELECT count(*) AS runs FROM (
    SELECT 1 FROM runs other INDEXED BY runs_ready, (SELECT rank_ms, id FROM runs WHERE id = :id) AS this
     WHERE other.is_ready = 1 AND other.environment_id = :environment_id
       AND other.queue_name = :queue_name AND other.concurrency_key = :concurrency_key
       AND (other.rank_ms, other.id) < (this.rank_ms, this.id) LIMIT :limit);
