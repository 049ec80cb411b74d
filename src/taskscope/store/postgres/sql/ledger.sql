-- name: lock
SELECT pg_advisory_xact_lock(%s)

-- name: numbering
-- Changes when the table of names is made anew or emptied. The table is read so that the server looks, and does not
-- answer from what it knew when the transaction began.
SELECT pg_relation_filenode('name'), count(*) FROM (SELECT 1 FROM name LIMIT 1) AS one

-- name: read_meta
SELECT value FROM meta WHERE key = %s

-- name: write_meta
INSERT INTO meta (key, value, crc) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, crc = excluded.crc

-- name: known
SELECT id, time_us, hash FROM event WHERE id = ANY(%s::bytea[])

-- name: sealed
SELECT s.service, s.day_us
FROM unnest(%s::text[], %s::bigint[]) AS k (service, day_us) JOIN sealed_day AS s USING (service, day_us)

-- name: find_names
SELECT n.kind, n.service, n.name, n.id
FROM unnest(%s::text[], %s::text[], %s::text[]) AS k (kind, service, name) JOIN name AS n USING (kind, service, name)

-- name: new_names
INSERT INTO name (kind, service, name)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
RETURNING kind, service, name, id

-- name: tasks
SELECT id, service, task, folded FROM task WHERE key = ANY(%s::bigint[])

-- name: next_task
SELECT coalesce(max(id), 0) + 1 FROM task

-- name: next_seq
SELECT coalesce(max(seq), 0) + 1 FROM event

-- name: boots
SELECT b.id, b.service, b.boot, b.anonymous, b.folded
FROM unnest(%s::text[], %s::text[], %s::text[]) AS k (service, boot, anonymous)
JOIN boot AS b USING (service, boot, anonymous)

-- name: new_boots
INSERT INTO boot (service, boot, anonymous, folded, received_us)
SELECT service, boot, anonymous, %s, 0 FROM unnest(%s::text[], %s::text[], %s::text[]) AS k (service, boot, anonymous)
RETURNING id, service, boot, anonymous

-- name: jobs
SELECT n.service, n.name, j.folded
FROM unnest(%s::text[], %s::text[]) AS k (service, name)
JOIN name AS n ON n.kind = 'job' AND n.service = k.service AND n.name = k.name
JOIN job AS j ON j.name = n.id

-- name: append
COPY event (seq, id, time_us, hash, received_us, type, service, task, subject_boot, attempt, run, job, queue, worker,
    boot, duration_us, data) FROM STDIN (FORMAT BINARY)

-- name: new_tasks
COPY task (id, key, service, task, folded, state, cancelled, job, queue, first_us) FROM STDIN (FORMAT BINARY)

-- name: save_tasks
UPDATE task AS t SET
    folded = k.folded, state = k.state, cancelled = k.cancelled, job = k.job, queue = k.queue, first_us = k.first_us
FROM unnest(
    %s::bigint[], %s::bytea[], %s::text[], %s::boolean[], %s::bigint[], %s::bigint[], %s::bigint[]
) AS k (id, folded, state, cancelled, job, queue, first_us)
WHERE t.id = k.id

-- name: drop_runs
DELETE FROM run AS r
USING unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS k (task, attempt, run, submission)
WHERE r.task = k.task AND r.attempt = k.attempt AND r.run = k.run AND r.submission = k.submission

-- name: save_runs
COPY run (task, attempt, run, submission, anchor_us, job, queue, worker, boot, state, submitted_us, due_us, started_us,
    finished_us, duration_us, wait_us, skewed, outcome, inferred, end_type, end_id, error_type, error_message, progress,
    outputs, proof_us, recheck_us, fingerprint) FROM STDIN (FORMAT BINARY)

-- name: save_boots
UPDATE boot AS b SET
    folded = k.folded, received_us = greatest(b.received_us, k.received_us), worker = k.worker,
    heartbeat_us = k.heartbeat_us, ttl_us = k.ttl_us
FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS k (id, folded, received_us, worker, heartbeat_us, ttl_us)
WHERE b.id = k.id

-- name: drop_presence
DELETE FROM presence AS p
USING unnest(%s::bigint[], %s::bigint[]) AS k (boot, start_us)
WHERE p.boot = k.boot AND p.start_us = k.start_us

-- name: presence
SELECT boot, start_us, end_us FROM presence WHERE boot = ANY(%s::bigint[])

-- name: save_presence
INSERT INTO presence (boot, start_us, end_us)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (boot, start_us) DO UPDATE SET end_us = excluded.end_us

-- name: drop_queues
DELETE FROM boot_queue WHERE boot = ANY(%s::bigint[])

-- name: save_queues
INSERT INTO boot_queue (boot, queue) SELECT * FROM unnest(%s::bigint[], %s::bigint[])

-- name: save_jobs
INSERT INTO job (name, folded, limit_us)
SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[])
ON CONFLICT (name) DO UPDATE SET folded = excluded.folded, limit_us = excluded.limit_us

-- name: unended_of_boots
SELECT DISTINCT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.boot = ANY(%s::bigint[]) AND r.end_type IS NULL AND r.submission = ''

-- name: unended_of_jobs
SELECT DISTINCT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.job = ANY(%s::bigint[]) AND r.end_type IS NULL AND r.submission = ''

-- name: due
SELECT DISTINCT t.service, t.task FROM run AS r JOIN task AS t ON t.id = r.task
WHERE r.recheck_us <= %s LIMIT %s

-- name: coarse_days
SELECT day_us, finest FROM coarse_day

-- name: log_change
INSERT INTO change_log (number, token, tasks)
SELECT coalesce(max(number), 0) + 1, %s::bigint, %s::bytea FROM change_log
RETURNING number

-- name: told
-- A server that listens hears of it once this is committed.
WITH forgotten AS (DELETE FROM change_log WHERE number <= %s)
SELECT pg_notify('taskscope_change', '')
