-- name: worker
SELECT id, environment_id, version, content_hash, runtime, runtime_version, sdk_version, cli_version, created_at_ms
  FROM workers WHERE id = :worker_id;

-- name: worker_tasks
SELECT slug, file_path, export_name, description, queue_name, retry, machine, max_duration_s, ttl,
       trigger_source, payload_schema
  FROM worker_tasks WHERE worker_id = :worker_id;

-- name: worker_queues
SELECT name FROM worker_queues WHERE worker_id = :worker_id;

-- name: worker_of_version
-- Served by the unique (environment, version).
SELECT id FROM workers WHERE environment_id = :environment_id AND version = :version;

-- name: versions_of_day
-- Versions of one day, to find the next number. Served by the unique (environment, version).
SELECT version FROM workers
 WHERE environment_id = :environment_id AND version >= :first AND version < :after;

-- name: insert_worker
INSERT INTO workers (id, environment_id, version, content_hash, sdk_version, cli_version, runtime,
                     runtime_version, metadata, created_at_ms)
VALUES (:id, :environment_id, :version, :content_hash, :sdk_version, :cli_version, :runtime,
        :runtime_version, :metadata, :now_ms);

-- name: insert_worker_task
INSERT INTO worker_tasks (worker_id, slug, file_path, export_name, description, queue_name, retry, machine,
                          max_duration_s, ttl, trigger_source, payload_schema)
VALUES (:worker_id, :slug, :file_path, :export_name, :description, :queue_name, :retry, :machine,
        :max_duration_s, :ttl, :trigger_source, :payload_schema);

-- name: insert_worker_queue
INSERT INTO worker_queues (worker_id, name) VALUES (:worker_id, :name) ON CONFLICT DO NOTHING;

-- name: set_current_worker
UPDATE environments SET current_worker_id = :worker_id WHERE id = :environment_id;

-- name: task_was_registered
-- Whether any version of this environment knows a task. Served by worker_tasks_by_slug.
SELECT 1 FROM worker_tasks t JOIN workers w ON w.id = t.worker_id
 WHERE t.slug = :task AND w.environment_id = :environment_id LIMIT 1;

-- name: current_worker
-- The version that new runs of an environment go to. Served by the primary keys.
SELECT w.id, w.version, w.sdk_version, w.cli_version, w.created_at_ms
  FROM environments e JOIN workers w ON w.id = e.current_worker_id
 WHERE e.id = :environment_id;

-- name: worker_named
-- A version by its name. Served by the unique (environment, version).
SELECT id, version, sdk_version, cli_version, created_at_ms
  FROM workers WHERE environment_id = :environment_id AND version = :version;
