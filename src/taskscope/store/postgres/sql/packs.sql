-- name: unpacked
-- A range holds few slices, so those that reach into a window begin little before it.
SELECT first, last FROM unpacked WHERE first >= %(start)s - 6 AND first < %(end)s AND last >= %(start)s

-- name: oldest_unpacked
SELECT first FROM unpacked WHERE last < %s ORDER BY first LIMIT 1

-- name: drop_unpacked
DELETE FROM unpacked WHERE first >= %s AND last < %s

-- name: runs
-- One value of all rows: a tenth of the time that a row after the other takes.
SELECT string_agg(int8send(worker) || int8send(queue) || int8send(anchor_us) || int8send(anchor_us + duration_us), '')
FROM run
WHERE anchor_us > %(start)s - 3600000000 AND anchor_us < %(end)s AND duration_us < 3600000000
    AND anchor_us + duration_us > %(start)s

-- name: long_runs
SELECT string_agg(int8send(worker) || int8send(queue) || int8send(anchor_us) || int8send(anchor_us + duration_us), '')
FROM run
WHERE duration_us >= 3600000000 AND anchor_us < %(end)s AND anchor_us + duration_us > %(start)s

-- name: open_runs
-- Runs without an end, observed or inferred, up to their last proof of life.
SELECT string_agg(int8send(worker) || int8send(queue) || int8send(started_us) || int8send(end_us), '') FROM (
    SELECT r.worker, r.queue, r.started_us, greatest(r.proof_us, b.heartbeat_us) AS end_us
    FROM run AS r LEFT JOIN boot AS b ON b.id = r.boot
    WHERE r.end_type IS NULL AND r.submission = '' AND r.outcome IS NULL AND r.started_us < %(end)s
) AS open WHERE end_us > %(start)s

-- name: ends
SELECT string_agg(int8send(queue) || int8send(finished_us) || int8send((outcome = 'succeeded')::int), '') FROM run
WHERE job IN (SELECT id FROM name WHERE kind = 'job') AND finished_us >= %(start)s AND finished_us < %(end)s
    AND outcome IS NOT NULL

-- name: packs
SELECT start_us, queue, summary FROM pack WHERE start_us >= %s AND start_us < %s AND queue = ANY(%s::bigint[])

-- name: packed_runs
SELECT start_us, runs FROM pack WHERE start_us >= %(start)s AND start_us < %(end)s AND queue = 0

-- name: drop_packs
DELETE FROM pack WHERE start_us >= %s AND start_us < %s

-- name: save_packs
INSERT INTO pack (start_us, queue, summary, runs)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[])

-- name: names
SELECT id, service, name FROM name WHERE kind = %s

-- name: touched
-- Reads all runs: only verify asks.
SELECT anchor_us / 600000000, (anchor_us + duration_us) / 600000000 FROM run WHERE duration_us < 3600000000
UNION SELECT finished_us / 600000000, finished_us / 600000000 FROM run WHERE finished_us IS NOT NULL
UNION SELECT start_us / 600000000, start_us / 600000000 FROM pack

-- name: stored
SELECT start_us, queue, summary, runs FROM pack WHERE start_us >= %s AND start_us < %s
