-- name: read
SELECT id, packed FROM series WHERE job = ? AND queue = ?

-- name: next
SELECT coalesce(max(id), 0) + 1 FROM series

-- name: begin
INSERT INTO series (id, job, queue, packed, crc) VALUES (?, ?, ?, ?, ?)

-- name: move
UPDATE series SET packed = ?, crc = ? WHERE id = ?
