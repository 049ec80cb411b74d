-- Names of services' jobs, queues and workers, as numbers. Numbers depend on arrival: nothing is ever ordered by them.
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('job', 'queue', 'worker')),
    service TEXT NOT NULL,
    name TEXT NOT NULL, -- empty: the fact named none
    UNIQUE (kind, service, name)
);

-- The log: every accepted fact. `subject` is a task, a boot or a job's name, by the type; null for samples.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL, -- a canonical UUID as 16 bytes, anything else as text
    time_us INTEGER NOT NULL,
    hash INTEGER NOT NULL, -- of the content: the same identity with other content is refused
    received_us INTEGER NOT NULL,
    type TEXT NOT NULL,
    service TEXT NOT NULL,
    task INTEGER REFERENCES task,
    subject_boot INTEGER REFERENCES boot, -- of worker facts
    attempt INTEGER NOT NULL,
    run TEXT,
    job INTEGER REFERENCES name,
    queue INTEGER REFERENCES name,
    worker INTEGER REFERENCES name,
    boot TEXT,
    duration_us INTEGER,
    data TEXT, -- null for {}
    UNIQUE (id, time_us)
);
CREATE INDEX event_task ON event (task) WHERE task IS NOT NULL;
CREATE INDEX event_boot ON event (subject_boot) WHERE subject_boot IS NOT NULL;
CREATE INDEX event_gap ON event (service) WHERE type = 'spool.gap';
CREATE INDEX event_job ON event (job) WHERE type = 'job.registered';

-- A task: the fold of its facts. `base` is the fold of those facts that retention has dropped.
CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    key INTEGER NOT NULL, -- a checksum of service and task, see rows.task_key
    service TEXT NOT NULL,
    task TEXT NOT NULL,
    folded BLOB NOT NULL, -- empty for a plain task: the row of its only run and its limit say the same, see core/plain.py
    base BLOB,
    base_days TEXT, -- the days of the dropped facts, as a JSON array
    base_crc INTEGER,
    state TEXT NOT NULL,
    cancelled INTEGER NOT NULL,
    job INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    first_us INTEGER NOT NULL, -- first submission, else when its first run began
    limit_us INTEGER -- that the facts of a plain task state; -2: history, nothing is inferred
);
-- (service, task) is unique because writers look before they insert, and there is one at a time. An index on the texts
-- themselves is six times as large: task ids are mostly random, so each new task makes a page of it dirty.
CREATE INDEX task_key ON task (key);
CREATE INDEX task_first ON task (first_us);

-- What the folds say, a row per run and per submission that waits for one.
CREATE TABLE run (
    task INTEGER NOT NULL REFERENCES task,
    attempt INTEGER NOT NULL,
    run TEXT NOT NULL, -- empty: no fact names it
    submission TEXT NOT NULL, -- not empty: a submission that no run took
    anchor_us INTEGER NOT NULL,
    job INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    worker INTEGER NOT NULL REFERENCES name,
    boot INTEGER REFERENCES boot,
    state TEXT NOT NULL,
    submitted_us INTEGER,
    due_us INTEGER,
    started_us INTEGER,
    finished_us INTEGER,
    duration_us INTEGER,
    wait_us INTEGER,
    skewed INTEGER NOT NULL,
    outcome TEXT,
    inferred INTEGER NOT NULL,
    end_type TEXT,
    end_id TEXT,
    error_type TEXT,
    error_message TEXT,
    progress REAL,
    outputs INTEGER NOT NULL,
    proof_us INTEGER NOT NULL,
    recheck_us INTEGER,
    fingerprint TEXT -- of a failed run: what groups it with others
);
-- A task's rows are few and written together, so their key (task, attempt, run, submission) needs no index of its own,
-- which every other index would carry along.
CREATE INDEX run_task ON run (task);
CREATE INDEX run_anchor ON run (anchor_us);
-- Also serves questions about all jobs: there are few, and each is one seek.
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
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    boot TEXT NOT NULL,
    anonymous TEXT NOT NULL, -- the worker, when boot is empty
    folded BLOB NOT NULL,
    base BLOB,
    base_crc INTEGER,
    received_us INTEGER NOT NULL, -- of its newest fact: how long its presence is kept
    worker INTEGER REFERENCES name, -- null: only runs named this boot
    heartbeat_us INTEGER,
    ttl_us INTEGER,
    UNIQUE (service, boot, anonymous)
);

-- When a boot was there.
CREATE TABLE presence (
    boot INTEGER NOT NULL REFERENCES boot,
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    PRIMARY KEY (boot, start_us)
) WITHOUT ROWID;
CREATE INDEX presence_end ON presence (end_us);

-- The queues that a boot says it serves.
CREATE TABLE boot_queue (
    boot INTEGER NOT NULL REFERENCES boot,
    queue INTEGER NOT NULL REFERENCES name,
    PRIMARY KEY (boot, queue)
) WITHOUT ROWID;

-- A registered job: the fold of its job.registered facts.
CREATE TABLE job (
    name INTEGER PRIMARY KEY REFERENCES name,
    folded BLOB NOT NULL,
    base BLOB,
    base_crc INTEGER,
    limit_us INTEGER
);

-- Additive statistics: granularity 0 minute, 1 hour, 2 day.
CREATE TABLE cell (
    granularity INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    job INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    submitted INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    inferred_timed_out INTEGER NOT NULL,
    inferred_lost INTEGER NOT NULL,
    skewed INTEGER NOT NULL,
    wait_count INTEGER NOT NULL,
    wait_us INTEGER NOT NULL,
    succeeded_count INTEGER NOT NULL,
    succeeded_us INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    failed_us INTEGER NOT NULL,
    other_count INTEGER NOT NULL,
    other_us INTEGER NOT NULL,
    outputs INTEGER NOT NULL,
    tasks_pending INTEGER NOT NULL,
    tasks_processing INTEGER NOT NULL,
    tasks_retrying INTEGER NOT NULL,
    tasks_completed INTEGER NOT NULL,
    tasks_failed INTEGER NOT NULL,
    tasks_cancelled INTEGER NOT NULL,
    histogram BLOB NOT NULL,
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (granularity, start_us, job, queue)
) WITHOUT ROWID;
CREATE TABLE worker_cell (
    granularity INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    worker INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    busy_us INTEGER NOT NULL,
    level INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    exec_count INTEGER NOT NULL,
    exec_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (granularity, start_us, worker, queue)
) WITHOUT ROWID;

-- What tasks that retention dropped contribute to the cells: cell = sealed + contributions of the tasks that are kept.
CREATE TABLE sealed_cell (
    granularity INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    job INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    submitted INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    inferred_timed_out INTEGER NOT NULL,
    inferred_lost INTEGER NOT NULL,
    skewed INTEGER NOT NULL,
    wait_count INTEGER NOT NULL,
    wait_us INTEGER NOT NULL,
    succeeded_count INTEGER NOT NULL,
    succeeded_us INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    failed_us INTEGER NOT NULL,
    other_count INTEGER NOT NULL,
    other_us INTEGER NOT NULL,
    outputs INTEGER NOT NULL,
    tasks_pending INTEGER NOT NULL,
    tasks_processing INTEGER NOT NULL,
    tasks_retrying INTEGER NOT NULL,
    tasks_completed INTEGER NOT NULL,
    tasks_failed INTEGER NOT NULL,
    tasks_cancelled INTEGER NOT NULL,
    histogram BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (granularity, start_us, job, queue)
) WITHOUT ROWID;
CREATE TABLE sealed_worker_cell (
    granularity INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    worker INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    busy_us INTEGER NOT NULL,
    level INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    exec_count INTEGER NOT NULL,
    exec_us INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (granularity, start_us, worker, queue)
) WITHOUT ROWID;

-- Days in which facts of dropped tasks lie: a fact of an unknown task in such a day can't be told from a repeated one.
CREATE TABLE sealed_day (
    service TEXT NOT NULL,
    day_us INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (service, day_us)
) WITHOUT ROWID;

-- Workers without a boot are present from their first start to their last sign: what dropped runs say of that.
CREATE TABLE sealed_worker (
    worker INTEGER PRIMARY KEY REFERENCES name,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    crc INTEGER NOT NULL
);

-- The queues that dropped runs of a boot came from.
CREATE TABLE sealed_queue (
    boot INTEGER NOT NULL REFERENCES boot,
    queue INTEGER NOT NULL REFERENCES name,
    crc INTEGER NOT NULL,
    PRIMARY KEY (boot, queue)
) WITHOUT ROWID;

-- Days whose minute cells (finest = 1) or minute and hour cells (finest = 2) are gone.
CREATE TABLE coarse_day (
    day_us INTEGER PRIMARY KEY,
    finest INTEGER NOT NULL,
    crc INTEGER NOT NULL
);

-- The mark, and counts of what was refused.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    crc INTEGER NOT NULL
) WITHOUT ROWID;

-- What counters for Prometheus say of a job and queue, see core/counters.py. Numbered without gaps, in the order in which
-- they came: the first ones are exported, and stay so.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES name,
    queue INTEGER NOT NULL REFERENCES name,
    packed BLOB NOT NULL,
    crc INTEGER NOT NULL,
    UNIQUE (job, queue)
);
-- What waits: how long the oldest of a queue has, by one seek.
CREATE INDEX run_waiting ON run (queue, due_us) WHERE submission != '';
-- The newest starts of a worker.
CREATE INDEX boot_worker ON boot (worker, coalesce(heartbeat_us, 0)) WHERE worker IS NOT NULL;
-- Who may do what. A token is known by its hash alone; its row stays when it is revoked, so a name means one token.
CREATE TABLE token (
    name TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL, -- separated by spaces
    services TEXT, -- a JSON array; null: all of them
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    revoked_us INTEGER,
    used_us INTEGER
) WITHOUT ROWID;

-- Those who are signed in, by the hash of their cookie.
CREATE TABLE signed_in (
    digest BLOB PRIMARY KEY,
    token TEXT NOT NULL REFERENCES token,
    begun_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX signed_in_expires ON signed_in (expires_us);

-- What was done by whom, and how it ended: rows are added, never changed or removed.
CREATE TABLE action (
    number INTEGER PRIMARY KEY,
    time_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    what TEXT NOT NULL
);
CREATE TABLE action_end (
    action INTEGER PRIMARY KEY REFERENCES action,
    time_us INTEGER NOT NULL,
    status INTEGER NOT NULL,
    before TEXT, -- JSON
    after TEXT
);
CREATE TRIGGER action_no_update BEFORE UPDATE ON action BEGIN SELECT raise(ABORT, 'actions are never changed'); END;
CREATE TRIGGER action_no_delete BEFORE DELETE ON action BEGIN SELECT raise(ABORT, 'actions are never removed'); END;
CREATE TRIGGER action_end_no_update BEFORE UPDATE ON action_end BEGIN SELECT raise(ABORT, 'actions are never changed'); END;
CREATE TRIGGER action_end_no_delete BEFORE DELETE ON action_end BEGIN SELECT raise(ABORT, 'actions are never removed'); END;
-- INSERT OR REPLACE removes a row without asking the triggers above.
CREATE TRIGGER action_no_replace BEFORE INSERT ON action WHEN EXISTS (SELECT 1 FROM action WHERE number = NEW.number)
BEGIN SELECT raise(ABORT, 'actions are never changed'); END;
CREATE TRIGGER action_end_no_replace BEFORE INSERT ON action_end
WHEN EXISTS (SELECT 1 FROM action_end WHERE action = NEW.action)
BEGIN SELECT raise(ABORT, 'actions are never changed'); END;
