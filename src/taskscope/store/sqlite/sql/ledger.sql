-- name: append
INSERT INTO event (seq, id, time_us, hash, received_us, type, service, task, subject_boot, attempt, run, job, queue,
    worker, boot, duration_us, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: save_task
INSERT INTO task (id, key, service, task, folded, state, cancelled, job, queue, first_us, limit_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    folded = excluded.folded,
    state = excluded.state,
    cancelled = excluded.cancelled,
    job = excluded.job,
    queue = excluded.queue,
    first_us = excluded.first_us,
    limit_us = excluded.limit_us;

-- name: facts_of_task
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data
FROM event AS e JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker
WHERE e.task = ?;

-- name: save_run
INSERT INTO run (task, attempt, run, submission, anchor_us, job, queue, worker, boot, state, submitted_us,
    due_us, started_us, finished_us, duration_us, wait_us, skewed, outcome, inferred, end_type, end_id, error_type,
    error_message, progress, outputs, proof_us, recheck_us, fingerprint)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: drop_run
DELETE FROM run WHERE task = ? AND attempt = ? AND run = ? AND submission = ?;

-- name: new_boot
INSERT INTO boot (service, boot, anonymous, folded, received_us) VALUES (?, ?, ?, ?, 0);

-- name: save_boot
UPDATE boot SET folded = ?, received_us = max(received_us, ?), worker = ?, heartbeat_us = ?, ttl_us = ? WHERE id = ?;

-- name: drop_presence
DELETE FROM presence WHERE boot = ?;

-- name: save_presence
INSERT INTO presence (boot, start_us, end_us) VALUES (?, ?, ?);

-- name: drop_queues
DELETE FROM boot_queue WHERE boot = ?;

-- name: save_queue
INSERT INTO boot_queue (boot, queue) VALUES (?, ?);

-- name: save_job
INSERT INTO job (name, folded, limit_us) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET folded = excluded.folded, limit_us = excluded.limit_us;

-- name: unended_of_boot
SELECT DISTINCT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.boot = ? AND r.end_type IS NULL AND r.submission = '';

-- name: unended_of_job
-- Few runs are unended, so their index is read whole.
SELECT DISTINCT t.service, t.task FROM run AS r INDEXED BY run_unended JOIN task AS t ON t.id = r.task
WHERE r.job = ? AND r.end_type IS NULL AND r.submission = '';

-- name: due
SELECT DISTINCT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.recheck_us <= ? LIMIT ?;

-- name: read_meta
SELECT value FROM meta WHERE key = ?;

-- name: write_meta
INSERT OR REPLACE INTO meta (key, value, crc) VALUES (?, ?, ?);

-- name: next_change
SELECT coalesce(max(number), 0) + 1 FROM change_log;

-- name: log_change
INSERT INTO change_log (number, token, tasks) VALUES (?, ?, ?);

-- name: forget_changes
DELETE FROM change_log WHERE number <= ?;
