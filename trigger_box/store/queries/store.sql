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

-- name: delete_old_changes
-- Forget what every reader has long seen, in small bites. Served by changes_by_age.
DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at_ms < :before_ms ORDER BY at_ms LIMIT :limit);
