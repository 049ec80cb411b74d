-- Every text is COLLATE "C": what is ordered here is ordered by code points, as the core and every other store do.
-- No foreign keys: checking five of them costs more than writing a fact. Writers are one at a time and look before they
-- refer; `taskscope verify` finds a reference that leads nowhere.

-- Names of services' jobs, queues and workers, as numbers. Numbers depend on arrival: nothing is ever ordered by them.
CREATE TABLE name (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('job', 'queue', 'worker')),
    service TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL, -- empty: the fact named none
    UNIQUE (kind, service, name)
);

-- The log: every accepted fact.
CREATE TABLE event (
    seq BIGINT PRIMARY KEY,
    id BYTEA NOT NULL, -- see rows.id_to_column
    time_us BIGINT NOT NULL,
    hash BIGINT NOT NULL, -- of the content: the same identity with other content is refused
    received_us BIGINT NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    task BIGINT,
    subject_boot BIGINT, -- of worker facts
    attempt BIGINT NOT NULL,
    run TEXT COLLATE "C",
    job BIGINT,
    queue BIGINT,
    worker BIGINT,
    boot TEXT COLLATE "C",
    duration_us BIGINT,
    data TEXT, -- null for {}
    UNIQUE (id, time_us)
);
CREATE INDEX event_task ON event (task) WHERE task IS NOT NULL;
CREATE INDEX event_boot ON event (subject_boot) WHERE subject_boot IS NOT NULL;
CREATE INDEX event_gap ON event (service) WHERE type = 'spool.gap';
CREATE INDEX event_job ON event (job) WHERE type = 'job.registered';

-- A task: the fold of its facts. `base` is the fold of those facts that retention has dropped.
CREATE TABLE task (
    id BIGINT PRIMARY KEY,
    key BIGINT NOT NULL, -- a checksum of service and task, see rows.task_key
    service TEXT COLLATE "C" NOT NULL,
    task TEXT COLLATE "C" NOT NULL,
    folded BYTEA NOT NULL,
    base BYTEA,
    base_days TEXT, -- the days of the dropped facts, as a JSON array
    base_crc BIGINT,
    state TEXT NOT NULL,
    cancelled BOOLEAN NOT NULL,
    job BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    first_us BIGINT NOT NULL -- first submission, else when its first run began
) WITH (fillfactor = 80); -- a task is written again with each of its facts: with room left, its indexes need not follow
-- (service, task) is unique because writers look before they insert, and there is one at a time. The texts themselves may
-- be longer than an entry of an index, and with mostly random task ids an index of them is six times as large.
CREATE INDEX task_key ON task (key);
CREATE INDEX task_first ON task (first_us);

-- What the folds say, a row per run and per submission that waits for one.
CREATE TABLE run (
    task BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    run TEXT COLLATE "C" NOT NULL, -- empty: no fact names it
    submission TEXT COLLATE "C" NOT NULL, -- not empty: a submission that no run took
    anchor_us BIGINT NOT NULL,
    job BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    boot BIGINT,
    state TEXT NOT NULL,
    submitted_us BIGINT,
    due_us BIGINT,
    started_us BIGINT,
    finished_us BIGINT,
    duration_us BIGINT,
    wait_us BIGINT,
    skewed BOOLEAN NOT NULL,
    outcome TEXT,
    inferred BOOLEAN NOT NULL,
    end_type TEXT,
    end_id TEXT,
    error_type TEXT,
    error_message TEXT,
    progress DOUBLE PRECISION,
    outputs BIGINT NOT NULL,
    proof_us BIGINT NOT NULL,
    recheck_us BIGINT,
    fingerprint TEXT COLLATE "C" -- of a failed run: what groups it with others
);
-- A task's rows are few and written together, so their key (task, attempt, run, submission) needs no index of its own.
CREATE INDEX run_task ON run (task);
CREATE INDEX run_anchor ON run (anchor_us);
CREATE INDEX run_job_finished ON run (job, finished_us) WHERE finished_us IS NOT NULL;
CREATE INDEX run_submitted ON run (submitted_us) WHERE submitted_us IS NOT NULL;
CREATE INDEX run_long ON run (anchor_us) WHERE duration_us >= 3600000000;
CREATE INDEX run_unended ON run (boot) WHERE end_type IS NULL AND submission = '';
CREATE INDEX run_recheck ON run (recheck_us) WHERE recheck_us IS NOT NULL;
-- Failures of a window, grouped without reading any other run.
CREATE INDEX run_failed ON run (finished_us, fingerprint, job) WHERE fingerprint IS NOT NULL;
CREATE INDEX run_boot_queue ON run (boot, queue) WHERE boot IS NOT NULL;
-- Workers without a boot: their first and last sign by one seek each.
CREATE INDEX run_bootless_first ON run (worker, anchor_us)
WHERE boot IS NULL AND (started_us IS NOT NULL OR finished_us IS NOT NULL);
CREATE INDEX run_bootless_last ON run (worker, finished_us) WHERE boot IS NULL AND finished_us IS NOT NULL;

-- One start of one worker: the fold of its worker facts. Without a boot id the worker's name stands for it.
CREATE TABLE boot (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service TEXT COLLATE "C" NOT NULL,
    boot TEXT COLLATE "C" NOT NULL,
    anonymous TEXT COLLATE "C" NOT NULL, -- the worker, when boot is empty
    folded BYTEA NOT NULL,
    base BYTEA,
    base_crc BIGINT,
    received_us BIGINT NOT NULL, -- of its newest fact: how long its presence is kept
    worker BIGINT, -- null: only runs named this boot
    heartbeat_us BIGINT,
    ttl_us BIGINT,
    UNIQUE (service, boot, anonymous)
) WITH (fillfactor = 50); -- written again with every heartbeat

-- When a boot was there.
CREATE TABLE presence (
    boot BIGINT NOT NULL,
    start_us BIGINT NOT NULL,
    end_us BIGINT NOT NULL,
    PRIMARY KEY (boot, start_us)
);
CREATE INDEX presence_end ON presence (end_us);

-- The queues that a boot says it serves.
CREATE TABLE boot_queue (
    boot BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    PRIMARY KEY (boot, queue)
);

-- A registered job: the fold of its job.registered facts.
CREATE TABLE job (
    name BIGINT PRIMARY KEY,
    folded BYTEA NOT NULL,
    base BYTEA,
    base_crc BIGINT,
    limit_us BIGINT
);

-- Additive statistics: granularity 0 minute, 1 hour, 2 day.
CREATE TABLE cell (
    granularity SMALLINT NOT NULL,
    start_us BIGINT NOT NULL,
    job BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    timed_out BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    inferred_timed_out BIGINT NOT NULL,
    inferred_lost BIGINT NOT NULL,
    skewed BIGINT NOT NULL,
    wait_count BIGINT NOT NULL,
    wait_us BIGINT NOT NULL,
    succeeded_count BIGINT NOT NULL,
    succeeded_us BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    failed_us BIGINT NOT NULL,
    other_count BIGINT NOT NULL,
    other_us BIGINT NOT NULL,
    outputs BIGINT NOT NULL,
    tasks_pending BIGINT NOT NULL,
    tasks_processing BIGINT NOT NULL,
    tasks_retrying BIGINT NOT NULL,
    tasks_completed BIGINT NOT NULL,
    tasks_failed BIGINT NOT NULL,
    tasks_cancelled BIGINT NOT NULL,
    histogram BYTEA NOT NULL,
    changed_us BIGINT NOT NULL,
    PRIMARY KEY (granularity, start_us, job, queue)
) WITH (fillfactor = 70);
CREATE TABLE worker_cell (
    granularity SMALLINT NOT NULL,
    start_us BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    busy_us BIGINT NOT NULL,
    level BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    exec_count BIGINT NOT NULL,
    exec_us BIGINT NOT NULL,
    changed_us BIGINT NOT NULL,
    PRIMARY KEY (granularity, start_us, worker, queue)
) WITH (fillfactor = 70);

-- What tasks that retention dropped contribute to the cells: cell = sealed + contributions of the tasks that are kept.
CREATE TABLE sealed_cell (
    granularity SMALLINT NOT NULL,
    start_us BIGINT NOT NULL,
    job BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    timed_out BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    inferred_timed_out BIGINT NOT NULL,
    inferred_lost BIGINT NOT NULL,
    skewed BIGINT NOT NULL,
    wait_count BIGINT NOT NULL,
    wait_us BIGINT NOT NULL,
    succeeded_count BIGINT NOT NULL,
    succeeded_us BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    failed_us BIGINT NOT NULL,
    other_count BIGINT NOT NULL,
    other_us BIGINT NOT NULL,
    outputs BIGINT NOT NULL,
    tasks_pending BIGINT NOT NULL,
    tasks_processing BIGINT NOT NULL,
    tasks_retrying BIGINT NOT NULL,
    tasks_completed BIGINT NOT NULL,
    tasks_failed BIGINT NOT NULL,
    tasks_cancelled BIGINT NOT NULL,
    histogram BYTEA NOT NULL,
    crc BIGINT NOT NULL,
    PRIMARY KEY (granularity, start_us, job, queue)
);
CREATE TABLE sealed_worker_cell (
    granularity SMALLINT NOT NULL,
    start_us BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    busy_us BIGINT NOT NULL,
    level BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    succeeded BIGINT NOT NULL,
    exec_count BIGINT NOT NULL,
    exec_us BIGINT NOT NULL,
    crc BIGINT NOT NULL,
    PRIMARY KEY (granularity, start_us, worker, queue)
);

-- Days in which facts of dropped tasks lie: a fact of an unknown task in such a day can't be told from a repeated one.
CREATE TABLE sealed_day (
    service TEXT COLLATE "C" NOT NULL,
    day_us BIGINT NOT NULL,
    crc BIGINT NOT NULL,
    PRIMARY KEY (service, day_us)
);

-- Workers without a boot are present from their first start to their last sign: what dropped runs say of that.
CREATE TABLE sealed_worker (
    worker BIGINT PRIMARY KEY,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    crc BIGINT NOT NULL
);

-- The queues that dropped runs of a boot came from.
CREATE TABLE sealed_queue (
    boot BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    crc BIGINT NOT NULL,
    PRIMARY KEY (boot, queue)
);

-- Days whose minute cells (finest = 1) or minute and hour cells (finest = 2) are gone.
CREATE TABLE coarse_day (
    day_us BIGINT PRIMARY KEY,
    finest SMALLINT NOT NULL,
    crc BIGINT NOT NULL
);

-- The mark, and counts of what was refused.
CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL,
    crc BIGINT NOT NULL
);

-- What counters for Prometheus say of a job and queue, see core/counters.py. Numbered without gaps, in the order in which
-- they came: the first ones are exported, and stay so.
CREATE TABLE series (
    id BIGINT PRIMARY KEY,
    job BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    packed BYTEA NOT NULL,
    crc BIGINT NOT NULL,
    UNIQUE (job, queue)
) WITH (fillfactor = 50); -- written again with every batch
-- What waits: how long the oldest of a queue has, by one seek.
CREATE INDEX run_waiting ON run (queue, due_us) WHERE submission != '';
-- The newest starts of a worker.
CREATE INDEX boot_worker ON boot (worker, coalesce(heartbeat_us, 0)) WHERE worker IS NOT NULL;
-- Who may do what. A token is known by its hash alone; its row stays when it is revoked, so a name means one token.
CREATE TABLE token (
    name TEXT COLLATE "C" PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    scopes TEXT NOT NULL, -- separated by spaces
    services TEXT, -- a JSON array; null: all of them
    created_us BIGINT NOT NULL,
    expires_us BIGINT,
    revoked_us BIGINT,
    used_us BIGINT
);

-- Those who are signed in, by the hash of their cookie.
CREATE TABLE signed_in (
    digest BYTEA PRIMARY KEY,
    token TEXT COLLATE "C" NOT NULL,
    begun_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX signed_in_expires ON signed_in (expires_us);

-- What was done by whom, and how it ended: rows are added, never changed or removed.
CREATE TABLE action (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time_us BIGINT NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    what TEXT NOT NULL
);
CREATE TABLE action_end (
    action BIGINT PRIMARY KEY,
    time_us BIGINT NOT NULL,
    status INTEGER NOT NULL,
    before TEXT, -- JSON
    after TEXT
);
CREATE FUNCTION taskscope_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'actions are never changed';
END $$;
CREATE TRIGGER action_stays BEFORE UPDATE OR DELETE ON action FOR EACH ROW EXECUTE FUNCTION taskscope_refuse_change();
CREATE TRIGGER action_end_stays BEFORE UPDATE OR DELETE ON action_end FOR EACH ROW EXECUTE FUNCTION taskscope_refuse_change();
CREATE TRIGGER action_whole BEFORE TRUNCATE ON action FOR EACH STATEMENT EXECUTE FUNCTION taskscope_refuse_change();
CREATE TRIGGER action_end_whole BEFORE TRUNCATE ON action_end FOR EACH STATEMENT EXECUTE FUNCTION taskscope_refuse_change();
