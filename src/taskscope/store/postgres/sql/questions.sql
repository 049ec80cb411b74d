-- name: job_cells
SELECT c.start_us, j.service, j.name, c.submitted, c.begun, c.taken, c.gone, c.succeeded, c.failed, c.timed_out,
    c.cancelled, c.lost, c.inferred_timed_out, c.inferred_lost, c.skewed, c.wait_count, c.wait_us,
    c.succeeded_count, c.succeeded_us, c.failed_count, c.failed_us, c.other_count, c.other_us, c.outputs,
    c.tasks_pending, c.tasks_processing, c.tasks_retrying, c.tasks_completed, c.tasks_failed, c.tasks_cancelled,
    c.histogram
FROM cell AS c JOIN name AS j ON j.id = c.job
WHERE c.granularity = %s AND c.start_us >= %s AND c.start_us < %s

-- name: totals
SELECT c.job, /* sums */ FROM cell AS c
WHERE c.granularity = %s AND c.start_us >= %s AND c.start_us < %s/* filter */ GROUP BY c.job

-- name: histograms
SELECT c.job, c.histogram FROM cell AS c WHERE c.granularity = %s AND c.start_us >= %s AND c.start_us < %s

-- name: worker_cells
SELECT c.start_us, w.service, w.name, c.busy_us, c.level, c.finished, c.succeeded, c.exec_count, c.exec_us
FROM worker_cell AS c JOIN name AS w ON w.id = c.worker
WHERE c.granularity = %s AND c.start_us >= %s AND c.start_us < %s

-- name: is_sealed
SELECT 1 FROM sealed_cell WHERE granularity = 2 AND start_us > %s AND start_us < %s LIMIT 1

-- name: finest
SELECT coalesce(max(finest), 0) FROM coarse_day WHERE day_us > %s AND day_us < %s

-- name: span
SELECT min(first), max(last) FROM (
    SELECT min(start_us) AS first, max(start_us) AS last FROM cell WHERE granularity = 2
    UNION ALL SELECT min(start_us), max(start_us) FROM worker_cell WHERE granularity = 2
) AS days

-- name: counters
SELECT substr(key, 9), value FROM meta WHERE starts_with(key, 'refused.')

-- name: runs
SELECT t.service, t.task, r.attempt, r.run, r.submission, r.anchor_us, j.name, q.name, w.name, b.boot, r.state,
    r.submitted_us, r.due_us, r.started_us, r.finished_us, r.duration_us, r.wait_us, r.skewed, r.outcome, r.inferred,
    r.end_type, r.end_id, r.error_type, r.error_message, r.progress, r.outputs, r.proof_us, r.recheck_us,
    b.heartbeat_us, r.fingerprint
FROM run AS r JOIN task AS t ON t.id = r.task
JOIN name AS j ON j.id = r.job JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
LEFT JOIN boot AS b ON b.id = r.boot

-- name: tasks
SELECT j.service, t.task, j.name, t.state, t.cancelled, t.first_us, t.id
FROM task AS t JOIN name AS j ON j.id = t.job WHERE t.first_us >= %s AND t.first_us < %s

-- name: count_first
-- This and the next are read from the indexes task_first and run_anchor alone.
SELECT count(*) FROM (SELECT 1 FROM task AS t WHERE t.first_us >= %s AND t.first_us < %s LIMIT %s) AS counted

-- name: count_later
SELECT count(*) FROM (SELECT 1 FROM run AS r WHERE r.anchor_us >= %s LIMIT %s) AS counted

-- name: changed_of_task
EXISTS (
    SELECT 1 FROM run AS r
    WHERE r.task = t.id AND (r.submitted_us >= %s OR r.anchor_us >= %s OR r.finished_us >= %s)
)

-- name: jobs
SELECT id, service, name FROM name WHERE kind = 'job'

-- name: finishes
-- The finish of the last of the newest. This and the next two are read from the indexes run_job_finished and
-- run_job_wait alone.
SELECT min(finished_us) FROM (
    SELECT l.finished_us FROM unnest(%s::bigint[]) AS j (id) CROSS JOIN LATERAL (
        SELECT r.finished_us FROM run AS r
        WHERE r.job = j.id AND r.finished_us >= %s AND r.finished_us < %s AND r.duration_us IS NOT NULL/* filter */
        ORDER BY r.finished_us DESC LIMIT %s
    ) AS l ORDER BY 1 DESC LIMIT %s
) AS newest

-- name: lengths
SELECT r.job, string_agg(int8send(r.duration_us), '') FILTER (WHERE r.outcome = 'succeeded'),
    string_agg(int8send(r.duration_us), '') FILTER (WHERE r.outcome = 'failed'),
    string_agg(int8send(r.duration_us), '') FILTER (WHERE r.outcome NOT IN ('succeeded', 'failed'))
FROM run AS r WHERE r.job = ANY(%s::bigint[]) AND r.finished_us >= %s AND r.finished_us < %s
    AND r.duration_us IS NOT NULL

-- name: waits
-- A run that has a wait is ordered by its start.
SELECT r.job, string_agg(int8send(r.wait_us), '') FROM run AS r
WHERE r.job = ANY(%s::bigint[]) AND r.anchor_us >= %s AND r.anchor_us < %s AND r.wait_us IS NOT NULL

-- name: durations
SELECT r.job, r.duration_us, r.finished_us, t.service, t.task, r.attempt, r.run, r.outcome
FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.job = ANY(%s::bigint[]) AND r.finished_us >= %s AND r.finished_us < %s AND r.duration_us IS NOT NULL

-- name: busy
-- A run is busy from its anchor on. Those of an hour and more have an index of their own, so that the others are
-- found by a bounded stretch of anchors.
SELECT q.service, q.name, w.name, r.anchor_us, r.anchor_us + r.duration_us, r.finished_us, r.outcome
FROM run AS r JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
WHERE r.duration_us < 3600000000 AND r.anchor_us > %(start)s - 3600000000 AND r.anchor_us < %(end)s
    AND r.anchor_us + r.duration_us > %(start)s
UNION ALL
SELECT q.service, q.name, w.name, r.anchor_us, r.anchor_us + r.duration_us, r.finished_us, r.outcome
FROM run AS r JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
WHERE r.duration_us >= 3600000000 AND r.anchor_us < %(end)s AND r.anchor_us + r.duration_us > %(start)s

-- name: open
-- Runs without an end, observed or inferred, up to their last proof of life.
SELECT q.service, q.name, w.name, r.started_us, greatest(r.proof_us, b.heartbeat_us), NULL::bigint, NULL::text
FROM run AS r JOIN name AS q ON q.id = r.queue JOIN name AS w ON w.id = r.worker
LEFT JOIN boot AS b ON b.id = r.boot
WHERE r.end_type IS NULL AND r.submission = '' AND r.outcome IS NULL AND r.started_us < %(end)s
    AND greatest(r.proof_us, b.heartbeat_us) > %(start)s

-- name: presence
SELECT w.service, w.name, b.id, p.start_us, p.end_us, false
FROM presence AS p JOIN boot AS b ON b.id = p.boot JOIN name AS w ON w.id = b.worker
WHERE p.end_us > %(start)s AND p.start_us < %(end)s

-- name: bootless
-- Workers of facts without a boot: from their first start to their last start or finish, both included.
SELECT * FROM (
    SELECT w.service, w.name, 0::bigint,
        least((
            SELECT min(r.anchor_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND (r.started_us IS NOT NULL OR r.finished_us IS NOT NULL)), s.first_us
        ) AS first_us,
        greatest((
            SELECT max(r.anchor_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND (r.started_us IS NOT NULL OR r.finished_us IS NOT NULL)), (
            SELECT max(r.finished_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
                AND r.finished_us IS NOT NULL), s.last_us
        ) AS last_us, true
    FROM name AS w LEFT JOIN sealed_worker AS s ON s.worker = w.id
    WHERE w.kind = 'worker' AND w.name != ''
) AS seen WHERE first_us < %(end)s AND last_us >= %(start)s

-- name: served_by_boot
-- A seek for each queue: a boot has far more runs than there are queues.
SELECT q.name FROM name AS q WHERE q.kind = 'queue' AND (
    EXISTS (SELECT 1 FROM run AS r WHERE r.boot = %(boot)s AND r.queue = q.id)
    OR EXISTS (SELECT 1 FROM boot_queue AS b WHERE b.boot = %(boot)s AND b.queue = q.id)
    OR EXISTS (SELECT 1 FROM sealed_queue AS s WHERE s.boot = %(boot)s AND s.queue = q.id)
)

-- name: served_by_workers
-- Of workers without a boot: the queues of their days, and of what they have begun.
SELECT w.service, w.name, q.name FROM (
    SELECT worker, queue FROM worker_cell WHERE granularity = 2
    UNION
    SELECT r.worker, r.queue FROM run AS r
    WHERE r.end_type IS NULL AND r.submission = '' AND r.boot IS NULL
) AS s JOIN name AS w ON w.id = s.worker JOIN name AS q ON q.id = s.queue

-- name: events
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data, e.hash
FROM event AS e LEFT JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker

-- name: registered
SELECT n.service, n.name, j.folded FROM job AS j JOIN name AS n ON n.id = j.name

-- name: last_finished
SELECT n.service, n.name, l.finished_us, l.duration_us, l.outcome FROM name AS n CROSS JOIN LATERAL (
    SELECT r.finished_us, r.duration_us, r.outcome FROM run AS r JOIN task AS t ON t.id = r.task
    WHERE r.job = n.id AND r.finished_us IS NOT NULL AND r.outcome IS NOT NULL/* filter */
    ORDER BY r.finished_us DESC, t.task, r.attempt, r.run LIMIT 1
) AS l WHERE n.kind = 'job'

-- name: boots_that_say
-- A fold holds its role as plain bytes, so most of the others are passed over without being decoded.
SELECT service, folded FROM boot WHERE position(%s::bytea IN folded) > 0

-- name: boots_present
SELECT b.service, b.folded FROM presence AS p JOIN boot AS b ON b.id = p.boot WHERE p.end_us > %s AND p.start_us <= %s

-- name: last_signs
SELECT service, max(time_us) FROM (
    SELECT service, max(heartbeat_us) AS time_us FROM boot GROUP BY service
    UNION ALL
    SELECT n.service, max(l.time_us) FROM name AS n CROSS JOIN LATERAL (
        SELECT max(r.finished_us) AS time_us FROM run AS r WHERE r.job = n.id AND r.finished_us IS NOT NULL
    ) AS l WHERE n.kind = 'job' GROUP BY n.service
    UNION ALL
    SELECT n.service, max(r.proof_us) FROM run AS r JOIN name AS n ON n.id = r.job
    WHERE r.end_type IS NULL AND r.submission = '' GROUP BY n.service
) AS signs WHERE time_us > 0 GROUP BY service
