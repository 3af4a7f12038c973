-- What a trace needs to know of runs. The spans themselves are not in the store.

-- name: family
-- A run and the runs below it, nearest first, at most :limit of them. By primary key, then served
-- by runs_by_parent. Runs with a trace of their own are left out by the caller.
WITH RECURSIVE below (id) AS (
    SELECT id FROM runs WHERE id = :run_id AND environment_id = :environment_id
    UNION ALL
    SELECT runs.id
      FROM below JOIN runs ON runs.parent_run_id = below.id
     LIMIT :limit
)
SELECT runs.id, runs.task, runs.trace_id, runs.span_id, runs.parent_span_id, runs.parent_run_id,
       runs.status, runs.state, runs.attempt_number, runs.ttl, runs.annotations,
       runs.created_at_ms, runs.completed_at_ms, runs.locked_version, runs.queue_name, runs.machine,
       runs.tags
  FROM below JOIN runs ON runs.id = below.id
 WHERE runs.environment_id = :environment_id;

-- name: attempts
-- The attempts of some runs, in order. By primary key.
SELECT run_id, number, started_at_ms, ended_at_ms, result, error, retry_at_ms
  FROM attempts
 WHERE run_id IN (SELECT value FROM json_each(:run_ids))
 ORDER BY run_id, number
 LIMIT :limit;

-- name: error
-- Why a run failed, also when no attempt did. By primary key.
SELECT data FROM packets WHERE run_id = :run_id AND kind = 'ERROR';
