-- Percentiles of a window are read from these two alone, without a look at the runs: exact durations by finish, and
-- waits by start, of one job or (there are few jobs, each is one seek) of all.
DROP INDEX run_job_finished;
CREATE INDEX run_job_finished ON run (job, finished_us, duration_us, outcome, queue) WHERE finished_us IS NOT NULL;
CREATE INDEX run_job_wait ON run (job, anchor_us, wait_us, queue) WHERE wait_us IS NOT NULL;
-- Pages in the order of starts; and who was busy in a stretch of time, again without a look at the runs.
DROP INDEX run_anchor;
CREATE INDEX run_anchor ON run (anchor_us, duration_us, worker, queue);

-- What ten minutes say of their workers, see core/packs.py: all of it follows from the runs.
CREATE TABLE pack (
    start_us INTEGER NOT NULL,
    queue INTEGER NOT NULL, -- 0 stands for all of them
    summary BLOB NOT NULL,
    runs BLOB, -- of all queues only
    PRIMARY KEY (start_us, queue)
);

-- Slices (by number: start / 10 minutes) in which a run changed since they were packed, as ranges, both ends included.
-- Triggers write them, so that no way of writing runs can forget it. Runs of an hour and more are in no pack: only
-- their ends are counted. Who writes thousands of runs at once says it of all of them together: as long as a row of his
-- transaction holds the least number, the triggers rest (see SqlitePlain.write).
CREATE TABLE unpacked (
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (first, last)
) WITHOUT ROWID;

INSERT INTO unpacked SELECT DISTINCT anchor_us / 600000000, (anchor_us + duration_us) / 600000000 FROM run
WHERE duration_us < 3600000000;
INSERT OR IGNORE INTO unpacked SELECT finished_us / 600000000, finished_us / 600000000 FROM run
WHERE finished_us IS NOT NULL;

CREATE TRIGGER run_inserted AFTER INSERT ON run WHEN (new.finished_us IS NOT NULL OR new.duration_us IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM unpacked WHERE first = -4611686018427387904)
BEGIN
    INSERT OR IGNORE INTO unpacked SELECT new.anchor_us / 600000000, (new.anchor_us + new.duration_us) / 600000000
    WHERE new.duration_us < 3600000000;
    INSERT OR IGNORE INTO unpacked SELECT new.finished_us / 600000000, new.finished_us / 600000000
    WHERE new.finished_us IS NOT NULL;
END;

CREATE TRIGGER run_deleted AFTER DELETE ON run WHEN old.finished_us IS NOT NULL OR old.duration_us IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO unpacked SELECT old.anchor_us / 600000000, (old.anchor_us + old.duration_us) / 600000000
    WHERE old.duration_us < 3600000000;
    INSERT OR IGNORE INTO unpacked SELECT old.finished_us / 600000000, old.finished_us / 600000000
    WHERE old.finished_us IS NOT NULL;
END;

CREATE TRIGGER run_updated AFTER UPDATE ON run
WHEN coalesce(old.finished_us, old.duration_us, new.finished_us, new.duration_us) IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM unpacked WHERE first = -4611686018427387904)
BEGIN
    INSERT OR IGNORE INTO unpacked SELECT old.anchor_us / 600000000, (old.anchor_us + old.duration_us) / 600000000
    WHERE old.duration_us < 3600000000;
    INSERT OR IGNORE INTO unpacked SELECT old.finished_us / 600000000, old.finished_us / 600000000
    WHERE old.finished_us IS NOT NULL;
    INSERT OR IGNORE INTO unpacked SELECT new.anchor_us / 600000000, (new.anchor_us + new.duration_us) / 600000000
    WHERE new.duration_us < 3600000000;
    INSERT OR IGNORE INTO unpacked SELECT new.finished_us / 600000000, new.finished_us / 600000000
    WHERE new.finished_us IS NOT NULL;
END;
