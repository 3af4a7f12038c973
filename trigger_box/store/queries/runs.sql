-- name: insert_run
-- A new run. Its first snapshot, its packets and its change row follow in the same transaction.
INSERT INTO runs (
    id, environment_id, number, task, state, status, snapshot_number,
    queue_name, queue_id, concurrency_key, rank_ms, queue_timestamp_ms, priority_ms, is_ready,
    due_at_ms, ttl, ttl_at_ms, max_attempts, trigger_max_attempts, max_duration_s, machine,
    idempotency_key, idempotency_expires_at_ms, idempotency_options,
    locked_worker_id, is_version_pinned, locked_version,
    parent_run_id, root_run_id, depth, replay_of_run_id,
    trace_id, span_id, parent_span_id, trace_context,
    is_test, tags, annotations, sdk_version,
    created_at_ms, updated_at_ms, queued_at_ms, delay_until_ms)
VALUES (
    :id, :environment_id, :number, :task, :state, :status, 1,
    :queue_name, :queue_id, :concurrency_key, :rank_ms, :queue_timestamp_ms, :priority_ms, :is_ready,
    :due_at_ms, :ttl, :ttl_at_ms, :max_attempts, :max_attempts, :max_duration_s, :machine,
    :idempotency_key, :idempotency_expires_at_ms, :idempotency_options,
    :locked_worker_id, :is_version_pinned, :locked_version,
    :parent_run_id, :root_run_id, :depth, :replay_of_run_id,
    :trace_id, :span_id, :parent_span_id, :trace_context,
    :is_test, :tags, :annotations, :sdk_version,
    :now_ms, :now_ms, :queued_at_ms, :delay_until_ms);

-- name: newest_number
-- The number of an environment's newest run, to count on from. Served by runs_newest.
SELECT number FROM runs WHERE environment_id = :environment_id ORDER BY id DESC LIMIT 1;

-- columns: head
r.id, r.environment_id, r.task, r.state, r.is_parked, r.outcome, r.snapshot_number,
r.attempt_number, r.attempts_forgiven, r.dispatch_failures, r.queue_name, r.concurrency_key,
r.priority_ms, r.is_ready, r.delay_until_ms, r.ttl, r.max_attempts, r.retry_policy, r.machine,
r.locked_worker_id, r.runner_id, r.started_at_ms, r.completed_at_ms, r.usage_ms,
r.cost_in_cents, r.parent_run_id, r.root_run_id, r.is_awaited, r.has_waited

-- name: head
-- What decides about a run that exists. The columns are those of engine.rows.RunHead, in order.
SELECT /*head*/
  FROM runs r WHERE r.id = :id;

-- name: head_with_attempt
-- A run's head and its present attempt, nulls if there is none: what a completion is judged by.
-- By primary keys.
SELECT /*head*/,
       /*attempt*/
  FROM runs r LEFT JOIN attempts a ON a.run_id = r.id AND a.number = r.attempt_number
 WHERE r.id = :id;

-- columns: facts
id, environment_id, task, state, is_parked, outcome, snapshot_number,
attempt_number, attempts_forgiven, queue_name, queue_id, concurrency_key,
locked_worker_id, is_version_pinned, runner_id,
max_attempts, trigger_max_attempts, retry_policy, max_duration_s, machine,
is_test, replay_of_run_id, tags, annotations, idempotency_key, idempotency_options,
priority_ms, parent_run_id, root_run_id, trace_id, span_id, trace_context,
created_at_ms, ttl_at_ms, started_at_ms, usage_ms, cost_in_cents, base_cost_in_cents

-- name: facts
-- What a worker is told about a run. The columns are those of engine.rows.RunFacts, in order.
SELECT /*facts*/
  FROM runs WHERE id = :id;

-- name: lane_head
-- The next run of one lane, by rank. Served by runs_ready.
SELECT /*facts*/
  FROM runs INDEXED BY runs_ready
 WHERE is_ready = 1 AND environment_id = :environment_id
   AND queue_name = :queue_name AND concurrency_key = :concurrency_key
 ORDER BY rank_ms, id LIMIT 1;

-- name: lane_head_for_workers
-- Like lane_head, for a caller that runs only some versions (:worker_ids, a JSON list): runs bound
-- to another one stay where they are. With :relocks, a binding that nobody asked for may change.
-- Served by runs_ready.
SELECT /*facts*/
  FROM runs INDEXED BY runs_ready
 WHERE is_ready = 1 AND environment_id = :environment_id
   AND queue_name = :queue_name AND concurrency_key = :concurrency_key
   AND (locked_worker_id IN (SELECT value FROM json_each(:worker_ids))
        OR (:takes_unlocked AND (locked_worker_id IS NULL OR (:relocks AND is_version_pinned = 0))))
 ORDER BY rank_ms, id LIMIT 1;

-- name: wait_for_version
-- QUEUED to RUN_CREATED: nothing that is registered can run it. By primary key.
UPDATE runs
   SET state = :state, status = :status, status_reason = :status_reason,
       snapshot_number = :snapshot_number, is_ready = 0, ttl_at_ms = NULL, updated_at_ms = :now_ms
 WHERE id = :id;

-- name: move_to_queue
UPDATE runs SET queue_name = :queue_name, queue_id = :queue_id WHERE id = :id;

-- name: claim
-- QUEUED to PENDING_EXECUTING: the run is bound to a version and its policies, and leased.
-- The writer is alone and has just read the run, so the id is condition enough. By primary key.
UPDATE runs
   SET state = :state, status = :status, snapshot_number = :snapshot_number,
       is_ready = 0, due_at_ms = NULL, ttl_at_ms = NULL,
       lease_expires_at_ms = :lease_expires_at_ms, runner_id = :runner_id, queue_id = :queue_id,
       locked_worker_id = :locked_worker_id, locked_version = :locked_version, machine = :machine,
       max_attempts = :max_attempts, retry_policy = :retry_policy, max_duration_s = :max_duration_s,
       started_at_ms = ifnull(started_at_ms, :now_ms), updated_at_ms = :now_ms
 WHERE id = :id;

-- name: claim_and_start
-- Two moves in one UPDATE: "claim", then "start". Failed dispatches stay counted: that the worker
-- has the run is not known before its first sign of life. By primary key.
UPDATE runs
   SET state = :state, status = :status, snapshot_number = :snapshot_number,
       attempt_number = :attempt_number,
       is_ready = 0, due_at_ms = NULL, ttl_at_ms = NULL,
       lease_expires_at_ms = :lease_expires_at_ms, runner_id = :runner_id, queue_id = :queue_id,
       locked_worker_id = :locked_worker_id, locked_version = :locked_version, machine = :machine,
       max_attempts = :max_attempts, retry_policy = :retry_policy, max_duration_s = :max_duration_s,
       started_at_ms = ifnull(started_at_ms, :now_ms), executed_at_ms = ifnull(executed_at_ms, :now_ms),
       updated_at_ms = :now_ms
 WHERE id = :id;

-- name: start
-- An attempt begins. By primary key.
UPDATE runs
   SET state = :state, status = :status, snapshot_number = :snapshot_number,
       attempt_number = :attempt_number, dispatch_failures = 0, is_parked = 0,
       lease_expires_at_ms = :lease_expires_at_ms, runner_id = :runner_id,
       executed_at_ms = ifnull(executed_at_ms, :now_ms), updated_at_ms = :now_ms
 WHERE id = :id;

-- name: keep_running
-- A new snapshot in the same worker's hands (a retry in place, a cancel asked for). By primary key.
UPDATE runs
   SET state = :state, status = :status, outcome = :outcome, snapshot_number = :snapshot_number,
       is_parked = :is_parked, lease_expires_at_ms = :lease_expires_at_ms,
       usage_ms = :usage_ms, cost_in_cents = :cost_in_cents, updated_at_ms = :now_ms
 WHERE id = :id;

-- name: requeue
-- Back into the queue with its old rank, not before :due_at_ms (null: at once). By primary key.
UPDATE runs
   SET state = :state, status = :status, snapshot_number = :snapshot_number,
       is_parked = 0, is_ready = :is_ready, due_at_ms = :due_at_ms,
       lease_expires_at_ms = NULL, runner_id = NULL, machine = :machine,
       attempts_forgiven = :attempts_forgiven, dispatch_failures = :dispatch_failures,
       usage_ms = :usage_ms, cost_in_cents = :cost_in_cents, updated_at_ms = :now_ms
 WHERE id = :id;

-- name: finish
-- The end, whatever it is: nothing follows. By primary key.
UPDATE runs
   SET state = :state, status = :status, outcome = :outcome, snapshot_number = :snapshot_number,
       is_parked = 0, is_ready = 0, due_at_ms = NULL, ttl_at_ms = NULL,
       lease_expires_at_ms = NULL, park_expires_at_ms = NULL,
       usage_ms = :usage_ms, cost_in_cents = :cost_in_cents,
       completed_at_ms = :now_ms, expired_at_ms = :expired_at_ms, updated_at_ms = :now_ms
 WHERE id = :id AND state <> 'FINISHED';

-- name: insert_snapshot
INSERT INTO snapshots (run_id, number, state, status, attempt_number, description, runner_id, created_at_ms)
VALUES (:run_id, :number, :state, :status, :attempt_number, :description, :runner_id, :now_ms);

-- name: snapshot
-- One snapshot of a run. By primary key.
SELECT number, state, status, attempt_number, description, runner_id, created_at_ms
  FROM snapshots WHERE run_id = :run_id AND number = :number;

-- name: insert_attempt
-- An attempt begins. Its number is the run's, so a second one of the same number is a bug and fails.
INSERT INTO attempts (run_id, number, worker_id, runner_id, snapshot_number, start_key, is_warm, started_at_ms)
VALUES (:run_id, :number, :worker_id, :runner_id, :snapshot_number, :start_key, :is_warm, :now_ms);

-- columns: attempt
a.number, a.runner_id, a.snapshot_number, a.start_key, a.complete_key, a.complete_snapshot_number,
a.complete_status, a.result_snapshot_number, a.next_run_id, a.started_at_ms, a.ended_at_ms

-- name: attempt
-- One attempt of a run. By primary key.
SELECT /*attempt*/
  FROM attempts a WHERE run_id = :run_id AND number = :number;

-- name: completed_attempt
-- The attempt whose completion a repeated call tells of again. By primary key, an attempt or few.
SELECT /*attempt*/
  FROM attempts a
 WHERE run_id = :run_id AND complete_status IS NOT NULL
   AND (complete_snapshot_number = :named OR complete_key = :request_key)
 ORDER BY number DESC LIMIT 1;

-- name: forgive_attempt
-- An attempt that was begun for a worker that never had it. By primary key.
UPDATE attempts SET ended_at_ms = :now_ms, result = 'CANCELED', error = :error, usage_ms = 0
 WHERE run_id = :run_id AND number = :number AND ended_at_ms IS NULL;

-- name: take_next
-- The run that went out with the answer to a completion. By primary key.
UPDATE attempts SET next_run_id = :next_run_id WHERE run_id = :run_id AND number = :number;

-- name: lease_of
SELECT lease_expires_at_ms FROM runs WHERE id = :id;

-- name: end_attempt
-- How an attempt ended, and the answer its worker got: a repeated completion gets the same one.
UPDATE attempts
   SET ended_at_ms = :now_ms, result = :result, error = :error, retry_at_ms = :retry_at_ms,
       usage_ms = :usage_ms, complete_key = :complete_key,
       complete_snapshot_number = :complete_snapshot_number, complete_status = :complete_status,
       result_snapshot_number = :result_snapshot_number
 WHERE run_id = :run_id AND number = :number AND ended_at_ms IS NULL;

-- name: insert_packet
INSERT INTO packets (run_id, kind, type, data, blob, bytes)
VALUES (:run_id, :kind, :type, :data, :blob, :bytes);

-- name: input_packets
-- What an attempt starts with. By primary key.
SELECT kind, type, data, blob FROM packets WHERE run_id = :run_id AND kind IN ('PAYLOAD', 'METADATA');

-- name: run_of_request
-- The run that an earlier try of the same client call made. By primary key.
SELECT run_id, created_at_ms FROM request_keys WHERE key_hash = :key_hash;

-- name: remember_request
INSERT INTO request_keys (key_hash, run_id, created_at_ms) VALUES (:key_hash, :run_id, :now_ms)
    ON CONFLICT (key_hash) DO UPDATE SET run_id = excluded.run_id, created_at_ms = excluded.created_at_ms;

-- name: run_of_one_time_token
SELECT run_id FROM one_time_tokens WHERE token_hash = :token_hash;

-- name: use_one_time_token
INSERT INTO one_time_tokens (token_hash, run_id) VALUES (:token_hash, :run_id);

-- name: run_of_idempotency_key
-- Served by runs_idempotency.
SELECT id, outcome, state, idempotency_expires_at_ms FROM runs
 WHERE environment_id = :environment_id AND task = :task AND idempotency_key = :idempotency_key;

-- name: release_idempotency_key
UPDATE runs SET idempotency_key = NULL, updated_at_ms = :now_ms WHERE id = :id;

-- name: insert_tag
INSERT INTO run_tags (environment_id, tag, run_id) VALUES (:environment_id, :tag, :run_id)
    ON CONFLICT DO NOTHING;

-- name: lineage
-- What a child inherits. By primary key.
SELECT id, root_run_id, depth, annotations, trace_context, outcome, state, locked_version FROM runs
 WHERE id = :id AND environment_id = :environment_id;

-- name: pending_for_version
-- Runs that wait for a version and can run on this one, oldest first. A run in its task's own queue
-- goes to whatever queue the task declares. Served by runs_pending_version.
SELECT /*head*/
  FROM runs r INDEXED BY runs_pending_version
 WHERE r.state = 'RUN_CREATED' AND r.environment_id = :environment_id
   AND r.task IN (SELECT slug FROM worker_tasks WHERE worker_id = :worker_id)
   AND r.is_version_pinned = 0
   AND (r.queue_name IN (SELECT name FROM worker_queues WHERE worker_id = :worker_id)
        OR r.queue_name = 'task/' || r.task
        OR (:is_development
            AND r.queue_name IN (SELECT name FROM queues WHERE environment_id = :environment_id)))
 ORDER BY r.created_at_ms, r.id LIMIT :limit;

-- name: enqueue
-- Into the queue: its delay is over, or a version was found. By primary key.
UPDATE runs
   SET state = :state, status = :status, status_reason = NULL, snapshot_number = :snapshot_number,
       is_ready = :is_ready, due_at_ms = :due_at_ms, ttl_at_ms = :ttl_at_ms,
       park_expires_at_ms = NULL, queued_at_ms = ifnull(queued_at_ms, :queued_at_ms),
       updated_at_ms = :now_ms
 WHERE id = :id;

-- name: run
-- Everything people are shown about one run. By primary key.
SELECT *
  FROM runs
 WHERE id = :id;

-- name: packets_of
-- All packets of a run. By primary key.
SELECT kind, type, data, blob, bytes FROM packets WHERE run_id = :run_id;

-- name: held_heads
-- Those of the runs of :run_ids (a JSON list) that a worker of this environment, or of one of its
-- branches, holds. By primary key.
SELECT /*head*/
  FROM runs r
 WHERE id IN (SELECT value FROM json_each(:run_ids))
   AND lease_expires_at_ms IS NOT NULL
   AND environment_id IN (SELECT id FROM environments
                           WHERE id = :environment_id OR parent_id = :environment_id)
 LIMIT :limit;

-- name: extend_lease
-- A sign of life, if it names a snapshot of the attempt (or dispatch) that is the present one.
-- Never shortens: a cancel's deadline and a grace period stay. By primary key.
UPDATE runs
   SET lease_expires_at_ms = max(lease_expires_at_ms,
           CASE WHEN state = 'PENDING_EXECUTING' THEN :pending_until_ms ELSE :running_until_ms END)
 WHERE id = :id AND state IN ('PENDING_EXECUTING', 'EXECUTING', 'EXECUTING_WITH_WAITPOINTS', 'QUEUED_EXECUTING')
   AND :number <= snapshot_number
   AND (:number = snapshot_number
        OR :number > (SELECT snapshot_number FROM attempts
                       WHERE run_id = :id AND number = attempt_number AND ended_at_ms IS NULL));

-- name: lapsed_leases
-- Runs whose worker was silent for too long, the longest first. All leased runs are few: scanned.
SELECT /*head*/
  FROM runs r INDEXED BY runs_leased
 WHERE lease_expires_at_ms IS NOT NULL AND lease_expires_at_ms <= :now_ms
 ORDER BY lease_expires_at_ms LIMIT :limit;

-- name: next_lease
-- Served by runs_leased.
SELECT min(lease_expires_at_ms) AS at_ms FROM runs WHERE lease_expires_at_ms IS NOT NULL;

-- name: grant_grace
-- Nobody is judged before :until_ms: the box was away, not the workers. Served by runs_leased.
UPDATE runs SET lease_expires_at_ms = :until_ms
 WHERE lease_expires_at_ms IS NOT NULL AND lease_expires_at_ms < :until_ms;

-- name: reschedule
UPDATE runs
   SET snapshot_number = :snapshot_number, due_at_ms = :delay_until_ms, delay_until_ms = :delay_until_ms,
       queue_timestamp_ms = :delay_until_ms, rank_ms = :rank_ms, updated_at_ms = :now_ms
 WHERE id = :id;

-- name: tags_of
SELECT tags FROM runs WHERE id = :id;

-- name: set_tags
UPDATE runs SET tags = :tags, updated_at_ms = :now_ms WHERE id = :id;

-- name: begin_cascade
-- Mark a cancelled run whose children must follow. Served by runs_by_parent.
UPDATE runs SET is_cascading = 1
 WHERE id = :id AND EXISTS (SELECT 1 FROM runs WHERE parent_run_id = :id);

-- name: cascading
-- Cancelled runs whose descendants are still to be looked at. Served by runs_cascading.
SELECT id FROM runs WHERE is_cascading = 1 LIMIT :limit;

-- name: live_descendants
-- Runs below a finished one that no live run stands above: they are cancelled next. Below a run
-- that is being cancelled nothing happens before it has ended (run-engine 8). Served by runs_by_parent.
WITH RECURSIVE below (id) AS (
    SELECT id FROM runs WHERE parent_run_id = :id
    UNION
    SELECT child.id FROM runs child
      JOIN below ON child.parent_run_id = below.id
      JOIN runs parent ON parent.id = below.id AND parent.state = 'FINISHED'
)
SELECT /*head*/
  FROM runs r WHERE id IN (SELECT id FROM below) AND outcome IS NULL LIMIT :limit;

-- name: end_cascade
UPDATE runs SET is_cascading = 0 WHERE id = :id;

-- name: due
-- What is due now, the longest due first. Served by runs_due.
SELECT /*head*/
  FROM runs r INDEXED BY runs_due
 WHERE due_at_ms IS NOT NULL AND due_at_ms <= :now_ms ORDER BY due_at_ms LIMIT :limit;

-- name: next_due
-- Served by runs_due.
SELECT min(due_at_ms) AS at_ms FROM runs WHERE due_at_ms IS NOT NULL;

-- name: make_ready
-- A later retry may go now. Its state stays; so does its snapshot. By primary key.
UPDATE runs SET is_ready = 1, due_at_ms = NULL WHERE id = :id;

-- name: past_ttl
-- Served by runs_ttl.
SELECT /*head*/
  FROM runs r INDEXED BY runs_ttl
 WHERE ttl_at_ms IS NOT NULL AND ttl_at_ms <= :now_ms ORDER BY ttl_at_ms LIMIT :limit;

-- name: next_ttl
-- Served by runs_ttl.
SELECT min(ttl_at_ms) AS at_ms FROM runs WHERE ttl_at_ms IS NOT NULL;

-- name: environments_with_pending
-- Served by runs_pending_version.
SELECT DISTINCT environment_id FROM runs INDEXED BY runs_pending_version
 WHERE state = 'RUN_CREATED' LIMIT :limit;

-- name: forget_requests
-- Served by request_keys_by_age.
DELETE FROM request_keys WHERE key_hash IN (
    SELECT key_hash FROM request_keys WHERE created_at_ms < :before_ms ORDER BY created_at_ms LIMIT :limit);

-- name: touch
UPDATE runs SET updated_at_ms = :now_ms WHERE id = :id;

-- name: metadata_of
SELECT type, data FROM packets WHERE run_id = :run_id AND kind = 'METADATA';

-- name: metadata_in_environment
-- A run's metadata, nulls if it has none; no row: no such run here. By primary keys.
SELECT p.type, p.data FROM runs r LEFT JOIN packets p ON p.run_id = r.id AND p.kind = 'METADATA'
 WHERE r.id = :run_id AND r.environment_id = :environment_id;

-- name: put_metadata
INSERT INTO packets (run_id, kind, type, data, blob, bytes)
VALUES (:run_id, 'METADATA', 'application/json', :data, NULL, :bytes)
    ON CONFLICT (run_id, kind) DO UPDATE SET type = excluded.type, data = excluded.data, bytes = excluded.bytes;

-- name: attempts_of
-- A run's attempts, if the run is this environment's. By primary keys.
SELECT a.number, a.runner_id, a.is_warm, a.started_at_ms, a.ended_at_ms, a.result, a.error,
       a.retry_at_ms, a.usage_ms
  FROM runs r JOIN attempts a ON a.run_id = r.id
 WHERE r.id = :run_id AND r.environment_id = :environment_id ORDER BY a.number;

-- name: children
-- The newest children of a run. Served by runs_by_parent.
SELECT * FROM runs WHERE parent_run_id = :parent_run_id ORDER BY id DESC LIMIT :limit;

-- name: newest_snapshot
-- By primary keys.
SELECT s.number, s.state, s.status, s.attempt_number, s.description, s.runner_id, s.created_at_ms
  FROM runs r JOIN snapshots s ON s.run_id = r.id AND s.number = r.snapshot_number
 WHERE r.id = :run_id AND r.environment_id = :environment_id;

-- name: snapshots_since
-- The newest snapshots after a number, newest first (the caller turns them). By primary key.
SELECT number, state, status, attempt_number, description, runner_id, created_at_ms
  FROM snapshots WHERE run_id = :run_id AND number > :number ORDER BY number DESC LIMIT :limit;
