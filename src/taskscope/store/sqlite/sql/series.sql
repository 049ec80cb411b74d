-- name: read
SELECT id, packed FROM series WHERE job = ? AND queue = ?

-- name: next
SELECT coalesce(max(id), 0) + 1 FROM series

-- name: write
INSERT OR REPLACE INTO series (id, job, queue, packed, crc) VALUES (?, ?, ?, ?, ?)
