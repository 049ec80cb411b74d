-- name: tasks
SELECT t.id, t.service, t.task, t.folded, t.base, t.received_us, t.state, t.cancelled, j.name, q.name, t.first_us
FROM task AS t LEFT JOIN name AS j ON j.id = t.job LEFT JOIN name AS q ON q.id = t.queue ORDER BY t.id

-- name: facts
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data, e.hash, e.received_us
FROM event AS e LEFT JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker

-- name: boots
SELECT b.id, b.service, b.boot, b.anonymous, b.folded, b.base, b.received_us, w.name, b.heartbeat_us, b.ttl_us
FROM boot AS b LEFT JOIN name AS w ON w.id = b.worker ORDER BY b.id

-- name: queues
SELECT q.name FROM boot_queue AS b JOIN name AS q ON q.id = b.queue WHERE b.boot = ?

-- name: jobs
SELECT n.id, n.service, n.name, j.folded, j.base, j.limit_us FROM job AS j JOIN name AS n ON n.id = j.name

-- name: sealed_cells
SELECT c.*, j.service, j.name, q.name FROM sealed_cell AS c JOIN name AS j ON j.id = c.job JOIN name AS q ON q.id = c.queue

-- name: cells
SELECT c.*, j.service, j.name, q.name FROM cell AS c JOIN name AS j ON j.id = c.job JOIN name AS q ON q.id = c.queue

-- name: sealed_worker_cells
SELECT c.*, w.service, w.name, q.name
FROM sealed_worker_cell AS c JOIN name AS w ON w.id = c.worker JOIN name AS q ON q.id = c.queue

-- name: worker_cells
SELECT c.*, w.service, w.name, q.name
FROM worker_cell AS c JOIN name AS w ON w.id = c.worker JOIN name AS q ON q.id = c.queue

-- name: protected
-- What a checksum protects, as (table, key, checksum, values ...): names stand as text, their numbers are no truth.
SELECT 'meta', key, crc, key, value FROM meta
UNION ALL SELECT 'coarse_day', day_us, crc, day_us, finest FROM coarse_day
UNION ALL SELECT 'sealed_day', service || '/' || day_us, crc, service, day_us FROM sealed_day

-- name: protected_bases
SELECT 'task', service || '/' || task, base_crc, service, task, base, base_days FROM task WHERE base IS NOT NULL
UNION ALL
SELECT 'boot', service || '/' || boot || '/' || anonymous, base_crc, service, boot || anonymous, base, NULL
FROM boot WHERE base IS NOT NULL
UNION ALL
SELECT 'job', n.service || '/' || n.name, j.base_crc, n.service, n.name, j.base, NULL
FROM job AS j JOIN name AS n ON n.id = j.name WHERE j.base IS NOT NULL

-- name: protected_workers
SELECT 'sealed_worker', n.service || '/' || n.name, s.crc, n.service, n.name, s.first_us, s.last_us
FROM sealed_worker AS s JOIN name AS n ON n.id = s.worker
UNION ALL
SELECT 'sealed_queue', b.service || '/' || b.boot || '/' || q.name, s.crc, b.service, b.boot || b.anonymous, q.name, NULL
FROM sealed_queue AS s JOIN boot AS b ON b.id = s.boot JOIN name AS q ON q.id = s.queue

-- name: lone_facts
-- Facts that should have a subject and have none.
SELECT id, time_us FROM event
WHERE (type LIKE 'task.%' AND task IS NULL) OR (type LIKE 'worker.%' AND subject_boot IS NULL)
    OR (type = 'job.registered' AND job IS NULL)
