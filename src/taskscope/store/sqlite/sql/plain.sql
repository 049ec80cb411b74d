-- name: stored
-- Tasks as they stand; the columns of the run are null for one whose fold is stored.
SELECT t.service, t.task, t.id, r.rowid, r.job, r.queue, r.worker, coalesce(r.boot, -1), r.run,
    coalesce(r.submitted_us, -1), coalesce(r.started_us, -1), r.end_type, coalesce(r.finished_us, -1),
    coalesce(r.duration_us, -1), r.proof_us, coalesce(t.limit_us, -1), r.submission != '', r.anchor_us,
    coalesce(r.wait_us, -1), r.skewed, r.outcome, r.inferred, coalesce(r.recheck_us, -1), t.state, t.cancelled,
    t.first_us
FROM task AS t LEFT JOIN run AS r ON r.task = t.id AND t.folded = x''

-- name: new_task
INSERT INTO task (id, key, service, task, folded, state, cancelled, job, queue, first_us, limit_us)
VALUES (?, ?, ?, ?, x'', ?, ?, ?, ?, ?, ?)

-- name: new_run
INSERT INTO run (rowid, task, attempt, run, submission, anchor_us, job, queue, worker, boot, state, submitted_us,
    due_us, started_us, finished_us, duration_us, wait_us, skewed, outcome, inferred, end_type, end_id, error_type,
    error_message, outputs, proof_us, recheck_us, fingerprint)
VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)

-- name: change_task
UPDATE task SET state = ?, cancelled = ? WHERE id = ?

-- name: place_task
UPDATE task SET job = ?, queue = ?, first_us = ?, limit_us = ? WHERE id = ?

-- name: change_run
UPDATE run SET run = ?, submission = ?, anchor_us = ?, job = ?, queue = ?, worker = ?, boot = ?, state = ?,
    submitted_us = ?, due_us = ?, started_us = ?, finished_us = ?, duration_us = ?, wait_us = ?, skewed = ?,
    outcome = ?, inferred = ?, end_type = coalesce(?, end_type), end_id = coalesce(?, end_id),
    error_type = coalesce(?, error_type), error_message = coalesce(?, error_message), proof_us = ?, recheck_us = ?,
    fingerprint = CASE WHEN ? THEN fingerprint ELSE ? END
WHERE rowid = ?

-- name: start_run
-- The usual start: of a task that was waiting. Only what changes is set, so that other indexes stay as they are.
UPDATE run SET run = ?, submission = ?, anchor_us = ?, worker = ?, boot = ?, state = ?, started_us = ?, wait_us = ?,
    skewed = ?, proof_us = ?, recheck_us = ?
WHERE rowid = ?

-- name: end_run
-- The usual end: of a run that was seen to start.
UPDATE run SET state = ?, finished_us = ?, duration_us = ?, outcome = ?, inferred = ?, end_type = ?, end_id = ?,
    error_type = ?, error_message = ?, proof_us = ?, recheck_us = ?, fingerprint = ?
WHERE rowid = ?

-- name: rest_triggers
INSERT INTO unpacked (first, last) VALUES (-4611686018427387904, 0)

-- name: wake_triggers
DELETE FROM unpacked WHERE first = -4611686018427387904

-- name: unpack
INSERT OR IGNORE INTO unpacked (first, last) VALUES (?, ?)
