-- Views under names that operators of task queues know, so that SQL which was written for such tables runs here.
-- They read the folded runs, so they agree with every other answer. They answer exactly, not fast: a dashboard asks
-- `taskscope utilization`.

-- A time of ours as a timestamp, UTC, exact to the microsecond.
CREATE FUNCTION instant(time_us BIGINT) RETURNS TIMESTAMP LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT TIMESTAMP '1970-01-01' + make_interval(days => (time_us / 86400000000)::int)
        + time_us % 86400000000 * INTERVAL '1 microsecond'
$$;

CREATE VIEW task_events AS
WITH happened AS (
    SELECT queue, 'TASK_SUBMITTED' AS event_type, submitted_us AS time_us, task, NULL::bigint AS worker,
        NULL::bigint AS duration_us
    FROM run WHERE submitted_us IS NOT NULL
    UNION ALL
    SELECT queue, 'TASK_STARTED', started_us, task, worker, NULL FROM run WHERE started_us IS NOT NULL
    UNION ALL
    SELECT queue,
        CASE outcome WHEN 'succeeded' THEN 'TASK_COMPLETED' WHEN 'timed_out' THEN 'TASK_TIMEOUT'
            WHEN 'cancelled' THEN 'TASK_CANCELLED' ELSE 'TASK_FAILED' END,
        finished_us, task, worker, duration_us
    FROM run WHERE outcome IS NOT NULL
)
SELECT nullif(q.name, '') AS endpoint, h.event_type,
    instant(h.time_us) AS event_time,
    t.task AS task_id, nullif(w.name, '') AS worker_id,
    h.duration_us / 1000.0::double precision AS execution_duration_ms
FROM happened AS h JOIN task AS t ON t.id = h.task JOIN name AS q ON q.id = h.queue
LEFT JOIN name AS w ON w.id = h.worker;

-- When workers were there: heartbeats (half-open), and without a boot from the first start to the last sign.
CREATE VIEW worker_span AS
SELECT b.worker, b.id AS boot, p.start_us, p.end_us, b.heartbeat_us AS seen_us
FROM presence AS p JOIN boot AS b ON b.id = p.boot WHERE b.worker IS NOT NULL
UNION ALL
SELECT worker, NULL, min(first_us), max(last_us) + 1, max(last_us) FROM (
    SELECT worker, anchor_us AS first_us, greatest(anchor_us, finished_us) AS last_us FROM run
    WHERE boot IS NULL AND (started_us IS NOT NULL OR finished_us IS NOT NULL)
    UNION ALL
    SELECT worker, first_us, last_us FROM sealed_worker
) AS seen WHERE worker IN (SELECT id FROM name WHERE name != '') GROUP BY worker;

-- The queues that a boot, or a worker without one, serves.
CREATE VIEW worker_queue AS
SELECT b.worker, b.id AS boot, s.queue FROM (
    SELECT boot, queue FROM boot_queue
    UNION SELECT boot, queue FROM run WHERE boot IS NOT NULL
    UNION SELECT boot, queue FROM sealed_queue
) AS s JOIN boot AS b ON b.id = s.boot WHERE b.worker IS NOT NULL
UNION
SELECT worker, NULL, queue FROM run WHERE boot IS NULL AND (started_us IS NOT NULL OR finished_us IS NOT NULL)
UNION
SELECT c.worker, NULL, c.queue FROM worker_cell AS c JOIN sealed_worker AS s ON s.worker = c.worker
WHERE c.granularity = 2;

-- The present state of workers: present means at the mark, the instant that the sweep has come to.
CREATE VIEW workers AS
WITH seen AS (
    SELECT s.worker, q.queue, max(s.seen_us) AS seen_us, max(s.end_us) AS end_us
    FROM worker_span AS s LEFT JOIN worker_queue AS q ON q.worker = s.worker AND q.boot IS NOT DISTINCT FROM s.boot
    GROUP BY s.worker, q.queue
)
SELECT w.name AS worker_id, nullif(q.name, '') AS endpoint,
    CASE WHEN s.end_us <= coalesce((SELECT value FROM meta WHERE key = 'mark'), 0) THEN 'OFFLINE'
        WHEN EXISTS (SELECT 1 FROM run AS r WHERE r.worker = s.worker AND r.submission = '' AND r.outcome IS NULL
            AND r.end_type IS NULL AND r.started_us IS NOT NULL) THEN 'BUSY'
        ELSE 'ONLINE' END AS status,
    instant(s.seen_us) AS last_heartbeat
FROM seen AS s JOIN name AS w ON w.id = s.worker LEFT JOIN name AS q ON q.id = s.queue;

-- Busy intervals cut at minutes: of finished runs, and of open ones up to their last proof of life.
CREATE VIEW busy_minute AS
WITH RECURSIVE busy(worker, queue, start_us, end_us) AS (
    SELECT worker, queue, anchor_us, anchor_us + duration_us FROM run WHERE duration_us > 0
    UNION ALL
    SELECT r.worker, r.queue, r.started_us, greatest(r.proof_us, b.heartbeat_us)
    FROM run AS r LEFT JOIN boot AS b ON b.id = r.boot
    WHERE r.end_type IS NULL AND r.outcome IS NULL AND r.started_us < greatest(r.proof_us, b.heartbeat_us)
),
cut(worker, queue, start_us, end_us, minute_us) AS (
    SELECT worker, queue, start_us, end_us, start_us / 60000000 * 60000000 FROM busy
    UNION ALL
    SELECT worker, queue, start_us, end_us, minute_us + 60000000 FROM cut WHERE minute_us + 60000000 < end_us
)
SELECT worker, queue, minute_us, greatest(start_us, minute_us) AS start_us,
    least(end_us, minute_us + 60000000) AS end_us
FROM cut;

-- Spans of presence cut at minutes.
CREATE VIEW present_minute AS
WITH RECURSIVE cut(worker, boot, start_us, end_us, minute_us) AS (
    SELECT worker, boot, start_us, end_us, start_us / 60000000 * 60000000 FROM worker_span WHERE end_us > start_us
    UNION ALL
    SELECT worker, boot, start_us, end_us, minute_us + 60000000 FROM cut WHERE minute_us + 60000000 < end_us
)
SELECT worker, boot, minute_us, greatest(start_us, minute_us) AS start_us,
    -- a span without a boot contains its last instant, which has no length
    least(CASE WHEN boot IS NULL THEN end_us - 1 ELSE end_us END, minute_us + 60000000) AS end_us
FROM cut;

CREATE VIEW endpoint_minute_stats AS
WITH counted AS (
    SELECT queue, start_us AS minute_us, sum(submitted)::bigint AS submitted,
        sum(succeeded)::bigint AS succeeded, sum(failed + lost)::bigint AS failed, sum(timed_out)::bigint AS timed_out
    FROM cell WHERE granularity = 0 GROUP BY queue, start_us
),
worked AS (
    SELECT queue, minute_us, worker, sum(end_us - start_us) AS busy_us FROM busy_minute GROUP BY queue, minute_us, worker
),
load AS (
    SELECT k.queue, k.minute_us, count(*) AS active, sum(k.busy_us) AS busy_us
    FROM worked AS k JOIN name AS w ON w.id = k.worker WHERE w.name != '' GROUP BY k.queue, k.minute_us
),
serving AS (
    SELECT DISTINCT q.queue, p.minute_us, p.worker
    FROM present_minute AS p JOIN worker_queue AS q ON q.worker = p.worker AND q.boot IS NOT DISTINCT FROM p.boot
),
idle AS (
    SELECT s.queue, s.minute_us, count(*) AS idle FROM serving AS s
    WHERE NOT EXISTS (SELECT 1 FROM worked AS k WHERE k.worker = s.worker AND k.minute_us = s.minute_us)
    GROUP BY s.queue, s.minute_us
),
-- Idle time is the length of presence and work together, less that of work: a running maximum merges the pieces.
piece AS (
    SELECT worker, minute_us, start_us, end_us, 1 AS work FROM busy_minute
    UNION ALL SELECT worker, minute_us, start_us, end_us, 0 FROM present_minute
),
joined AS (
    SELECT worker, minute_us, work, start_us, end_us,
        max(end_us) OVER (PARTITION BY worker, minute_us ORDER BY start_us
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached_us,
        max(CASE work WHEN 1 THEN end_us END) OVER (PARTITION BY worker, minute_us ORDER BY start_us
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS worked_us
    FROM piece
),
rest AS (
    SELECT worker, minute_us,
        sum(greatest(0, end_us - greatest(start_us, reached_us)))
            - sum(CASE work WHEN 1 THEN greatest(0, end_us - greatest(start_us, worked_us)) ELSE 0 END) AS idle_us
    FROM joined GROUP BY worker, minute_us
),
idle_time AS (
    SELECT s.queue, s.minute_us, sum(r.idle_us) AS idle_us
    FROM serving AS s JOIN rest AS r ON r.worker = s.worker AND r.minute_us = s.minute_us
    GROUP BY s.queue, s.minute_us
),
completed AS (
    SELECT queue, finished_us / 60000000 * 60000000 AS minute_us, worker, sum(duration_us) AS duration_us
    FROM run WHERE outcome IN ('succeeded', 'failed', 'timed_out', 'lost') AND duration_us IS NOT NULL
        AND worker IN (SELECT id FROM name WHERE name != '')
    GROUP BY queue, minute_us, worker
),
eventful AS (
    SELECT worker, started_us / 60000000 * 60000000 AS minute_us FROM run WHERE started_us IS NOT NULL
    UNION SELECT worker, finished_us / 60000000 * 60000000 FROM run WHERE finished_us IS NOT NULL
),
by_completion AS (
    SELECT queue, minute_us, sum(duration_us)::double precision / 600000 / count(*) AS percent FROM (
        SELECT queue, minute_us, worker, duration_us FROM completed
        UNION ALL
        SELECT s.queue, s.minute_us, s.worker, 0 FROM serving AS s
        WHERE NOT EXISTS (SELECT 1 FROM eventful AS e WHERE e.worker = s.worker AND e.minute_us = s.minute_us)
    ) AS shares GROUP BY queue, minute_us
),
minute AS (
    SELECT queue, minute_us FROM counted
    UNION SELECT queue, minute_us FROM worked
    UNION SELECT queue, minute_us FROM serving
)
SELECT nullif(q.name, '') AS endpoint,
    instant(m.minute_us) AS stat_minute,
    coalesce(c.submitted, 0) AS tasks_submitted,
    coalesce(c.succeeded, 0) AS tasks_completed,
    coalesce(c.failed, 0) AS tasks_failed,
    coalesce(c.timed_out, 0) AS tasks_timeout,
    coalesce(l.active, 0) AS active_workers,
    coalesce(i.idle, 0) AS idle_workers,
    coalesce(l.busy_us, 0)::double precision / 600000 / nullif(coalesce(l.active, 0) + coalesce(i.idle, 0), 0)
        AS avg_worker_utilization,
    b.percent AS avg_worker_utilization_completed,
    coalesce(t.idle_us, 0)::double precision / 1000 AS idle_ms,
    NULL::double precision AS avg_gpu_utilization,
    NULL::double precision AS max_gpu_utilization,
    NULL::double precision AS avg_gpu_memory_used,
    NULL::double precision AS max_gpu_memory_used,
    NULL::double precision AS avg_cpu_percent,
    NULL::double precision AS max_cpu_percent,
    NULL::double precision AS avg_memory_used,
    NULL::double precision AS max_memory_used
FROM minute AS m JOIN name AS q ON q.id = m.queue
LEFT JOIN counted AS c ON c.queue = m.queue AND c.minute_us = m.minute_us
LEFT JOIN load AS l ON l.queue = m.queue AND l.minute_us = m.minute_us
LEFT JOIN idle AS i ON i.queue = m.queue AND i.minute_us = m.minute_us
LEFT JOIN idle_time AS t ON t.queue = m.queue AND t.minute_us = m.minute_us
LEFT JOIN by_completion AS b ON b.queue = m.queue AND b.minute_us = m.minute_us;

-- Samples of hosts and GPUs; none are taken yet.
CREATE VIEW worker_resource_snapshots AS
SELECT NULL::text AS worker_id, NULL::timestamp AS snapshot_time, NULL::boolean AS is_idle,
    NULL::double precision AS gpu_utilization, NULL::double precision AS gpu_memory_used,
    NULL::double precision AS gpu_memory_total, NULL::double precision AS cpu_percent,
    NULL::double precision AS memory_used, NULL::double precision AS memory_total
WHERE false;
