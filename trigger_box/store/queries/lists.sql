-- columns: wanted
    (:statuses IS NULL OR r.status IN (SELECT value FROM json_each(:statuses)))
AND (:tasks IS NULL OR r.task IN (SELECT value FROM json_each(:tasks)))
AND (:versions IS NULL OR r.locked_version IN (SELECT value FROM json_each(:versions)))
AND (:queues IS NULL OR r.queue_name IN (SELECT value FROM json_each(:queues)))
AND (:machines IS NULL OR r.machine IN (SELECT value FROM json_each(:machines)))
AND (:tags IS NULL OR EXISTS (SELECT 1 FROM run_tags t WHERE t.run_id = r.id AND t.tag IN (SELECT value FROM json_each(:tags))))
AND (:is_test IS NULL OR r.is_test = :is_test)
AND (:from_ms IS NULL OR r.created_at_ms >= :from_ms)
AND (:to_ms IS NULL OR r.created_at_ms <= :to_ms)
AND (:root_run_id IS NULL OR r.root_run_id = :root_run_id)
AND (:parent_run_id IS NULL OR r.parent_run_id = :parent_run_id)
AND (:is_root IS NULL OR (r.parent_run_id IS NULL) = :is_root)
AND (:run_ids IS NULL OR r.id IN (SELECT value FROM json_each(:run_ids)))
AND (:all_tags IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each(:all_tags) w
         WHERE NOT EXISTS (SELECT 1 FROM run_tags t WHERE t.run_id = r.id AND t.tag = w.value)))

-- name: newest
-- Runs of an environment, newest first, older than the cursor. Served by runs_newest.
SELECT r.* FROM runs r INDEXED BY runs_newest
 WHERE r.environment_id = :environment_id AND r.id < :before AND r.id >= :after AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: newer
-- Runs newer than the cursor, oldest first: the page before. Served by runs_newest.
SELECT r.* FROM runs r INDEXED BY runs_newest
 WHERE r.environment_id = :environment_id AND r.id > :after AND /*wanted*/
 ORDER BY r.id LIMIT :limit;

-- name: of_task
-- Like "newest", of one task. Served by runs_by_task.
SELECT r.* FROM runs r INDEXED BY runs_by_task
 WHERE r.environment_id = :environment_id AND r.task = :task AND r.id < :before AND r.id >= :after AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_outcome
-- Like "newest", of one final status. Served by runs_ended.
SELECT r.* FROM runs r INDEXED BY runs_ended
 WHERE r.environment_id = :environment_id AND r.outcome = :outcome AND r.id < :before AND r.id >= :after AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_running
-- Like "newest", of those that a worker holds: they are few. Served by runs_leased.
SELECT r.* FROM runs r INDEXED BY runs_leased
 WHERE r.lease_expires_at_ms IS NOT NULL AND r.environment_id = :environment_id AND r.outcome IS NULL
   AND r.id < :before AND r.id >= :after AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_open
-- Like "newest", of those that have not ended. Served by runs_open.
SELECT r.* FROM runs r INDEXED BY runs_open
 WHERE r.environment_id = :environment_id AND r.outcome IS NULL AND r.id < :before AND r.id >= :after AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_tag
-- Like "newest", of one tag. Served by the primary key of run_tags.
SELECT r.* FROM run_tags g JOIN runs r ON r.id = g.run_id
 WHERE g.environment_id = :environment_id AND g.tag = :tag AND g.run_id < :before AND g.run_id >= :after AND /*wanted*/
 ORDER BY g.run_id DESC LIMIT :limit;

-- name: of_root
-- Like "newest", of one root. Served by runs_by_root.
SELECT r.* FROM runs r INDEXED BY runs_by_root
 WHERE r.environment_id = :environment_id AND r.root_run_id = :root_run_id AND r.id < :before AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_parent
-- Like "newest", of one parent. Served by runs_by_parent.
SELECT r.* FROM runs r INDEXED BY runs_by_parent
 WHERE r.environment_id = :environment_id AND r.parent_run_id = :parent_run_id AND r.id < :before AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: of_ids
-- Like "newest", of named runs. By primary key.
SELECT r.* FROM runs r
 WHERE r.environment_id = :environment_id AND r.id IN (SELECT value FROM json_each(:run_ids))
   AND r.id < :before AND /*wanted*/
 ORDER BY r.id DESC LIMIT :limit;

-- name: count_window
-- How many runs of an environment are newer than an id, counted up to a bound. Read from runs_newest alone.
SELECT count(*) AS runs FROM (
    SELECT 1 FROM runs INDEXED BY runs_newest
     WHERE environment_id = :environment_id AND id >= :after LIMIT :limit);

-- name: metadata_of_runs
-- The metadata of a page of runs (:run_ids, a JSON list). By primary key.
SELECT run_id, kind, type, data, blob FROM packets
 WHERE kind = 'METADATA' AND run_id IN (SELECT value FROM json_each(:run_ids));
