-- name: add_cell
-- A change of a cell by job and queue.
INSERT INTO cell (granularity, start_us, job, queue, submitted, begun, taken, gone, succeeded, failed, timed_out,
    cancelled, lost, inferred_timed_out, inferred_lost, skewed, wait_count, wait_us, succeeded_count, succeeded_us,
    failed_count, failed_us, other_count, other_us, outputs, tasks_pending, tasks_processing, tasks_retrying,
    tasks_completed, tasks_failed, tasks_cancelled, histogram, changed_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    submitted = submitted + excluded.submitted,
    begun = begun + excluded.begun,
    taken = taken + excluded.taken,
    gone = gone + excluded.gone,
    succeeded = succeeded + excluded.succeeded,
    failed = failed + excluded.failed,
    timed_out = timed_out + excluded.timed_out,
    cancelled = cancelled + excluded.cancelled,
    lost = lost + excluded.lost,
    inferred_timed_out = inferred_timed_out + excluded.inferred_timed_out,
    inferred_lost = inferred_lost + excluded.inferred_lost,
    skewed = skewed + excluded.skewed,
    wait_count = wait_count + excluded.wait_count,
    wait_us = wait_us + excluded.wait_us,
    succeeded_count = succeeded_count + excluded.succeeded_count,
    succeeded_us = succeeded_us + excluded.succeeded_us,
    failed_count = failed_count + excluded.failed_count,
    failed_us = failed_us + excluded.failed_us,
    other_count = other_count + excluded.other_count,
    other_us = other_us + excluded.other_us,
    outputs = outputs + excluded.outputs,
    tasks_pending = tasks_pending + excluded.tasks_pending,
    tasks_processing = tasks_processing + excluded.tasks_processing,
    tasks_retrying = tasks_retrying + excluded.tasks_retrying,
    tasks_completed = tasks_completed + excluded.tasks_completed,
    tasks_failed = tasks_failed + excluded.tasks_failed,
    tasks_cancelled = tasks_cancelled + excluded.tasks_cancelled,
    histogram = histogram_add(histogram, excluded.histogram),
    changed_us = excluded.changed_us;

-- name: add_worker_cell
-- A change of a cell by worker and queue.
INSERT INTO worker_cell (granularity, start_us, worker, queue, busy_us, level, finished, succeeded, exec_count,
    exec_us, changed_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    busy_us = busy_us + excluded.busy_us,
    level = level + excluded.level,
    finished = finished + excluded.finished,
    succeeded = succeeded + excluded.succeeded,
    exec_count = exec_count + excluded.exec_count,
    exec_us = exec_us + excluded.exec_us,
    changed_us = excluded.changed_us;

-- name: drop_empty_cells
-- A cell in which everything was taken back says the same as none.
DELETE FROM cell WHERE granularity = ? AND start_us = ? AND job = ? AND queue = ? AND length(histogram) = 0 AND
    submitted = 0 AND begun = 0 AND taken = 0 AND gone = 0 AND succeeded = 0 AND failed = 0 AND timed_out = 0 AND
        cancelled = 0 AND lost = 0 AND inferred_timed_out = 0 AND inferred_lost = 0 AND skewed = 0 AND wait_count = 0
        AND wait_us = 0 AND succeeded_count = 0 AND succeeded_us = 0 AND failed_count = 0 AND failed_us = 0 AND
        other_count = 0 AND other_us = 0 AND outputs = 0 AND tasks_pending = 0 AND tasks_processing = 0 AND
        tasks_retrying = 0 AND tasks_completed = 0 AND tasks_failed = 0 AND tasks_cancelled = 0;

-- name: drop_empty_worker_cells
DELETE FROM worker_cell WHERE granularity = ? AND start_us = ? AND worker = ? AND queue = ? AND
    busy_us = 0 AND level = 0 AND finished = 0 AND succeeded = 0 AND exec_count = 0 AND exec_us = 0;

-- name: read_sealed_cell
SELECT submitted, begun, taken, gone, succeeded, failed, timed_out, cancelled, lost, inferred_timed_out,
    inferred_lost, skewed, wait_count, wait_us, succeeded_count, succeeded_us, failed_count, failed_us, other_count,
    other_us, outputs, tasks_pending, tasks_processing, tasks_retrying, tasks_completed, tasks_failed,
    tasks_cancelled, histogram FROM sealed_cell
WHERE granularity = ? AND start_us = ? AND job = ? AND queue = ?;

-- name: read_sealed_worker_cell
SELECT busy_us, level, finished, succeeded, exec_count, exec_us FROM sealed_worker_cell
WHERE granularity = ? AND start_us = ? AND worker = ? AND queue = ?;

-- name: write_sealed_cell
INSERT OR REPLACE INTO sealed_cell (granularity, start_us, job, queue, submitted, begun, taken, gone, succeeded,
    failed, timed_out, cancelled, lost, inferred_timed_out, inferred_lost, skewed, wait_count, wait_us,
    succeeded_count, succeeded_us, failed_count, failed_us, other_count, other_us, outputs, tasks_pending,
    tasks_processing, tasks_retrying, tasks_completed, tasks_failed, tasks_cancelled, histogram, crc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_sealed_worker_cell
INSERT OR REPLACE INTO sealed_worker_cell (granularity, start_us, worker, queue, busy_us, level, finished, succeeded,
    exec_count, exec_us, crc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
