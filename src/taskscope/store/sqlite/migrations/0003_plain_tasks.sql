-- The fold of a plain task says no more than the row of its only run and the limit that its facts state, so it is left
-- empty: see core/plain.py. Null: the task is not plain, or its facts state no limit; -2: history, nothing is inferred.
ALTER TABLE task ADD COLUMN limit_us INTEGER;
