-- The foundation: people and keys, what code exists, runs, and the change feed.
-- Times are integer milliseconds, UTC. JSON columns keep the text that came in.

CREATE TABLE box (                       -- one row: what this data folder is
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    created_at_ms   INTEGER NOT NULL,
    claimed_at_ms   INTEGER,             -- null until the owner has opened the claim link
    claim_token_hash TEXT                -- sha256 hex of the one claim token, null once used
) STRICT;

-- ---------------------------------------------------------------- people

CREATE TABLE users (
    id              TEXT PRIMARY KEY,
    email           TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name            TEXT,
    password_hash   TEXT,                -- argon2id, null for accounts without a password
    is_admin        INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    created_at_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (                  -- signed-in browsers
    token_hash      TEXT PRIMARY KEY,    -- sha256 hex of the cookie's value
    user_id         TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    signed_in_from  TEXT,                -- shown to the person: browser and address
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

CREATE TABLE personal_access_tokens (
    id              TEXT PRIMARY KEY,
    user_id         TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    token_hash      TEXT NOT NULL UNIQUE,    -- sha256 hex of the whole token
    hint            TEXT NOT NULL,           -- the token's last four characters
    is_cli          INTEGER NOT NULL DEFAULT 0 CHECK (is_cli IN (0, 1)),   -- made by a command line's sign-in
    created_at_ms   INTEGER NOT NULL,
    last_used_at_ms INTEGER,
    revoked_at_ms   INTEGER
) STRICT;
CREATE INDEX personal_access_tokens_by_user ON personal_access_tokens (user_id);

CREATE TABLE authorization_codes (       -- a CLI that asks to sign in
    code_hash       TEXT PRIMARY KEY,    -- sha256 hex
    state           TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'DENIED', 'USED')),
    user_id         TEXT REFERENCES users(id) ON DELETE CASCADE,
    code_challenge  TEXT,                -- PKCE S256, when the client sent one
    requested_by    TEXT,                -- the program that asked, shown on the page
    address         TEXT,                -- where it asked from, shown, too
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at_ms);

CREATE TABLE organizations (
    id              TEXT PRIMARY KEY,
    slug            TEXT NOT NULL UNIQUE,
    title           TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    organization_id TEXT NOT NULL REFERENCES organizations(id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    role            TEXT NOT NULL CHECK (role IN ('OWNER', 'MEMBER')),
    created_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE projects (
    id              TEXT PRIMARY KEY,
    ref             TEXT NOT NULL UNIQUE,    -- proj_ and 20 letters: the public name
    organization_id TEXT NOT NULL REFERENCES organizations(id),
    slug            TEXT NOT NULL,
    name            TEXT NOT NULL,
    initialized_at_ms INTEGER,
    created_at_ms   INTEGER NOT NULL,
    UNIQUE (organization_id, slug)
) STRICT;

CREATE TABLE environments (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL REFERENCES projects(id),
    type            TEXT NOT NULL CHECK (type IN ('DEVELOPMENT', 'STAGING', 'PRODUCTION', 'PREVIEW')),
    slug            TEXT NOT NULL CHECK (slug IN ('dev', 'stg', 'prod', 'preview')),
    owner_id        TEXT REFERENCES users(id),   -- development: one environment per member
    parent_id       TEXT REFERENCES environments(id),
    branch_name     TEXT,
    archived_at_ms  INTEGER,
    paused          INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    concurrency_limit INTEGER NOT NULL CHECK (concurrency_limit >= 0),
    burst_factor    REAL NOT NULL DEFAULT 1.0 CHECK (burst_factor >= 1.0),
    current_worker_id TEXT,                      -- the version that unlocked runs go to
    created_at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX environments_by_project ON environments (project_id);
CREATE UNIQUE INDEX environments_root
    ON environments (project_id, type, ifnull(owner_id, '')) WHERE parent_id IS NULL;
CREATE UNIQUE INDEX environments_branch
    ON environments (parent_id, branch_name) WHERE parent_id IS NOT NULL AND archived_at_ms IS NULL;

CREATE TABLE root_keys (                 -- an environment's own secret key
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    key_hash        TEXT NOT NULL UNIQUE,    -- sha256 hex, to look it up
    key_sealed      BLOB NOT NULL,           -- AES-256-GCM with the box's key, to show it and to sign tokens
    created_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER,                 -- set by a rotation: still good until then
    PRIMARY KEY (environment_id, key_hash)
) STRICT, WITHOUT ROWID;

CREATE VIEW environment_facts AS         -- an environment with the names around it and the key it signs with
SELECT e.id, e.type, e.slug, e.branch_name, e.parent_id, e.owner_id, e.archived_at_ms,
       p.id AS project_id, p.ref AS project_ref, p.slug AS project_slug, p.name AS project_name,
       o.id AS organization_id, o.slug AS organization_slug, o.title AS organization_title,
       k.environment_id AS key_owner_id, k.key_sealed
  FROM environments e
  JOIN projects p ON p.id = e.project_id
  JOIN organizations o ON o.id = p.organization_id
  JOIN root_keys k ON k.environment_id = ifnull(e.parent_id, e.id) AND k.expires_at_ms IS NULL;

-- ---------------------------------------------------------------- code

CREATE TABLE workers (                   -- a registered version; immutable
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    version         TEXT NOT NULL,           -- YYYYMMDD.N
    content_hash    TEXT NOT NULL,
    sdk_version     TEXT,
    cli_version     TEXT,
    runtime         TEXT,
    runtime_version TEXT,
    metadata        TEXT NOT NULL,           -- the whole registration body's metadata, as sent
    created_at_ms   INTEGER NOT NULL,
    UNIQUE (environment_id, version)
) STRICT;
CREATE INDEX workers_newest ON workers (environment_id, created_at_ms DESC);

CREATE TABLE worker_tasks (
    worker_id       TEXT NOT NULL REFERENCES workers(id) ON DELETE CASCADE,
    slug            TEXT NOT NULL,
    file_path       TEXT NOT NULL,
    export_name     TEXT,
    description     TEXT,
    queue_name      TEXT NOT NULL,
    retry           TEXT,                    -- JSON retry policy
    machine         TEXT,                    -- JSON {preset?, cpu?, memory?}
    max_duration_s  INTEGER,
    ttl             TEXT,
    trigger_source  TEXT NOT NULL DEFAULT 'STANDARD',
    payload_schema  TEXT,                    -- JSON Schema
    PRIMARY KEY (worker_id, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX worker_tasks_by_slug ON worker_tasks (slug, worker_id);

CREATE TABLE worker_queues (             -- the queues a version may use
    worker_id       TEXT NOT NULL REFERENCES workers(id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    PRIMARY KEY (worker_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE queues (
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    name            TEXT NOT NULL,           -- task/<slug> or a named queue
    type            TEXT NOT NULL CHECK (type IN ('VIRTUAL', 'NAMED')),
    concurrency_limit INTEGER CHECK (concurrency_limit >= 0),   -- as declared in code; null: none of its own
    override_limit  INTEGER CHECK (override_limit >= 0),        -- set by people: wins over the declared one
    override_percent REAL CHECK (override_percent > 0 AND override_percent <= 100),   -- … of the environment's
    overridden_at_ms INTEGER,
    overridden_by   TEXT,
    paused          INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    created_at_ms   INTEGER NOT NULL,
    UNIQUE (environment_id, name)
) STRICT;

-- ---------------------------------------------------------------- runs

-- Long checks are written with OR: SQLite builds a table for an IN list each time a statement runs,
-- which cost a third of a claim.
CREATE TABLE runs (
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    number          INTEGER NOT NULL,        -- counts up per environment, for people
    task            TEXT NOT NULL,

    -- where it is
    state           TEXT NOT NULL CHECK (
                        state = 'QUEUED' OR state = 'PENDING_EXECUTING' OR state = 'EXECUTING' OR state = 'FINISHED'
                        OR state = 'DELAYED' OR state = 'EXECUTING_WITH_WAITPOINTS' OR state = 'QUEUED_EXECUTING'
                        OR state = 'PENDING_CANCEL' OR state = 'RUN_CREATED'),
    is_parked       INTEGER NOT NULL DEFAULT 0 CHECK (is_parked IN (0, 1)),
    outcome         TEXT CHECK (
                        outcome = 'COMPLETED_SUCCESSFULLY' OR outcome = 'COMPLETED_WITH_ERRORS' OR outcome = 'CANCELED'
                        OR outcome = 'CRASHED' OR outcome = 'SYSTEM_FAILURE' OR outcome = 'TIMED_OUT' OR outcome = 'EXPIRED'),
    status          TEXT NOT NULL CHECK (   -- what people see: a projection, stored beside the state
                        (outcome IS NOT NULL AND status = outcome) OR (outcome IS NULL AND (
                            status = 'PENDING' OR status = 'DEQUEUED' OR status = 'EXECUTING' OR status = 'DELAYED'
                            OR status = 'WAITING_TO_RESUME' OR status = 'PENDING_VERSION'))),
    status_reason   TEXT,                    -- why a run waits for a version, or why it was given up
    snapshot_number INTEGER NOT NULL,        -- counts up with each change of state
    attempt_number  INTEGER NOT NULL DEFAULT 0 CHECK (attempt_number BETWEEN 0 AND 250),
    attempts_forgiven INTEGER NOT NULL DEFAULT 0,   -- attempts that never reached a worker: they don't count
    dispatch_failures INTEGER NOT NULL DEFAULT 0,   -- dispatches since the last attempt started that failed

    -- its place in line
    queue_name      TEXT NOT NULL,
    queue_id        TEXT,                    -- known once the queue exists
    concurrency_key TEXT NOT NULL DEFAULT '',    -- '' is "none"
    rank_ms         INTEGER NOT NULL,        -- queue timestamp minus priority: smaller is sooner
    queue_timestamp_ms INTEGER NOT NULL,
    priority_ms     INTEGER NOT NULL DEFAULT 0 CHECK (priority_ms >= 0),
    is_ready        INTEGER NOT NULL DEFAULT 0 CHECK (is_ready IN (0, 1)),   -- queued, and not before a later retry

    -- clocks: null when not running
    due_at_ms       INTEGER,                 -- DELAYED: when it is due; QUEUED and not ready: the retry instant
    ttl             TEXT,
    ttl_at_ms       INTEGER,                 -- armed on first entry into the queue, dropped at the first lock
    lease_expires_at_ms INTEGER,
    park_expires_at_ms  INTEGER,

    -- policy
    max_attempts    INTEGER,
    trigger_max_attempts INTEGER,            -- what the trigger call asked for; only this overrides the task's
    retry_policy    TEXT,                    -- JSON, locked at the first dequeue
    max_duration_s  INTEGER,
    machine         TEXT,                    -- preset name
    idempotency_key TEXT,
    idempotency_expires_at_ms INTEGER,
    idempotency_options TEXT,                -- JSON {key, scope} as the client gave it

    -- version: locked at the first dequeue, or by the trigger
    locked_worker_id TEXT,                   -- a worker's id; no foreign key: it cost a fifth of each claim
    is_version_pinned INTEGER NOT NULL DEFAULT 0 CHECK (is_version_pinned IN (0, 1)),  -- the trigger named it
    locked_version  TEXT,                    -- the locked worker's version
    runner_id       TEXT,                    -- who holds it now

    -- lineage
    parent_run_id   TEXT,
    root_run_id     TEXT,
    depth           INTEGER NOT NULL DEFAULT 0,
    replay_of_run_id TEXT,
    resume_parent   INTEGER NOT NULL DEFAULT 0 CHECK (resume_parent IN (0, 1)),  -- its parent waits for it
    is_awaited      INTEGER NOT NULL DEFAULT 0 CHECK (is_awaited IN (0, 1)),     -- a waitpoint stands for its end
    has_waited      INTEGER NOT NULL DEFAULT 0 CHECK (has_waited IN (0, 1)),     -- there may be rows of it in waits
    is_cascading    INTEGER NOT NULL DEFAULT 0 CHECK (is_cascading IN (0, 1)),   -- cancelled; its descendants are next

    -- traces
    trace_id        TEXT NOT NULL,
    span_id         TEXT NOT NULL,
    parent_span_id  TEXT,
    trace_context   TEXT,                    -- JSON {traceparent, tracestate}: the external context, kept apart

    -- labels
    is_test         INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1)),
    tags            TEXT NOT NULL DEFAULT '[]',  -- JSON list, as shown; run_tags is the index
    annotations     TEXT NOT NULL DEFAULT '{}',  -- JSON {triggerSource, triggerAction, ...}
    sdk_version     TEXT,                    -- the SDK that triggered it

    -- when
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    queued_at_ms    INTEGER,
    delay_until_ms  INTEGER,
    started_at_ms   INTEGER,                 -- first dequeue
    executed_at_ms  INTEGER,                 -- first attempt start
    completed_at_ms INTEGER,
    expired_at_ms   INTEGER,

    -- what it cost
    usage_ms        INTEGER NOT NULL DEFAULT 0,
    cost_in_cents   REAL NOT NULL DEFAULT 0,
    base_cost_in_cents REAL NOT NULL DEFAULT 0,

    CHECK ((state = 'FINISHED') <= (outcome IS NOT NULL)),
    CHECK ((state = 'FINISHED') <= (completed_at_ms IS NOT NULL)),
    CHECK (is_ready = 0 OR state = 'QUEUED')
) STRICT;

-- The dispatcher's order inside one lane (environment, queue, key). Only runs that may start now.
CREATE INDEX runs_ready ON runs (environment_id, queue_name, concurrency_key, rank_ms, id) WHERE is_ready = 1;
-- Runs under a lease. Every run that holds a slot is one, and they are few: so this also serves
-- the counts that are rebuilt at start, and a sweep may scan all of it.
CREATE INDEX runs_leased ON runs (lease_expires_at_ms) WHERE lease_expires_at_ms IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE INDEX runs_ttl ON runs (ttl_at_ms) WHERE ttl_at_ms IS NOT NULL;
CREATE INDEX runs_pending_version ON runs (environment_id, task, created_at_ms, id) WHERE state = 'RUN_CREATED';
CREATE UNIQUE INDEX runs_idempotency ON runs (environment_id, task, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_newest ON runs (environment_id, id DESC);
-- By status, written once in a run's life each: the open ones are looked through, the ended ones found.
CREATE INDEX runs_open ON runs (environment_id, id DESC) WHERE outcome IS NULL;
CREATE INDEX runs_ended ON runs (environment_id, outcome, id DESC) WHERE outcome IS NOT NULL;
CREATE INDEX runs_by_task ON runs (environment_id, task, id DESC);
CREATE INDEX runs_cascading ON runs (id) WHERE is_cascading = 1;
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_by_root ON runs (root_run_id) WHERE root_run_id IS NOT NULL;

CREATE TABLE packets (                   -- payload, output, metadata, error: kept off the hot row
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    kind            TEXT NOT NULL CHECK (
                        kind = 'PAYLOAD' OR kind = 'OUTPUT' OR kind = 'METADATA' OR kind = 'SEED_METADATA' OR kind = 'ERROR'),
    type            TEXT NOT NULL,           -- application/json, application/super+json, text/plain, application/store
    data            TEXT,                    -- inline text, exactly as sent; null: no data, or in the blob store
    blob            TEXT,                    -- sha256 hex in the blob store
    bytes           INTEGER NOT NULL,
    PRIMARY KEY (run_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX packets_by_blob ON packets (blob) WHERE blob IS NOT NULL;

CREATE TABLE stored_packets (            -- packets that clients upload themselves, before they name them
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    path            TEXT NOT NULL,           -- the client's own name for it; data of an application/store packet
    type            TEXT NOT NULL,           -- content type of the upload, told back verbatim
    blob            TEXT NOT NULL,           -- sha256 hex in the blob store
    bytes           INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (environment_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX stored_packets_by_blob ON stored_packets (blob);
CREATE INDEX stored_packets_by_age ON stored_packets (created_at_ms);

CREATE TABLE run_tags (
    environment_id  TEXT NOT NULL,
    tag             TEXT NOT NULL,
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    PRIMARY KEY (environment_id, tag, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_run ON run_tags (run_id);

CREATE TABLE debounces (                 -- a delayed run that later triggers with the same key push
    environment_id  TEXT NOT NULL,
    task            TEXT NOT NULL,
    key             TEXT NOT NULL,
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    PRIMARY KEY (environment_id, task, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX debounces_by_run ON debounces (run_id);

CREATE TABLE waitpoints (                -- what runs wait for: another run, an instant, somebody's word
    id              TEXT PRIMARY KEY,
    environment_id  TEXT NOT NULL REFERENCES environments(id),
    kind            TEXT NOT NULL CHECK (kind IN ('RUN', 'DATETIME', 'MANUAL')),
    run_id          TEXT REFERENCES runs(id) ON DELETE CASCADE,  -- RUN: whose end completes it; its packets are the output
    due_at_ms       INTEGER,                 -- DATETIME: the instant; MANUAL: when it times out
    completed_at_ms INTEGER,                 -- null while it is waited for
    is_error        INTEGER NOT NULL DEFAULT 0 CHECK (is_error IN (0, 1)),
    is_spreading    INTEGER NOT NULL DEFAULT 0 CHECK (is_spreading IN (0, 1)),   -- complete; some runs do not know yet
    output_type     TEXT,                    -- MANUAL: what it was completed with
    output          TEXT,
    output_blob     TEXT,                    -- sha256 hex in the blob store
    idempotency_key TEXT,
    idempotency_expires_at_ms INTEGER,
    tags            TEXT NOT NULL DEFAULT '[]',  -- JSON list
    created_at_ms   INTEGER NOT NULL,
    CHECK ((kind = 'RUN') = (run_id IS NOT NULL)),
    CHECK ((kind = 'DATETIME') <= (due_at_ms IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX waitpoints_by_run ON waitpoints (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX waitpoints_due ON waitpoints (due_at_ms) WHERE due_at_ms IS NOT NULL AND completed_at_ms IS NULL;
CREATE INDEX waitpoints_spreading ON waitpoints (id) WHERE is_spreading = 1;
CREATE UNIQUE INDEX waitpoints_idempotency ON waitpoints (environment_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX waitpoints_tokens ON waitpoints (environment_id, id DESC) WHERE kind = 'MANUAL';
CREATE INDEX waitpoints_by_blob ON waitpoints (output_blob) WHERE output_blob IS NOT NULL;

CREATE TABLE waits (                     -- which runs wait for which waitpoints
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    waitpoint_id    TEXT NOT NULL REFERENCES waitpoints(id) ON DELETE CASCADE,
    told_number     INTEGER,                 -- the snapshot that told the worker of its end; null: not yet
    PRIMARY KEY (run_id, waitpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_by_waitpoint ON waits (waitpoint_id, told_number);

CREATE TABLE snapshots (                 -- append-only log of a run's states
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    state           TEXT NOT NULL,
    status          TEXT NOT NULL,
    attempt_number  INTEGER NOT NULL,
    description     TEXT NOT NULL,
    runner_id       TEXT,
    created_at_ms   INTEGER NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL CHECK (number BETWEEN 1 AND 250),
    worker_id       TEXT,
    runner_id       TEXT,
    snapshot_number INTEGER NOT NULL,        -- the snapshot the start was called with
    is_warm         INTEGER NOT NULL DEFAULT 0 CHECK (is_warm IN (0, 1)),   -- its process had run something before
    start_key       TEXT,                    -- request key of the accepted start: a repeat gets the same answer
    complete_key    TEXT,
    complete_snapshot_number INTEGER,        -- the snapshot the accepted completion was called with
    complete_status TEXT,                    -- the answer it got: its status
    result_snapshot_number INTEGER,          -- … its snapshot
    next_run_id     TEXT,                    -- … and the run that was handed over with it
    started_at_ms   INTEGER NOT NULL,
    ended_at_ms     INTEGER,
    result          TEXT CHECK (result = 'SUCCEEDED' OR result = 'FAILED' OR result = 'CANCELED'),
    error           TEXT,                    -- JSON task run error
    retry_at_ms     INTEGER,
    usage_ms        INTEGER,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE request_keys (              -- lost answers: one client call makes one run (rest-api 10.1)
    key_hash        TEXT PRIMARY KEY,
    run_id          TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX request_keys_by_age ON request_keys (created_at_ms);

CREATE TABLE one_time_tokens (           -- public tokens that were good for one run, and have made it
    token_hash      TEXT PRIMARY KEY,    -- sha256 hex
    run_id          TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_run ON one_time_tokens (run_id);

-- ---------------------------------------------------------------- the change feed

CREATE TABLE changes (
    seq             INTEGER PRIMARY KEY,     -- counts up: the newest row is never deleted
    at_ms           INTEGER NOT NULL,
    environment_id  TEXT,                    -- null: the box itself
    subject         TEXT NOT NULL,           -- the id of what changed
    kind            TEXT NOT NULL,           -- noun.past_verb
    body            TEXT NOT NULL            -- JSON
) STRICT;
