-- name: series
SELECT j.service, j.name, q.name, s.packed
FROM series AS s JOIN name AS j ON j.id = s.job JOIN name AS q ON q.id = s.queue WHERE s.id <= %(most)s

-- name: series_count
SELECT coalesce(max(id), 0) FROM series

-- name: notes
SELECT key, value FROM meta

-- name: received
SELECT received_us FROM event ORDER BY seq DESC LIMIT 1

-- name: size
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'

-- name: waiting
-- Two seeks a queue, however much waits.
SELECT * FROM (
    SELECT q.service, q.name,
        (SELECT min(r.due_us) FROM run AS r WHERE r.queue = q.id AND r.submission != '') AS due_us,
        (SELECT count(*) FROM (
            SELECT 1 FROM run AS r WHERE r.queue = q.id AND r.submission != '' AND r.due_us < %(before)s LIMIT %(most)s
        ) AS late) AS older
    FROM name AS q WHERE q.kind = 'queue'
) AS found WHERE due_us IS NOT NULL

-- name: queue_cells
SELECT q.service, q.name,
    c.submitted, c.begun, c.taken, c.gone, c.succeeded, c.failed, c.timed_out, c.cancelled, c.lost,
    c.inferred_timed_out, c.inferred_lost, c.skewed, c.wait_count, c.wait_us, c.succeeded_count, c.succeeded_us,
    c.failed_count, c.failed_us, c.other_count, c.other_us, c.outputs, c.tasks_pending, c.tasks_processing,
    c.tasks_retrying, c.tasks_completed, c.tasks_failed, c.tasks_cancelled, c.histogram
FROM cell AS c JOIN name AS q ON q.id = c.queue
WHERE c.granularity = %(granularity)s AND c.start_us >= %(start)s AND c.start_us < %(end)s

-- name: last_finishes
SELECT n.service, n.name,
    (SELECT max(r.finished_us) FROM run AS r WHERE r.job = n.id AND r.finished_us IS NOT NULL)
FROM name AS n WHERE n.kind = 'job'

-- name: busy_minute
-- Levels hold inside of their hour and day, so nothing from before these has a say; see core/intervals.py.
SELECT w.service, w.name, q.name, sum(part.busy_us)::bigint AS busy_us FROM (
    SELECT worker, queue, CASE WHEN start_us = %(minute)s THEN busy_us ELSE 0 END + 60000000 * level AS busy_us
    FROM worker_cell
    WHERE granularity = 0 AND start_us >= %(hour)s AND start_us <= %(minute)s AND (level != 0 OR start_us = %(minute)s)
    UNION ALL
    SELECT worker, queue, 60000000 * level FROM worker_cell
    WHERE granularity = 1 AND start_us >= %(day)s AND start_us <= %(hour)s AND level != 0
    UNION ALL
    SELECT worker, queue, 60000000 * level FROM worker_cell WHERE granularity = 2 AND start_us = %(day)s AND level != 0
) AS part JOIN name AS w ON w.id = part.worker JOIN name AS q ON q.id = part.queue
GROUP BY w.id, w.service, w.name, q.id, q.name HAVING sum(part.busy_us) > 0

-- name: served
-- What the runs of a boot were about is found by a seek for each queue: a boot may have had a million runs.
WITH RECURSIVE there (boot) AS (
    SELECT DISTINCT boot FROM presence WHERE end_us > %(start)s AND start_us < %(end)s
), seen (boot, queue) AS (
    SELECT t.boot, (SELECT min(r.queue) FROM run AS r WHERE r.boot = t.boot) FROM there AS t
    UNION ALL
    SELECT n.boot, (SELECT min(r.queue) FROM run AS r WHERE r.boot = n.boot AND r.queue > n.queue)
    FROM seen AS n WHERE n.queue IS NOT NULL
)
SELECT s.boot, q.name FROM (
    SELECT boot, queue FROM seen
    UNION SELECT boot, queue FROM boot_queue WHERE boot IN (SELECT boot FROM there)
    UNION SELECT boot, queue FROM sealed_queue WHERE boot IN (SELECT boot FROM there)
) AS s JOIN name AS q ON q.id = s.queue

-- name: boots_there
SELECT DISTINCT b.id, b.worker, w.service, w.name, b.boot, b.folded
FROM presence AS p JOIN boot AS b ON b.id = p.boot JOIN name AS w ON w.id = b.worker
WHERE p.end_us > %(instant)s AND p.start_us <= %(instant)s

-- name: boots_ended
SELECT DISTINCT b.id, b.worker, w.service, w.name, b.boot, b.folded
FROM presence AS p JOIN boot AS b ON b.id = p.boot JOIN name AS w ON w.id = b.worker
WHERE p.end_us > %(start)s AND p.end_us <= %(end)s

-- name: workers
SELECT w.id, w.service, w.name FROM name AS w
WHERE w.kind = 'worker' AND w.name != '' AND (w.service, w.name) > (%(service)s, %(name)s)
    AND (%(services)s::text[] IS NULL OR w.service = ANY(%(services)s::text[]))
    AND (%(names)s::text[] IS NULL OR w.name = ANY(%(names)s::text[]))
ORDER BY w.service, w.name LIMIT %(limit)s

-- name: boots_of
SELECT b.id, b.worker, w.service, w.name, b.boot, b.folded
FROM unnest(%(workers)s::bigint[]) AS k (worker) CROSS JOIN LATERAL (
    SELECT x.id, x.worker, x.boot, x.folded, x.heartbeat_us FROM boot AS x WHERE x.worker = k.worker
    ORDER BY coalesce(x.heartbeat_us, 0) DESC, x.boot DESC LIMIT %(most)s
) AS b JOIN name AS w ON w.id = b.worker ORDER BY b.worker, coalesce(b.heartbeat_us, 0) DESC, b.boot DESC

-- name: boot_counts
SELECT worker, count(*) FROM boot WHERE worker = ANY(%(workers)s::bigint[]) GROUP BY worker

-- name: bootless_signs
SELECT w.id, greatest(
    coalesce((SELECT max(r.anchor_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
        AND (r.started_us IS NOT NULL OR r.finished_us IS NOT NULL)), 0),
    coalesce((SELECT max(r.finished_us) FROM run AS r WHERE r.worker = w.id AND r.boot IS NULL
        AND r.finished_us IS NOT NULL), 0),
    coalesce((SELECT s.last_us FROM sealed_worker AS s WHERE s.worker = w.id), 0)
)
FROM name AS w WHERE w.id = ANY(%(workers)s::bigint[])

-- name: running
-- Few runs are unended, so their index is read whole.
SELECT w.service, w.name, count(*), max(r.proof_us)
FROM run AS r JOIN name AS w ON w.id = r.worker
WHERE r.end_type IS NULL AND r.submission = '' AND r.outcome IS NULL GROUP BY w.id, w.service, w.name

-- name: served_bootless
-- By the workers' facts of all days and their open runs: days are few.
SELECT w.service, w.name, q.name FROM (
    SELECT worker, queue FROM worker_cell WHERE granularity = 2
    UNION SELECT worker, queue FROM run WHERE end_type IS NULL AND submission = '' AND boot IS NULL
) AS s JOIN name AS w ON w.id = s.worker JOIN name AS q ON q.id = s.queue

-- name: jobs_named
SELECT id, service FROM name WHERE kind = 'job' AND name = %(job)s

-- name: newest_durations
-- From the end of the index of a job's finishes.
SELECT finished_us, duration_us FROM run
WHERE job = %(job)s AND finished_us IS NOT NULL AND duration_us IS NOT NULL ORDER BY finished_us DESC LIMIT %(most)s

-- name: work
-- A change of level holds to the end of its parent (of a day, its own): so much of the window does it cover.
SELECT w.service, w.name, sum(
        CASE WHEN %(counted)s = 1 AND c.start_us >= %(start)s::bigint THEN c.busy_us ELSE 0 END
        + c.level * (least(%(end)s::bigint, c.start_us / %(parent)s::bigint * %(parent)s::bigint + %(parent)s::bigint) - greatest(%(start)s::bigint, c.start_us))
    )::bigint,
    sum(CASE WHEN %(counted)s = 1 AND c.start_us >= %(start)s::bigint THEN c.finished ELSE 0 END)::bigint,
    sum(CASE WHEN %(counted)s = 1 AND c.start_us >= %(start)s::bigint THEN c.succeeded ELSE 0 END)::bigint
FROM worker_cell AS c JOIN name AS w ON w.id = c.worker
WHERE c.granularity = %(granularity)s AND c.start_us >= %(start)s::bigint / %(parent)s::bigint * %(parent)s::bigint AND c.start_us < %(end)s::bigint
    AND (%(counted)s = 1 OR c.level != 0)
    AND (%(queues)s::text[] IS NULL OR c.queue IN (SELECT id FROM name WHERE kind = 'queue' AND name = ANY(%(queues)s::text[])))
GROUP BY w.id, w.service, w.name
