-- name: read
SELECT s.id, s.job, s.queue, s.packed
FROM unnest(%s::bigint[], %s::bigint[]) AS k (job, queue) JOIN series AS s USING (job, queue)

-- name: latest
SELECT coalesce(max(id), 0) FROM series

-- name: write
INSERT INTO series (id, job, queue, packed, crc)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[])
ON CONFLICT (id) DO UPDATE SET packed = excluded.packed, crc = excluded.crc
