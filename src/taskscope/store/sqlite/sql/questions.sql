-- name: job_cells
SELECT c.start_us, j.service, j.name, c.submitted, c.begun, c.taken, c.gone, c.succeeded, c.failed, c.timed_out,
    c.cancelled, c.lost, c.inferred_timed_out, c.inferred_lost, c.skewed, c.wait_count, c.wait_us,
    c.succeeded_count, c.succeeded_us, c.failed_count, c.failed_us, c.other_count, c.other_us, c.outputs,
    c.tasks_pending, c.tasks_processing, c.tasks_retrying, c.tasks_completed, c.tasks_failed, c.tasks_cancelled,
    c.histogram
FROM cell AS c JOIN name AS j ON j.id = c.job
WHERE c.granularity = ? AND c.start_us >= ? AND c.start_us < ?

-- name: totals
SELECT c.job, /* sums */ FROM cell AS c
WHERE c.granularity = ? AND c.start_us >= ? AND c.start_us < ?/* filter */ GROUP BY c.job

-- name: histograms
SELECT c.job, c.histogram FROM cell AS c WHERE c.granularity = ? AND c.start_us >= ? AND c.start_us < ?

-- name: worker_cells
SELECT c.start_us, w.service, w.name, c.busy_us, c.level, c.finished, c.succeeded, c.exec_count, c.exec_us
FROM worker_cell AS c JOIN name AS w ON w.id = c.worker
WHERE c.granularity = ? AND c.start_us >= ? AND c.start_us < ?

-- name: runs
SELECT t.service, t.task, r.attempt, r.run, r.submission, r.anchor_us, j.name, q.name, w.name, b.boot, r.state,
    r.submitted_us, r.due_us, r.started_us, r.finished_us, r.duration_us, r.wait_us, r.skewed, r.outcome, r.inferred,
    r.end_type, r.end_id, r.error_type, r.error_message, r.progress, r.outputs, r.proof_us, r.recheck_us,
    b.heartbeat_us, r.fingerprint
FROM run AS r JOIN task AS t ON t.id = r.task
JOIN name AS j ON j.id = r.job JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
LEFT JOIN boot AS b ON b.id = r.boot

-- name: count_first
-- This and the next are read from the indexes task_first and run_anchor alone.
SELECT count(*) FROM (SELECT 1 FROM task AS t WHERE t.first_us >= ? AND t.first_us < ? LIMIT ?)

-- name: count_later
SELECT count(*) FROM (SELECT 1 FROM run AS r WHERE r.anchor_us >= ? LIMIT ?)

-- name: changed_of_task
EXISTS (
    SELECT 1 FROM run AS r INDEXED BY run_task
    WHERE r.task = t.id AND (r.submitted_us >= ? OR r.anchor_us >= ? OR r.finished_us >= ?)
)

-- name: finishes
-- This and the next two are read from the indexes run_job_finished and run_job_wait alone.
SELECT r.finished_us FROM run AS r
WHERE r.job = ? AND r.finished_us >= ? AND r.finished_us < ? AND r.duration_us IS NOT NULL

-- name: lengths
SELECT group_concat(r.duration_us) FILTER (WHERE r.outcome = 'succeeded'),
    group_concat(r.duration_us) FILTER (WHERE r.outcome = 'failed'),
    group_concat(r.duration_us) FILTER (WHERE r.outcome NOT IN ('succeeded', 'failed'))
FROM run AS r WHERE r.job = ? AND r.finished_us >= ? AND r.finished_us < ? AND r.duration_us IS NOT NULL

-- name: waits
-- A run that has a wait is ordered by its start.
SELECT group_concat(r.wait_us) FROM run AS r
WHERE r.job = ? AND r.anchor_us >= ? AND r.anchor_us < ? AND r.wait_us IS NOT NULL

-- name: durations
SELECT r.job, r.duration_us, r.finished_us, t.service, t.task, r.attempt, r.run, r.outcome
FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.job = ? AND r.finished_us >= ? AND r.finished_us < ? AND r.duration_us IS NOT NULL

-- name: busy
-- A run is busy from its anchor on. Those of an hour and more have an index of their own, so that the others are
-- found by a bounded stretch of anchors.
SELECT q.service, q.name, w.name, r.anchor_us, r.anchor_us + r.duration_us, r.finished_us, r.outcome
FROM run AS r JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
WHERE r.duration_us < 3600000000 AND r.anchor_us > ?1 - 3600000000 AND r.anchor_us < ?2
    AND r.anchor_us + r.duration_us > ?1
UNION ALL
SELECT q.service, q.name, w.name, r.anchor_us, r.anchor_us + r.duration_us, r.finished_us, r.outcome
FROM run AS r INDEXED BY run_long JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
WHERE r.duration_us >= 3600000000 AND r.anchor_us < ?2 AND r.anchor_us + r.duration_us > ?1

-- name: open
-- Runs without an end, observed or inferred, up to their last proof of life.
SELECT q.service, q.name, w.name, r.started_us, max(r.proof_us, coalesce(b.heartbeat_us, 0)), NULL, NULL
FROM run AS r INDEXED BY run_unended JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
LEFT JOIN boot AS b ON b.id = r.boot
WHERE r.end_type IS NULL AND r.submission = '' AND r.outcome IS NULL AND r.started_us < ?2
    AND max(r.proof_us, coalesce(b.heartbeat_us, 0)) > ?1

-- name: presence
SELECT w.service, w.name, b.id, p.start_us, p.end_us, 0
FROM presence AS p JOIN boot AS b ON b.id = p.boot JOIN name AS w ON w.id = b.worker
WHERE p.end_us > ?1 AND p.start_us < ?2

-- name: bootless
-- Workers of facts without a boot: from their first start to their last start or finish, both included.
SELECT * FROM (
    SELECT w.service, w.name, 0,
        min(coalesce((
            SELECT min(r.anchor_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND (r.started_us IS NOT NULL OR r.finished_us IS NOT NULL)), 1 << 62), coalesce(s.first_us, 1 << 62)
        ) AS first_us,
        max(coalesce((
            SELECT max(r.anchor_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND (r.started_us IS NOT NULL OR r.finished_us IS NOT NULL)), 0),
            coalesce((
            SELECT max(r.finished_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND r.finished_us IS NOT NULL), 0), coalesce(s.last_us, 0)
        ) AS last_us, 1
    FROM name AS w LEFT JOIN sealed_worker AS s ON s.worker = w.id
    WHERE w.kind = 'worker' AND w.name != ''
) WHERE first_us < ?2 AND last_us >= ?1

-- name: served_by_boot
-- A seek for each queue: a boot has far more runs than there are queues.
SELECT q.name FROM name AS q WHERE q.kind = 'queue' AND (
    EXISTS (SELECT 1 FROM run AS r WHERE r.boot = ?1 AND r.queue = q.id)
    OR EXISTS (SELECT 1 FROM boot_queue AS b WHERE b.boot = ?1 AND b.queue = q.id)
    OR EXISTS (SELECT 1 FROM sealed_queue AS s WHERE s.boot = ?1 AND s.queue = q.id)
)

-- name: served_by_workers
-- Of workers without a boot: the queues of their days, and of what they have begun.
SELECT w.service, w.name, q.name FROM (
    SELECT worker, queue FROM worker_cell WHERE granularity = 2
    UNION
    SELECT r.worker, r.queue FROM run AS r INDEXED BY run_unended
    WHERE r.end_type IS NULL AND r.submission = '' AND r.boot IS NULL
) AS s JOIN name AS w ON w.id = s.worker JOIN name AS q ON q.id = s.queue

-- name: events
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data, e.hash
FROM event AS e LEFT JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker

-- name: registered
SELECT n.service, n.name, j.folded FROM job AS j JOIN name AS n ON n.id = j.name

-- name: jobs
SELECT id, service, name FROM name WHERE kind = 'job'

-- name: last_finished
SELECT r.finished_us, r.duration_us, r.outcome FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.job = ? AND r.finished_us IS NOT NULL AND r.outcome IS NOT NULL/* filter */
ORDER BY r.finished_us DESC, t.task, r.attempt, r.run LIMIT 1

-- name: boots_that_say
-- A fold holds its role as plain bytes, so most of the others are passed over without being decoded.
SELECT service, folded FROM boot WHERE instr(folded, ?) > 0

-- name: last_signs
SELECT service, max(time_us) FROM (
    SELECT service, max(heartbeat_us) AS time_us FROM boot GROUP BY service
    UNION ALL
    SELECT n.service, max(coalesce((SELECT max(r.finished_us) FROM run AS r
        WHERE r.job = n.id AND r.finished_us IS NOT NULL), 0)) FROM name AS n WHERE n.kind = 'job' GROUP BY n.service
    UNION ALL
    SELECT n.service, max(r.proof_us) FROM run AS r INDEXED BY run_unended JOIN name AS n ON n.id = r.job
    WHERE r.end_type IS NULL AND r.submission = '' GROUP BY n.service
) WHERE time_us > 0 GROUP BY service

-- name: boots_present
SELECT b.service, b.folded FROM presence AS p JOIN boot AS b ON b.id = p.boot WHERE p.end_us > ? AND p.start_us <= ?
