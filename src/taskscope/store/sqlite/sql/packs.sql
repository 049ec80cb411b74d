-- name: unpacked
-- A range holds few slices, so those that reach into a window begin little before it.
SELECT first, last FROM unpacked WHERE first >= ?1 - 6 AND first < ?2 AND last >= ?1

-- name: oldest_unpacked
SELECT min(first) FROM unpacked WHERE last < ?

-- name: drop_unpacked
DELETE FROM unpacked WHERE first >= ? AND last < ?

-- name: runs
-- From run_anchor alone.
SELECT worker, queue, anchor_us, anchor_us + duration_us FROM run
WHERE anchor_us > ?1 - 3600000000 AND anchor_us < ?2 AND duration_us < 3600000000 AND anchor_us + duration_us > ?1

-- name: long_runs
SELECT worker, queue, anchor_us, anchor_us + duration_us FROM run INDEXED BY run_long
WHERE duration_us >= 3600000000 AND anchor_us < ?2 AND anchor_us + duration_us > ?1

-- name: open_runs
-- Runs without an end, observed or inferred, up to their last proof of life.
SELECT * FROM (
    SELECT r.worker, r.queue, r.started_us, max(r.proof_us, coalesce(b.heartbeat_us, 0)) AS end_us
    FROM run AS r INDEXED BY run_unended LEFT JOIN boot AS b ON b.id = r.boot
    WHERE r.end_type IS NULL AND r.submission = '' AND r.outcome IS NULL AND r.started_us < ?2
) WHERE end_us > ?1

-- name: ends
-- From run_job_finished alone.
SELECT queue, finished_us, outcome = 'succeeded' FROM run
WHERE job IN (SELECT id FROM name WHERE kind = 'job') AND finished_us >= ? AND finished_us < ? AND outcome IS NOT NULL

-- name: packs
SELECT start_us, queue, summary FROM pack WHERE start_us >= ? AND start_us < ?

-- name: packed_runs
SELECT start_us, runs FROM pack WHERE start_us >= ? AND start_us < ? AND queue = 0

-- name: drop_packs
DELETE FROM pack WHERE start_us >= ? AND start_us < ?

-- name: save_pack
INSERT INTO pack (start_us, queue, summary, runs) VALUES (?, ?, ?, ?)

-- name: touched
-- Reads all runs: only verify asks.
SELECT anchor_us / 600000000, (anchor_us + duration_us) / 600000000 FROM run WHERE duration_us < 3600000000
UNION SELECT finished_us / 600000000, finished_us / 600000000 FROM run WHERE finished_us IS NOT NULL
UNION SELECT start_us / 600000000, start_us / 600000000 FROM pack

-- name: stored
SELECT start_us, queue, summary, runs FROM pack WHERE start_us >= ? AND start_us < ?
