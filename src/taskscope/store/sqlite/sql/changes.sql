-- name: position
SELECT number, token FROM change_log ORDER BY number DESC LIMIT 1

-- name: changes
SELECT number, token, tasks FROM change_log WHERE number >= ? ORDER BY number

-- name: backlog
SELECT q.service, q.name, count(*), min(r.due_us)
FROM run AS r JOIN name AS q ON q.id = r.queue WHERE r.submission != '' GROUP BY q.id, q.service, q.name
