-- name: bound
-- Facts are numbered as they come, so what is old enough stands in front.
SELECT coalesce(
    (SELECT seq FROM event WHERE received_us >= %s ORDER BY seq LIMIT 1),
    (SELECT coalesce(max(seq), 0) + 1 FROM event)
)

-- name: aged
SELECT t.service, t.task FROM task AS t
WHERE t.id IN (SELECT task FROM event WHERE seq < %s AND task IS NOT NULL ORDER BY seq LIMIT %s)

-- name: bare
SELECT t.service, t.task FROM task AS t
WHERE t.base IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.task = t.id)

-- name: newest
SELECT newest.service, newest.task FROM name AS n CROSS JOIN LATERAL (
    SELECT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
    WHERE r.job = n.id AND r.finished_us IS NOT NULL
    ORDER BY r.finished_us DESC, t.service, t.task, r.attempt, r.run LIMIT %s
) AS newest
WHERE n.kind = 'job'

-- name: bases
SELECT id, service, task, base, base_days FROM task WHERE key = ANY(%s::bigint[])

-- name: fresh
SELECT t.service, t.task FROM task AS t
WHERE t.key = ANY(%s::bigint[]) AND EXISTS (SELECT 1 FROM event AS e WHERE e.task = t.id AND e.seq >= %s)

-- name: facts_of_tasks
WHERE e.task = ANY(%s::bigint[]) AND e.seq < %s

-- name: facts_of_boots
WHERE e.subject_boot = ANY(%s::bigint[]) AND e.seq < %s

-- name: facts_of_jobs
WHERE e.type = 'job.registered' AND e.job = ANY(%s::bigint[]) AND e.seq < %s

-- name: rebase_tasks
UPDATE task AS t SET base = k.base, base_days = k.days, base_crc = k.crc
FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::bigint[]) AS k (id, base, days, crc)
WHERE t.id = k.id

-- name: forget_facts
DELETE FROM event WHERE task = ANY(%s::bigint[]) AND seq < %s

-- name: days_of_tasks
SELECT DISTINCT task, time_us / 86400000000 * 86400000000 FROM event WHERE task = ANY(%s::bigint[])

-- name: seal_days
INSERT INTO sealed_day (service, day_us, crc) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
ON CONFLICT (service, day_us) DO NOTHING

-- name: seal_queues
INSERT INTO sealed_queue (boot, queue, crc) SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (boot, queue) DO NOTHING

-- name: sealed_workers
SELECT worker, first_us, last_us FROM sealed_worker WHERE worker = ANY(%s::bigint[])

-- name: seal_workers
INSERT INTO sealed_worker (worker, first_us, last_us, crc)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (worker) DO UPDATE SET first_us = excluded.first_us, last_us = excluded.last_us, crc = excluded.crc

-- name: drop_runs_of
DELETE FROM run WHERE task = ANY(%s::bigint[])

-- name: drop_facts_of
DELETE FROM event WHERE task = ANY(%s::bigint[])

-- name: drop_tasks
DELETE FROM task WHERE id = ANY(%s::bigint[])

-- name: boots_with_old_facts
SELECT id, service, boot || anonymous, base FROM boot
WHERE id IN (SELECT subject_boot FROM event WHERE seq < %s)

-- name: rebase_boots
UPDATE boot AS b SET base = k.base, base_crc = k.crc
FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[]) AS k (id, base, crc) WHERE b.id = k.id

-- name: jobs_with_old_facts
SELECT n.id, n.service, n.name, j.base FROM job AS j JOIN name AS n ON n.id = j.name
WHERE n.id IN (SELECT job FROM event WHERE type = 'job.registered' AND seq < %s)

-- name: rebase_jobs
UPDATE job AS j SET base = k.base, base_crc = k.crc
FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[]) AS k (name, base, crc) WHERE j.name = k.name

-- name: forget_others
-- What is missing stays missing, so gaps are kept as long as the days that they are about: for ever.
DELETE FROM event WHERE seq < %s AND task IS NULL AND type != 'spool.gap'

-- name: days_to_coarsen
-- Days whose cells of one granularity have not changed since an instant, by their newest change.
SELECT day FROM (
    SELECT start_us / 86400000000 * 86400000000 AS day, changed_us FROM cell WHERE granularity = %(granularity)s
    UNION ALL
    SELECT start_us / 86400000000 * 86400000000, changed_us FROM worker_cell WHERE granularity = %(granularity)s
) AS cells GROUP BY day HAVING max(changed_us) < %(before)s

-- name: coarsen_days
INSERT INTO coarse_day (day_us, finest, crc) SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[])
ON CONFLICT (day_us) DO UPDATE SET finest = excluded.finest, crc = excluded.crc

-- name: silent_boots
SELECT id, service, boot || anonymous, folded, base FROM boot AS b WHERE received_us < %s
    AND EXISTS (SELECT 1 FROM presence AS p WHERE p.boot = b.id)
    AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.subject_boot = b.id)

-- name: forget_boots
UPDATE boot AS b SET folded = k.folded, base = k.base, base_crc = k.crc
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::bigint[]) AS k (id, folded, base, crc) WHERE b.id = k.id

-- name: forget_presence
DELETE FROM presence WHERE boot = ANY(%s::bigint[])
