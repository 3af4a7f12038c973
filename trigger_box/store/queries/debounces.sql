-- name: live_run
-- The delayed run that a key's triggers share. By primary keys.
SELECT d.run_id, r.created_at_ms
  FROM debounces d JOIN runs r ON r.id = d.run_id
 WHERE d.environment_id = :environment_id AND d.task = :task AND d.key = :key
   AND r.state = 'DELAYED';

-- name: open_window
-- The key's triggers share this run from now on, and no longer the one they shared before. A run
-- that is not delayed (its instant has passed) is shared by nobody.
INSERT INTO debounces (environment_id, task, key, run_id)
SELECT environment_id, task, :key, id FROM runs WHERE id = :run_id AND state = 'DELAYED'
    ON CONFLICT DO UPDATE SET run_id = excluded.run_id;

-- name: close_window
-- Its run is delayed no longer. Served by debounces_by_run.
DELETE FROM debounces WHERE run_id = :run_id;

-- name: take_over
-- What the newest trigger asked for. By primary key.
UPDATE runs
   SET tags = ifnull(:tags, tags), machine = ifnull(:machine, machine),
       max_attempts = ifnull(:max_attempts, max_attempts),
       trigger_max_attempts = ifnull(:max_attempts, trigger_max_attempts),
       max_duration_s = ifnull(:max_duration_s, max_duration_s), updated_at_ms = :now_ms
 WHERE id = :id;

-- name: drop_packet
DELETE FROM packets WHERE run_id = :run_id AND kind = :kind;

-- name: drop_tags
-- Served by run_tags_by_run.
DELETE FROM run_tags WHERE run_id = :run_id;
