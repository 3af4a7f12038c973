-- What the dashboard's pages need beyond single runs and lists. Everything is bound to an environment.

-- name: task_facts
-- Kind and language of some tasks by (worker, slug) pairs (:pairs, JSON). By primary keys.
SELECT w.id AS worker_id, p.value ->> 1 AS task, t.trigger_source, w.runtime
  FROM json_each(:pairs) p
  JOIN workers w ON w.id = p.value ->> 0
  LEFT JOIN worker_tasks t ON t.worker_id = w.id AND t.slug = p.value ->> 1;

-- name: current_version
-- The version that new runs go to. By primary keys.
SELECT w.id, w.version, w.runtime, w.sdk_version, w.created_at_ms
  FROM environments e JOIN workers w ON w.id = e.current_worker_id
 WHERE e.id = :environment_id;

-- name: tasks_of_worker
-- The tasks of a version by name, with their newest run each. Served by the primary key and runs_by_task.
SELECT t.slug, t.file_path, t.export_name, t.trigger_source,
       substr(t.description, 1, :description_characters) AS description, r.id AS run_id, r.status AS run_status,
       r.created_at_ms AS run_created_at_ms
  FROM worker_tasks t
  LEFT JOIN runs r ON r.id = (
       SELECT n.id FROM runs n INDEXED BY runs_by_task
        WHERE n.environment_id = :environment_id AND n.task = t.slug ORDER BY n.id DESC LIMIT 1)
 WHERE t.worker_id = :worker_id
 ORDER BY t.slug LIMIT :limit;

-- name: open_by_task
-- How many runs of each task go on or stand in line (those with a delay do not yet), among the newest
-- open ones. Served by runs_open.
SELECT task, count(*) FILTER (WHERE lease_expires_at_ms IS NOT NULL) AS running,
       count(*) FILTER (WHERE lease_expires_at_ms IS NULL AND state <> 'DELAYED') AS waiting
  FROM (SELECT task, state, lease_expires_at_ms FROM runs INDEXED BY runs_open
         WHERE environment_id = :environment_id AND outcome IS NULL ORDER BY id DESC LIMIT :limit)
 GROUP BY task;

-- name: outcomes_between
-- How the runs made between two ids ended, by task. Served by runs_newest, at most :limit rows.
SELECT task, outcome, count(*) AS runs
  FROM (SELECT task, outcome FROM runs INDEXED BY runs_newest
         WHERE environment_id = :environment_id AND id >= :from_id AND id < :to_id
         ORDER BY id DESC LIMIT :limit)
 GROUP BY task, outcome;

-- name: task
-- One task of a version. By primary key.
SELECT t.slug, t.file_path, t.queue_name, t.retry, t.machine, t.max_duration_s, t.ttl, t.trigger_source,
       t.description, t.payload_schema, w.version, w.runtime
  FROM worker_tasks t JOIN workers w ON w.id = t.worker_id
 WHERE t.worker_id = :worker_id AND t.slug = :task;

-- name: versions
-- The newest versions of an environment. Served by workers_newest.
SELECT version FROM workers WHERE environment_id = :environment_id
 ORDER BY created_at_ms DESC LIMIT :limit;

-- name: queue_names
-- Queues of an environment whose name holds a text. Served by the unique (environment, name).
SELECT name FROM queues
 WHERE environment_id = :environment_id AND instr(lower(name), :text) > 0 ORDER BY name LIMIT :limit;

-- name: run_tasks
-- Tasks that have runs, found by hopping over runs_by_task: one step a task, however many runs.
WITH RECURSIVE found (task, steps) AS (
    SELECT (SELECT min(task) FROM runs INDEXED BY runs_by_task WHERE environment_id = :environment_id), 1
    UNION ALL
    SELECT (SELECT min(r.task) FROM runs r INDEXED BY runs_by_task
             WHERE r.environment_id = :environment_id AND r.task > found.task), steps + 1
      FROM found WHERE found.task IS NOT NULL AND steps < :steps
)
SELECT task AS value FROM found
 WHERE task IS NOT NULL AND instr(lower(task), :text) > 0 LIMIT :limit;

-- name: run_tags
-- Tags that runs have, found by hopping over the primary key of run_tags: one step a tag.
WITH RECURSIVE found (tag, steps) AS (
    SELECT (SELECT min(tag) FROM run_tags WHERE environment_id = :environment_id), 1
    UNION ALL
    SELECT (SELECT min(t.tag) FROM run_tags t
             WHERE t.environment_id = :environment_id AND t.tag > found.tag), steps + 1
      FROM found WHERE found.tag IS NOT NULL AND steps < :steps
)
SELECT tag AS value FROM found
 WHERE tag IS NOT NULL AND instr(lower(tag), :text) > 0 LIMIT :limit;

-- name: has_runs
-- Whether an environment ever had a run that is kept. Served by runs_newest.
SELECT 1 FROM runs INDEXED BY runs_newest WHERE environment_id = :environment_id LIMIT 1;

-- name: count_open
-- Runs that go on and runs that wait, counted up to a bound each. Served by runs_open.
SELECT count(*) FILTER (WHERE lease_expires_at_ms IS NOT NULL) AS active,
       count(*) FILTER (WHERE lease_expires_at_ms IS NULL) AS queued
  FROM (SELECT lease_expires_at_ms FROM runs INDEXED BY runs_open
         WHERE environment_id = :environment_id AND outcome IS NULL LIMIT :limit);

-- name: count_outcome
-- Runs with one outcome made since an id, counted up to a bound. Read from runs_ended alone.
SELECT count(*) AS runs FROM (
    SELECT 1 FROM runs INDEXED BY runs_ended
     WHERE environment_id = :environment_id AND outcome = :outcome AND id >= :from_id LIMIT :limit);

-- name: runs_by_id
-- Some runs of an environment, by primary key.
SELECT * FROM runs WHERE environment_id = :environment_id AND id IN (SELECT value FROM json_each(:ids))
 LIMIT :limit;

-- name: traces_of_runs
-- The traces of some runs of some environments. Served by runs_newest.
SELECT id, trace_id FROM runs
 WHERE environment_id IN (SELECT value FROM json_each(:environment_ids))
   AND id IN (SELECT value FROM json_each(:ids))
 LIMIT :limit;

-- name: environment_of_run
SELECT environment_id FROM runs WHERE id = :id;

-- name: payloads_of_runs
-- The payloads of a few runs, with only the beginning of long ones. By primary key.
SELECT run_id, type, bytes, substr(data, 1, :characters) AS data
  FROM packets WHERE kind = 'PAYLOAD' AND run_id IN (SELECT value FROM json_each(:ids));

-- name: count_children
-- How many runs a run triggered, counted up to a bound. Served by runs_by_parent.
SELECT count(*) AS runs FROM (
    SELECT 1 FROM runs INDEXED BY runs_by_parent WHERE parent_run_id = :run_id LIMIT :limit);

-- name: children_apart
-- The runs that some runs (:run_ids, JSON) triggered without waiting: they have traces of their own,
-- but people look for them where they were triggered. Served by runs_by_parent; the caller sorts.
SELECT r.*
  FROM json_each(:run_ids) p JOIN runs r INDEXED BY runs_by_parent ON r.parent_run_id = p.value
 WHERE r.environment_id = :environment_id AND r.trace_id <> :trace_id
 LIMIT :limit;

-- name: last_cli_token
-- When a person last signed in from a command line. Served by personal_access_tokens_by_user.
SELECT max(created_at_ms) AS at_ms FROM personal_access_tokens
 WHERE user_id = :user_id AND is_cli = 1 AND revoked_at_ms IS NULL;

-- name: tasks_named
-- Tasks of a version whose name or file holds a text. By primary key.
SELECT slug, file_path, trigger_source FROM worker_tasks
 WHERE worker_id = :worker_id AND (instr(lower(slug), :text) > 0 OR instr(lower(file_path), :text) > 0)
 ORDER BY slug LIMIT :limit;
