-- What changed, a row per transaction that changed something that is shown: whoever follows the store reads on from the row
-- that it knows. Only the newest rows are kept.
CREATE TABLE change_log (
    number BIGINT PRIMARY KEY, -- one more than the last: there is one writer at a time, and if not, this refuses
    token BIGINT NOT NULL, -- random: the same number of another history (a restored copy) has another one
    tasks BYTEA -- numbers of the tasks, 8 bytes each; null: too many to name
);
