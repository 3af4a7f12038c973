-- name: insert_change
-- One row of the change feed, in the transaction of the change it tells of.
INSERT INTO changes (at_ms, environment_id, subject, kind, body)
VALUES (:at_ms, :environment_id, :subject, :kind, :body);

-- name: changes_after
-- What happened after a bookmark, oldest first. Served by the primary key.
SELECT seq, at_ms, environment_id, subject, kind, body
  FROM changes WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: last_change
SELECT ifnull(max(seq), 0) AS seq FROM changes;

-- name: take_back_change
-- The change just inserted, before anybody has seen it. By primary key.
DELETE FROM changes WHERE seq = last_insert_rowid();

-- name: delete_old_changes
-- Forget what every reader has long seen, in small bites, oldest first. The newest row stays, so
-- that seq goes on counting. By primary key.
DELETE FROM changes
 WHERE seq IN (SELECT seq FROM changes ORDER BY seq LIMIT :limit)
   AND at_ms < :before_ms AND seq < (SELECT max(seq) FROM changes);
