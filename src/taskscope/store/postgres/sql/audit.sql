-- name: tasks
SELECT t.id, t.service, t.task, t.folded, t.base, t.state, t.cancelled, j.name, q.name, t.first_us
FROM task AS t LEFT JOIN name AS j ON j.id = t.job LEFT JOIN name AS q ON q.id = t.queue ORDER BY t.id

-- name: facts
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data, e.hash, e.received_us
FROM event AS e LEFT JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker

-- name: boots
SELECT b.id, b.service, b.boot, b.anonymous, b.folded, b.base, b.received_us, w.name, b.heartbeat_us, b.ttl_us
FROM boot AS b LEFT JOIN name AS w ON w.id = b.worker ORDER BY b.id

-- name: presence
SELECT boot, start_us, end_us FROM presence ORDER BY boot, start_us

-- name: queues
SELECT b.boot, q.name FROM boot_queue AS b LEFT JOIN name AS q ON q.id = b.queue ORDER BY b.boot, q.name

-- name: jobs
SELECT n.id, n.service, n.name, j.folded, j.base, j.limit_us FROM job AS j JOIN name AS n ON n.id = j.name ORDER BY n.id

-- name: cells
SELECT c.*, j.service, j.name, q.name FROM cell AS c JOIN name AS j ON j.id = c.job JOIN name AS q ON q.id = c.queue

-- name: sealed_cells
SELECT c.*, j.service, j.name, q.name FROM sealed_cell AS c JOIN name AS j ON j.id = c.job JOIN name AS q ON q.id = c.queue

-- name: worker_cells
SELECT c.*, w.service, w.name, q.name
FROM worker_cell AS c JOIN name AS w ON w.id = c.worker JOIN name AS q ON q.id = c.queue

-- name: sealed_worker_cells
SELECT c.*, w.service, w.name, q.name
FROM sealed_worker_cell AS c JOIN name AS w ON w.id = c.worker JOIN name AS q ON q.id = c.queue

-- name: coarse_days
SELECT day_us, finest FROM coarse_day

-- name: dangling
-- References that lead nowhere, as (table, row, table that it should lead to).
WITH reference (source, row, target, number) AS (
    SELECT 'event', seq::text, 'task', task FROM event
    UNION ALL SELECT 'event', seq::text, 'boot', subject_boot FROM event
    UNION ALL SELECT 'event', seq::text, 'name', job FROM event
    UNION ALL SELECT 'event', seq::text, 'name', queue FROM event
    UNION ALL SELECT 'event', seq::text, 'name', worker FROM event
    UNION ALL SELECT 'task', id::text, 'name', job FROM task
    UNION ALL SELECT 'task', id::text, 'name', queue FROM task
    UNION ALL SELECT 'run', ctid::text, 'task', task FROM run
    UNION ALL SELECT 'run', ctid::text, 'name', job FROM run
    UNION ALL SELECT 'run', ctid::text, 'name', queue FROM run
    UNION ALL SELECT 'run', ctid::text, 'name', worker FROM run
    UNION ALL SELECT 'run', ctid::text, 'boot', boot FROM run
    UNION ALL SELECT 'boot', id::text, 'name', worker FROM boot
    UNION ALL SELECT 'presence', ctid::text, 'boot', boot FROM presence
    UNION ALL SELECT 'boot_queue', ctid::text, 'boot', boot FROM boot_queue
    UNION ALL SELECT 'boot_queue', ctid::text, 'name', queue FROM boot_queue
    UNION ALL SELECT 'job', name::text, 'name', name FROM job
    UNION ALL SELECT 'cell', ctid::text, 'name', job FROM cell
    UNION ALL SELECT 'cell', ctid::text, 'name', queue FROM cell
    UNION ALL SELECT 'worker_cell', ctid::text, 'name', worker FROM worker_cell
    UNION ALL SELECT 'worker_cell', ctid::text, 'name', queue FROM worker_cell
    UNION ALL SELECT 'sealed_cell', ctid::text, 'name', job FROM sealed_cell
    UNION ALL SELECT 'sealed_cell', ctid::text, 'name', queue FROM sealed_cell
    UNION ALL SELECT 'sealed_worker_cell', ctid::text, 'name', worker FROM sealed_worker_cell
    UNION ALL SELECT 'sealed_worker_cell', ctid::text, 'name', queue FROM sealed_worker_cell
    UNION ALL SELECT 'sealed_worker', worker::text, 'name', worker FROM sealed_worker
    UNION ALL SELECT 'sealed_queue', ctid::text, 'boot', boot FROM sealed_queue
    UNION ALL SELECT 'sealed_queue', ctid::text, 'name', queue FROM sealed_queue
)
SELECT f.source, f.row, f.target FROM reference AS f
LEFT JOIN (
    SELECT 'task' AS target, id AS number FROM task
    UNION ALL SELECT 'boot', id FROM boot
    UNION ALL SELECT 'name', id FROM name
) AS there USING (target, number)
WHERE f.number IS NOT NULL AND there.number IS NULL

-- name: protected_meta
-- What a checksum protects, as (table, key, checksum, values ...): names stand as text, their numbers are no truth.
SELECT 'meta', key, crc, key, value FROM meta

-- name: protected_coarse_day
SELECT 'coarse_day', day_us, crc, day_us, finest FROM coarse_day

-- name: protected_sealed_day
SELECT 'sealed_day', service || '/' || day_us, crc, service, day_us FROM sealed_day

-- name: protected_series
SELECT 'series', s.id, s.crc, s.id, j.service, j.name, q.name, s.packed
FROM series AS s JOIN name AS j ON j.id = s.job JOIN name AS q ON q.id = s.queue

-- name: series
SELECT j.service, j.name, q.name, s.packed
FROM series AS s JOIN name AS j ON j.id = s.job JOIN name AS q ON q.id = s.queue ORDER BY s.id

-- name: protected_bases
SELECT 'task', service || '/' || task, base_crc, service, task, base, base_days FROM task WHERE base IS NOT NULL
UNION ALL
SELECT 'boot', service || '/' || boot || '/' || anonymous, base_crc, service, boot || anonymous, base, NULL
FROM boot WHERE base IS NOT NULL
UNION ALL
SELECT 'job', n.service || '/' || n.name, j.base_crc, n.service, n.name, j.base, NULL
FROM job AS j JOIN name AS n ON n.id = j.name WHERE j.base IS NOT NULL

-- name: protected_sealed_worker
SELECT 'sealed_worker', n.service || '/' || n.name, s.crc, n.service, n.name, s.first_us, s.last_us
FROM sealed_worker AS s JOIN name AS n ON n.id = s.worker

-- name: protected_sealed_queue
SELECT 'sealed_queue', b.service || '/' || b.boot || '/' || q.name, s.crc, b.service, b.boot || b.anonymous, q.name,
    NULL
FROM sealed_queue AS s JOIN boot AS b ON b.id = s.boot JOIN name AS q ON q.id = s.queue

-- name: lone_facts
-- Facts that should have a subject and have none.
SELECT id, time_us FROM event
WHERE (starts_with(type, 'task.') AND task IS NULL) OR (starts_with(type, 'worker.') AND subject_boot IS NULL)
    OR (type = 'job.registered' AND (job IS NULL OR job NOT IN (SELECT name FROM job)))

-- name: sealed_counts
-- How many rows there are that nothing else tells of, beside how many there should be.
SELECT s.name, s.rows, coalesce(m.value, 0) FROM (
    SELECT 'sealed_day' AS name, count(*) AS rows FROM sealed_day
    UNION ALL SELECT 'sealed_worker', count(*) FROM sealed_worker
    UNION ALL SELECT 'sealed_queue', count(*) FROM sealed_queue
    UNION ALL SELECT 'coarse_day', count(*) FROM coarse_day
) AS s LEFT JOIN meta AS m ON m.key = 'rows.' || s.name

-- name: stray_bases
SELECT 'task', service || '/' || task FROM task
WHERE (base IS NULL) != (base_crc IS NULL) OR (base IS NULL) != (base_days IS NULL)
UNION ALL SELECT 'boot', service || '/' || boot FROM boot WHERE (base IS NULL) != (base_crc IS NULL)
UNION ALL SELECT 'job', name::text FROM job WHERE (base IS NULL) != (base_crc IS NULL)

-- name: repeated_tasks
SELECT service || '/' || task FROM task GROUP BY key, service, task HAVING count(*) > 1

-- name: task_keys
SELECT key, service, task FROM task

-- name: misused_names
-- Names that stand where a name of another kind or service belongs.
WITH used (id, kind, service) AS (
    SELECT r.job, 'job', t.service FROM run AS r JOIN task AS t ON t.id = r.task
    UNION SELECT r.queue, 'queue', t.service FROM run AS r JOIN task AS t ON t.id = r.task
    UNION SELECT r.worker, 'worker', t.service FROM run AS r JOIN task AS t ON t.id = r.task
    UNION SELECT job, 'job', service FROM event WHERE job IS NOT NULL
    UNION SELECT queue, 'queue', service FROM event WHERE queue IS NOT NULL
    UNION SELECT worker, 'worker', service FROM event WHERE worker IS NOT NULL
    UNION SELECT c.queue, 'queue', j.service FROM cell AS c JOIN name AS j ON j.id = c.job
    UNION SELECT c.queue, 'queue', w.service FROM worker_cell AS c JOIN name AS w ON w.id = c.worker
    UNION SELECT job, 'job', NULL FROM cell
    UNION SELECT worker, 'worker', NULL FROM worker_cell
)
SELECT n.kind || ' ' || n.service || '/' || n.name FROM used AS u JOIN name AS n ON n.id = u.id
WHERE n.kind != u.kind OR n.service != u.service

-- name: foreign_boots
SELECT DISTINCT b.service || '/' || b.boot FROM run AS r JOIN task AS t ON t.id = r.task JOIN boot AS b ON b.id = r.boot
WHERE b.service != t.service OR b.anonymous != ''
