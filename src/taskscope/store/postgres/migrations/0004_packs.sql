-- Percentiles of a window are read from these two alone, without a look at the runs: exact durations by finish, and
-- waits by start, of one job or (there are few jobs, each is one seek) of all.
DROP INDEX run_job_finished;
CREATE INDEX run_job_finished ON run (job, finished_us) INCLUDE (duration_us, outcome, queue)
WHERE finished_us IS NOT NULL;
CREATE INDEX run_job_wait ON run (job, anchor_us) INCLUDE (wait_us, queue) WHERE wait_us IS NOT NULL;
-- Pages in the order of starts; and who was busy in a stretch of time, again without a look at the runs.
DROP INDEX run_anchor;
CREATE INDEX run_anchor ON run (anchor_us) INCLUDE (duration_us, worker, queue);

-- What ten minutes say of their workers, see core/packs.py: all of it follows from the runs.
CREATE TABLE pack (
    start_us BIGINT NOT NULL,
    queue BIGINT NOT NULL, -- 0 stands for all of them
    summary BYTEA NOT NULL,
    runs BYTEA, -- of all queues only
    PRIMARY KEY (start_us, queue)
);
ALTER TABLE pack ALTER COLUMN summary SET STORAGE EXTERNAL; -- read far more often than written
ALTER TABLE pack ALTER COLUMN runs SET STORAGE EXTERNAL;

-- Slices (by number: start / 10 minutes) in which a run changed since they were packed, as ranges, both ends included.
-- Triggers write them, so that no way of writing runs can forget it. Runs of an hour and more are in no pack: only
-- their ends are counted.
CREATE TABLE unpacked (
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (first, last)
);

INSERT INTO unpacked SELECT anchor_us / 600000000, (anchor_us + duration_us) / 600000000 FROM run
WHERE duration_us < 3600000000
UNION SELECT finished_us / 600000000, finished_us / 600000000 FROM run WHERE finished_us IS NOT NULL;

CREATE FUNCTION taskscope_unpack() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unpacked SELECT anchor_us / 600000000, (anchor_us + duration_us) / 600000000 FROM changed
    WHERE duration_us < 3600000000
    UNION SELECT finished_us / 600000000, finished_us / 600000000 FROM changed WHERE finished_us IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER run_inserted AFTER INSERT ON run REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION taskscope_unpack();
CREATE TRIGGER run_deleted AFTER DELETE ON run REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION taskscope_unpack();
CREATE TRIGGER run_updated_from AFTER UPDATE ON run REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION taskscope_unpack();
CREATE TRIGGER run_updated_to AFTER UPDATE ON run REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION taskscope_unpack();
