-- name: position
SELECT number, token FROM change_log ORDER BY number DESC LIMIT 1

-- name: changes
SELECT number, token, tasks FROM change_log WHERE number >= ? ORDER BY number
