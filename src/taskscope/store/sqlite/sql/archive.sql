-- name: bound
-- Facts are numbered as they come, so what is old enough stands in front.
SELECT seq FROM event WHERE received_us >= ? ORDER BY seq LIMIT 1

-- name: aged
SELECT t.service, t.task FROM task AS t WHERE t.id IN (SELECT task FROM event WHERE seq < ? AND task IS NOT NULL LIMIT ?)

-- name: bare
SELECT t.service, t.task FROM task AS t
WHERE t.base IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.task = t.id)

-- name: newest
SELECT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.job = ? AND r.finished_us IS NOT NULL
ORDER BY r.finished_us DESC, t.service, t.task, r.attempt, r.run LIMIT ?

-- name: base_of_task
SELECT id, base, base_days FROM task WHERE key = ? AND service = ? AND task = ?

-- name: rebase_task
UPDATE task SET base = ?, base_days = ?, base_crc = ? WHERE id = ?

-- name: forget_facts
DELETE FROM event WHERE task = ? AND seq < ?

-- name: days_of_task
SELECT DISTINCT time_us / 86400000000 * 86400000000 FROM event WHERE task = ?

-- name: seal_day
INSERT OR REPLACE INTO sealed_day (service, day_us, crc) VALUES (?, ?, ?)

-- name: seal_queue
INSERT OR REPLACE INTO sealed_queue (boot, queue, crc) VALUES (?, ?, ?)

-- name: read_sealed_worker
SELECT first_us, last_us FROM sealed_worker WHERE worker = ?

-- name: seal_worker
INSERT OR REPLACE INTO sealed_worker (worker, first_us, last_us, crc) VALUES (?, ?, ?, ?)

-- name: boots_with_old_facts
SELECT DISTINCT b.id, b.service, b.boot || b.anonymous, b.base FROM event AS e JOIN boot AS b ON b.id = e.subject_boot
WHERE e.seq < ?

-- name: rebase_boot
UPDATE boot SET base = ?, base_crc = ? WHERE id = ?

-- name: jobs_with_old_facts
SELECT DISTINCT n.id, n.service, n.name, j.base FROM event AS e JOIN job AS j ON j.name = e.job
JOIN name AS n ON n.id = e.job WHERE e.type = 'job.registered' AND e.seq < ?

-- name: rebase_job
UPDATE job SET base = ?, base_crc = ? WHERE name = ?

-- name: forget_others
-- What is missing stays missing, so gaps are kept as long as the days that they are about: for ever.
DELETE FROM event WHERE seq < ? AND task IS NULL AND type != 'spool.gap'

-- name: days_to_coarsen
-- Days whose cells of one granularity have not changed since an instant, by their newest change.
SELECT day FROM (
    SELECT start_us / 86400000000 * 86400000000 AS day, changed_us FROM cell WHERE granularity = ?1
    UNION ALL
    SELECT start_us / 86400000000 * 86400000000, changed_us FROM worker_cell WHERE granularity = ?1
) GROUP BY day HAVING max(changed_us) < ?2

-- name: coarsen_day
INSERT OR REPLACE INTO coarse_day (day_us, finest, crc) VALUES (?, ?, ?)

-- name: fresh
SELECT 1 FROM event WHERE task = (SELECT id FROM task WHERE key = ? AND service = ? AND task = ?) AND seq >= ? LIMIT 1
