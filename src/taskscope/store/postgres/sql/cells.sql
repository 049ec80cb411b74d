-- name: histograms
-- The histograms of the cells that a change touches; those without one are left out.
SELECT c.granularity, c.start_us, c.job, c.queue, c.histogram
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (granularity, start_us, job, queue)
JOIN cell AS c USING (granularity, start_us, job, queue)
WHERE c.histogram != ''

-- name: add_cells
-- Changes of cells by job and queue; a histogram comes as it is to be from now on.
INSERT INTO cell (
    granularity, start_us, job, queue, submitted, begun, taken, gone, succeeded, failed, timed_out, cancelled, lost,
    inferred_timed_out, inferred_lost, skewed, wait_count, wait_us, succeeded_count, succeeded_us, failed_count,
    failed_us, other_count, other_us, outputs, tasks_pending, tasks_processing, tasks_retrying, tasks_completed,
    tasks_failed, tasks_cancelled, histogram, changed_us
)
SELECT * FROM unnest(
    %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bytea[], %s::bigint[]
)
ON CONFLICT (granularity, start_us, job, queue) DO UPDATE SET
    submitted = cell.submitted + excluded.submitted,
    begun = cell.begun + excluded.begun,
    taken = cell.taken + excluded.taken,
    gone = cell.gone + excluded.gone,
    succeeded = cell.succeeded + excluded.succeeded,
    failed = cell.failed + excluded.failed,
    timed_out = cell.timed_out + excluded.timed_out,
    cancelled = cell.cancelled + excluded.cancelled,
    lost = cell.lost + excluded.lost,
    inferred_timed_out = cell.inferred_timed_out + excluded.inferred_timed_out,
    inferred_lost = cell.inferred_lost + excluded.inferred_lost,
    skewed = cell.skewed + excluded.skewed,
    wait_count = cell.wait_count + excluded.wait_count,
    wait_us = cell.wait_us + excluded.wait_us,
    succeeded_count = cell.succeeded_count + excluded.succeeded_count,
    succeeded_us = cell.succeeded_us + excluded.succeeded_us,
    failed_count = cell.failed_count + excluded.failed_count,
    failed_us = cell.failed_us + excluded.failed_us,
    other_count = cell.other_count + excluded.other_count,
    other_us = cell.other_us + excluded.other_us,
    outputs = cell.outputs + excluded.outputs,
    tasks_pending = cell.tasks_pending + excluded.tasks_pending,
    tasks_processing = cell.tasks_processing + excluded.tasks_processing,
    tasks_retrying = cell.tasks_retrying + excluded.tasks_retrying,
    tasks_completed = cell.tasks_completed + excluded.tasks_completed,
    tasks_failed = cell.tasks_failed + excluded.tasks_failed,
    tasks_cancelled = cell.tasks_cancelled + excluded.tasks_cancelled,
    histogram = excluded.histogram,
    changed_us = excluded.changed_us

-- name: add_worker_cells
-- Changes of cells by worker and queue.
INSERT INTO worker_cell (
    granularity, start_us, worker, queue, busy_us, level, finished, succeeded, exec_count, exec_us, changed_us
)
SELECT * FROM unnest(
    %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]
)
ON CONFLICT (granularity, start_us, worker, queue) DO UPDATE SET
    busy_us = worker_cell.busy_us + excluded.busy_us,
    level = worker_cell.level + excluded.level,
    finished = worker_cell.finished + excluded.finished,
    succeeded = worker_cell.succeeded + excluded.succeeded,
    exec_count = worker_cell.exec_count + excluded.exec_count,
    exec_us = worker_cell.exec_us + excluded.exec_us,
    changed_us = excluded.changed_us

-- name: drop_empty_cells
-- A cell in which everything was taken back says the same as none.
DELETE FROM cell AS c
USING unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (granularity, start_us, job, queue)
WHERE c.granularity = k.granularity AND c.start_us = k.start_us AND c.job = k.job AND c.queue = k.queue
    AND c.histogram = ''
    AND c.submitted = 0
    AND c.begun = 0
    AND c.taken = 0
    AND c.gone = 0
    AND c.succeeded = 0
    AND c.failed = 0
    AND c.timed_out = 0
    AND c.cancelled = 0
    AND c.lost = 0
    AND c.inferred_timed_out = 0
    AND c.inferred_lost = 0
    AND c.skewed = 0
    AND c.wait_count = 0
    AND c.wait_us = 0
    AND c.succeeded_count = 0
    AND c.succeeded_us = 0
    AND c.failed_count = 0
    AND c.failed_us = 0
    AND c.other_count = 0
    AND c.other_us = 0
    AND c.outputs = 0
    AND c.tasks_pending = 0
    AND c.tasks_processing = 0
    AND c.tasks_retrying = 0
    AND c.tasks_completed = 0
    AND c.tasks_failed = 0
    AND c.tasks_cancelled = 0

-- name: drop_empty_worker_cells
DELETE FROM worker_cell AS c
USING unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (granularity, start_us, worker, queue)
WHERE c.granularity = k.granularity AND c.start_us = k.start_us AND c.worker = k.worker AND c.queue = k.queue
    AND c.busy_us = 0
    AND c.level = 0
    AND c.finished = 0
    AND c.succeeded = 0
    AND c.exec_count = 0
    AND c.exec_us = 0

-- name: read_sealed_cells
SELECT
    s.granularity, s.start_us, s.job, s.queue, s.submitted, s.begun, s.taken, s.gone, s.succeeded, s.failed,
    s.timed_out, s.cancelled, s.lost, s.inferred_timed_out, s.inferred_lost, s.skewed, s.wait_count, s.wait_us,
    s.succeeded_count, s.succeeded_us, s.failed_count, s.failed_us, s.other_count, s.other_us, s.outputs,
    s.tasks_pending, s.tasks_processing, s.tasks_retrying, s.tasks_completed, s.tasks_failed, s.tasks_cancelled,
    s.histogram
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (granularity, start_us, job, queue)
JOIN sealed_cell AS s USING (granularity, start_us, job, queue)

-- name: read_sealed_worker_cells
SELECT
    s.granularity, s.start_us, s.worker, s.queue, s.busy_us, s.level, s.finished, s.succeeded, s.exec_count,
    s.exec_us
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (granularity, start_us, worker, queue)
JOIN sealed_worker_cell AS s USING (granularity, start_us, worker, queue)

-- name: write_sealed_cells
INSERT INTO sealed_cell (
    granularity, start_us, job, queue, submitted, begun, taken, gone, succeeded, failed, timed_out, cancelled, lost,
    inferred_timed_out, inferred_lost, skewed, wait_count, wait_us, succeeded_count, succeeded_us, failed_count,
    failed_us, other_count, other_us, outputs, tasks_pending, tasks_processing, tasks_retrying, tasks_completed,
    tasks_failed, tasks_cancelled, histogram, crc
)
SELECT * FROM unnest(
    %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bytea[], %s::bigint[]
)
ON CONFLICT (granularity, start_us, job, queue) DO UPDATE SET
    submitted = excluded.submitted,
    begun = excluded.begun,
    taken = excluded.taken,
    gone = excluded.gone,
    succeeded = excluded.succeeded,
    failed = excluded.failed,
    timed_out = excluded.timed_out,
    cancelled = excluded.cancelled,
    lost = excluded.lost,
    inferred_timed_out = excluded.inferred_timed_out,
    inferred_lost = excluded.inferred_lost,
    skewed = excluded.skewed,
    wait_count = excluded.wait_count,
    wait_us = excluded.wait_us,
    succeeded_count = excluded.succeeded_count,
    succeeded_us = excluded.succeeded_us,
    failed_count = excluded.failed_count,
    failed_us = excluded.failed_us,
    other_count = excluded.other_count,
    other_us = excluded.other_us,
    outputs = excluded.outputs,
    tasks_pending = excluded.tasks_pending,
    tasks_processing = excluded.tasks_processing,
    tasks_retrying = excluded.tasks_retrying,
    tasks_completed = excluded.tasks_completed,
    tasks_failed = excluded.tasks_failed,
    tasks_cancelled = excluded.tasks_cancelled,
    histogram = excluded.histogram,
    crc = excluded.crc

-- name: write_sealed_worker_cells
INSERT INTO sealed_worker_cell (
    granularity, start_us, worker, queue, busy_us, level, finished, succeeded, exec_count, exec_us, crc
)
SELECT * FROM unnest(
    %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]
)
ON CONFLICT (granularity, start_us, worker, queue) DO UPDATE SET
    busy_us = excluded.busy_us,
    level = excluded.level,
    finished = excluded.finished,
    succeeded = excluded.succeeded,
    exec_count = excluded.exec_count,
    exec_us = excluded.exec_us,
    crc = excluded.crc
