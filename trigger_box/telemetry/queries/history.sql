-- DuckDB: what pages query. About spans and logs it is an index over the segment files, never the
-- truth. No indexes: rows lie in order of arrival, so a run's time range skips nearly everything,
-- and an index would have to fit into memory.

-- columns: row
seq, received_ms, environment_id, kind, start_ns, run_id, trace_id, span_id, parent_id, replaces,
task, attempt, version, entity, duration_ns, level, status, style, events

-- columns: mine
environment_id = $environment_id
AND received_ms BETWEEN $from_ms AND $to_ms
AND (run_id IN (SELECT unnest($run_ids)) OR (run_id IS NULL AND trace_id = $trace_id))

-- name: create
-- Times are integers: a TIMESTAMPTZ needs another package to be read back.
CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS loaded (name VARCHAR NOT NULL, bytes BIGINT NOT NULL, seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS telemetry (
    seq BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    environment_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    start_ns BIGINT NOT NULL,
    message VARCHAR,
    run_id VARCHAR,
    trace_id VARCHAR,
    span_id VARCHAR,
    parent_id VARCHAR,
    replaces VARCHAR,
    task VARCHAR,
    attempt SMALLINT,
    version VARCHAR,
    entity VARCHAR,
    duration_ns BIGINT,
    level VARCHAR,
    status VARCHAR,
    style VARCHAR,
    attributes VARCHAR,
    events VARCHAR
);

-- name: format
SELECT format FROM about;

-- name: set_format
INSERT INTO about VALUES ($format);

-- name: load
-- A damaged line (a torn disk) costs itself only: it becomes a row without a number.
INSERT INTO telemetry
SELECT seq, received_ms, environment_id, kind, start_ns, message, run_id, trace_id, span_id,
       parent_id, replaces, task, attempt, version, entity, duration_ns, level, status, style,
       attributes, events
  FROM read_json(
           $path,
           format = 'newline_delimited',
           ignore_errors = true,
           maximum_object_size = 16777216,
           columns = {
               seq: 'BIGINT', received_ms: 'BIGINT', environment_id: 'VARCHAR', kind: 'VARCHAR',
               start_ns: 'BIGINT', message: 'VARCHAR', run_id: 'VARCHAR', trace_id: 'VARCHAR',
               span_id: 'VARCHAR', parent_id: 'VARCHAR', replaces: 'VARCHAR', task: 'VARCHAR',
               attempt: 'SMALLINT', version: 'VARCHAR', entity: 'VARCHAR',
               duration_ns: 'BIGINT', level: 'VARCHAR', status: 'VARCHAR', style: 'VARCHAR',
               attributes: 'VARCHAR', events: 'VARCHAR'
           }
       )
 WHERE seq IS NOT NULL AND received_ms IS NOT NULL AND environment_id IS NOT NULL
   AND kind IS NOT NULL AND start_ns IS NOT NULL;

-- name: bookmarks
-- How far each segment is loaded, and the last number that was in there.
SELECT name, bytes, seq FROM loaded;

-- name: drop_bookmark
DELETE FROM loaded WHERE name = $name;

-- name: set_bookmark
INSERT INTO loaded VALUES ($name, $bytes, $seq);

-- name: tree_rows
-- What a tree shows: the run's own rows first, spans before logs, so that a cut hits what can be
-- paged elsewhere. Messages are shortened; attributes stay away.
SELECT /*row*/, left(message, $message_max) AS message, NULL AS attributes
  FROM telemetry
 WHERE /*mine*/
 ORDER BY (run_id IS NOT NULL AND run_id = $run_id) DESC, (kind = 'SPAN') DESC, seq
 LIMIT $limit;

-- name: full_rows
-- The same with attributes.
SELECT /*row*/, left(message, $message_max) AS message, attributes
  FROM telemetry
 WHERE /*mine*/
 ORDER BY (run_id IS NOT NULL AND run_id = $run_id) DESC, (kind = 'SPAN') DESC, seq
 LIMIT $limit;

-- name: span_rows
-- One span with all it has: its final row, or the partial ones that announce it. Newest first.
-- A log line has no span id, only its number.
SELECT /*row*/, message, attributes
  FROM telemetry
 WHERE /*mine*/
   AND (span_id = $span_id OR replaces = $span_id OR seq = $number)
 ORDER BY seq DESC
 LIMIT $limit;

-- name: arrived_rows
-- One page of everything in order of arrival.
SELECT /*row*/, message, attributes
  FROM telemetry
 WHERE /*mine*/
   AND seq > $after
 ORDER BY seq
 LIMIT $limit;

-- name: log_rows
-- One page of log lines in order of arrival.
SELECT /*row*/, message, attributes
  FROM telemetry
 WHERE /*mine*/
   AND kind = 'LOG'
   AND seq > $after
 ORDER BY seq
 LIMIT $limit;

-- name: forget_day
-- Retention. The space is used again by later rows.
DELETE FROM telemetry WHERE received_ms < $before_ms;

-- name: forget_bookmarks
DELETE FROM loaded WHERE name < $before_day;
