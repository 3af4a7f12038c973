-- name: put
-- A repeated upload to the same path wins: clients repeat an upload whose answer was lost.
INSERT INTO stored_packets (environment_id, path, type, blob, bytes, created_at_ms)
VALUES (:environment_id, :path, :type, :blob, :bytes, :now_ms)
ON CONFLICT (environment_id, path) DO UPDATE
   SET type = excluded.type, blob = excluded.blob, bytes = excluded.bytes,
       created_at_ms = excluded.created_at_ms;

-- name: one
-- Served by the primary key.
SELECT type, blob, bytes FROM stored_packets WHERE environment_id = :environment_id AND path = :path;

-- name: lend
-- The blob is shared: it is named by its content. Served by the primary key.
INSERT INTO stored_packets (environment_id, path, type, blob, bytes, created_at_ms)
SELECT :to_id, path, type, blob, bytes, created_at_ms FROM stored_packets
 WHERE environment_id = :from_id AND path = :path
ON CONFLICT (environment_id, path) DO NOTHING;
