-- columns: waitpoint
id, environment_id, kind, run_id, due_at_ms, completed_at_ms, is_error,
output_type, output, output_blob, idempotency_key, idempotency_expires_at_ms, tags, created_at_ms

-- name: insert_waitpoint
-- What is waited for; a run that has ended already is complete at once.
INSERT INTO waitpoints (
    id, environment_id, kind, run_id, due_at_ms, completed_at_ms, is_error,
    idempotency_key, idempotency_expires_at_ms, tags, created_at_ms)
VALUES (
    :id, :environment_id, :kind, :run_id, :due_at_ms, :completed_at_ms, :is_error,
    :idempotency_key, :idempotency_expires_at_ms, :tags, :now_ms);

-- name: waitpoint
-- By primary key.
SELECT /*waitpoint*/
  FROM waitpoints WHERE id = :id;

-- name: waitpoint_of_run
-- What stands for a run's end. Served by waitpoints_by_run.
SELECT /*waitpoint*/
  FROM waitpoints WHERE run_id = :run_id;

-- name: waitpoint_of_key
-- Served by waitpoints_idempotency.
SELECT /*waitpoint*/
  FROM waitpoints WHERE environment_id = :environment_id AND idempotency_key = :idempotency_key;

-- name: release_key
-- Its time is over: the next waitpoint may have the key. By primary key.
UPDATE waitpoints SET idempotency_key = NULL WHERE id = :id;

-- name: set_awaited
-- Its end completes a waitpoint. By primary key.
UPDATE runs SET is_awaited = 1 WHERE id = :id;

-- name: set_resumes_parent
-- It was made for a parent that waits for it. By primary key.
UPDATE runs SET resume_parent = 1 WHERE id = :id;

-- name: complete
-- The first completion counts. By primary key.
UPDATE waitpoints
   SET completed_at_ms = :now_ms, is_error = :is_error, is_spreading = :is_spreading,
       output_type = :output_type, output = :output, output_blob = :output_blob
 WHERE id = :id AND completed_at_ms IS NULL;

-- name: set_spreading
UPDATE waitpoints SET is_spreading = :is_spreading WHERE id = :id;

-- name: spreading
-- Completed, and not all who wait for it know. Served by waitpoints_spreading.
SELECT id FROM waitpoints INDEXED BY waitpoints_spreading WHERE is_spreading = 1 LIMIT 1;

-- name: due
-- What is due now, the longest due first. Served by waitpoints_due.
SELECT /*waitpoint*/
  FROM waitpoints INDEXED BY waitpoints_due
 WHERE due_at_ms IS NOT NULL AND completed_at_ms IS NULL AND due_at_ms <= :now_ms
 ORDER BY due_at_ms LIMIT :limit;

-- name: next_due
-- Served by waitpoints_due.
SELECT min(due_at_ms) AS at_ms FROM waitpoints
 WHERE due_at_ms IS NOT NULL AND completed_at_ms IS NULL;

-- name: add_wait
INSERT INTO waits (run_id, waitpoint_id) VALUES (:run_id, :waitpoint_id) ON CONFLICT DO NOTHING;

-- name: wait_again
-- A run waits once more for what it was told of before. By primary key.
UPDATE waits SET told_number = NULL WHERE run_id = :run_id AND waitpoint_id = :waitpoint_id;

-- name: wait
-- By primary key.
SELECT told_number FROM waits WHERE run_id = :run_id AND waitpoint_id = :waitpoint_id;

-- name: has_waited
UPDATE runs SET has_waited = 1 WHERE id = :id;

-- name: drop_waits
-- Its attempt is over: nobody waits any more. By primary key.
DELETE FROM waits WHERE run_id = :run_id;

-- name: waiting_runs
-- Runs that have not been told that this waitpoint is complete. Those that stand in line for a slot
-- are told with it. Served by waits_by_waitpoint.
SELECT w.run_id FROM waits w JOIN runs r ON r.id = w.run_id
 WHERE w.waitpoint_id = :waitpoint_id AND w.told_number IS NULL
   AND r.state IN ('EXECUTING', 'EXECUTING_WITH_WAITPOINTS') LIMIT :limit;

-- name: tell
-- This snapshot tells of all that is complete. By primary keys.
UPDATE waits SET told_number = :number
 WHERE run_id = :run_id AND told_number IS NULL
   AND waitpoint_id IN (SELECT p.id FROM waitpoints p
                         WHERE p.id = waitpoint_id AND p.completed_at_ms IS NOT NULL);

-- name: awaited
-- What a run waits for, the oldest first. By primary keys.
SELECT p.id, p.kind, p.run_id, p.due_at_ms
  FROM waits w JOIN waitpoints p ON p.id = w.waitpoint_id
 WHERE w.run_id = :run_id AND p.completed_at_ms IS NULL ORDER BY p.id LIMIT :limit;

-- name: has_something_to_tell
-- By primary keys.
SELECT 1 AS one FROM waits w JOIN waitpoints p ON p.id = w.waitpoint_id
 WHERE w.run_id = :run_id AND w.told_number IS NULL AND p.completed_at_ms IS NOT NULL LIMIT 1;

-- name: resuming
-- Runs whose waits are over and that want their slots back, those that stood first in line first.
SELECT id, environment_id, queue_name, concurrency_key, rank_ms
  FROM runs INDEXED BY runs_leased
 WHERE lease_expires_at_ms IS NOT NULL AND state = 'QUEUED_EXECUTING'
 ORDER BY rank_ms, id;

-- name: rank_of
SELECT rank_ms FROM runs WHERE id = :id;

-- name: told
-- What a snapshot told, or all after it: waitpoints with the packet of the run that completed them.
-- By primary keys.
SELECT p.id, p.kind, p.run_id, p.due_at_ms, p.completed_at_ms, p.is_error, p.idempotency_key,
       ifnull(p.output_type, k.type) AS output_type, ifnull(p.output, k.data) AS output,
       ifnull(p.output_blob, k.blob) AS output_blob
  FROM waits w JOIN waitpoints p ON p.id = w.waitpoint_id
       LEFT JOIN packets k ON k.run_id = p.run_id AND k.kind IN ('OUTPUT', 'ERROR')
 WHERE w.run_id = :run_id AND w.told_number BETWEEN :from_number AND :to_number
 ORDER BY w.told_number, p.id LIMIT :limit;

-- columns: token_filter
kind = 'MANUAL' AND environment_id = :environment_id
   AND (:statuses IS NULL
        OR iif(completed_at_ms IS NULL, 'WAITING', iif(is_error, 'TIMED_OUT', 'COMPLETED'))
           IN (SELECT value FROM json_each(:statuses)))
   AND (:idempotency_key IS NULL OR idempotency_key = :idempotency_key)
   AND (:tags IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) AS own
                                  WHERE own.value IN (SELECT value FROM json_each(:tags))))
   AND (:from_ms IS NULL OR created_at_ms >= :from_ms)
   AND (:to_ms IS NULL OR created_at_ms <= :to_ms)

-- name: tokens_before
-- Tokens that are older than a cursor, newest first. Served by waitpoints_tokens.
SELECT /*waitpoint*/
  FROM waitpoints INDEXED BY waitpoints_tokens
 WHERE /*token_filter*/
   AND id < :cursor
 ORDER BY id DESC LIMIT :limit;

-- name: tokens_after
-- Tokens that are newer than a cursor, oldest first. Served by waitpoints_tokens.
SELECT /*waitpoint*/
  FROM waitpoints INDEXED BY waitpoints_tokens
 WHERE /*token_filter*/
   AND id > :cursor
 ORDER BY id ASC LIMIT :limit;
