-- name: failure_total
-- Failures are read from an index of their own, run_failed: no other run is looked at.
SELECT count(*), count(DISTINCT r.fingerprint) FROM run AS r
WHERE r.fingerprint IS NOT NULL AND r.finished_us >= %s AND r.finished_us < %s/* filter */

-- name: failure_groups
SELECT r.fingerprint, count(*) AS failures, min(r.finished_us), max(r.finished_us) AS last FROM run AS r
WHERE r.fingerprint IS NOT NULL AND r.finished_us >= %s AND r.finished_us < %s/* filter */
GROUP BY r.fingerprint/* after */ ORDER BY failures DESC, last DESC, r.fingerprint LIMIT %s

-- name: failure_jobs
SELECT r.fingerprint, j.service, j.name, count(*) AS failures FROM run AS r JOIN name AS j ON j.id = r.job
WHERE r.fingerprint IS NOT NULL AND r.finished_us >= %s AND r.finished_us < %s/* filter */
GROUP BY r.fingerprint, j.service, j.name ORDER BY r.fingerprint, failures DESC, j.service, j.name

-- name: failure_trend
SELECT r.fingerprint, (r.finished_us - %s::bigint) / %s::bigint AS bucket, count(*) FROM run AS r
WHERE r.fingerprint IS NOT NULL AND r.finished_us >= %s AND r.finished_us < %s/* filter */
GROUP BY r.fingerprint, bucket ORDER BY r.fingerprint, bucket

-- name: newest_of_jobs
WHERE r.ctid = ANY(ARRAY(
    SELECT newest.place
    FROM unnest(%s::text[], %s::text[]) AS k (service, name)
    JOIN name AS n ON n.kind = 'job' AND n.service = k.service AND n.name = k.name
    CROSS JOIN LATERAL (
        SELECT f.ctid AS place FROM run AS f JOIN task AS o ON o.id = f.task
        WHERE f.job = n.id AND f.finished_us IS NOT NULL
        ORDER BY f.finished_us DESC, o.task, f.attempt, f.run LIMIT %s
    ) AS newest
)) ORDER BY r.finished_us DESC, t.task, r.attempt, r.run

-- name: floor
-- Where a search stops: the anchor of the last run that it may look at.
SELECT r.anchor_us FROM run AS r/* join */ WHERE true/* filter */ ORDER BY r.anchor_us DESC LIMIT 1 OFFSET %s

-- name: labelled
EXISTS (SELECT 1 FROM event AS e WHERE e.task = r.task AND e.data LIKE '%%"labels"%%' AND e.data::jsonb @> %s::jsonb)

-- name: services
SELECT DISTINCT service FROM name WHERE kind = 'job'

-- name: task
SELECT j.service, t.task, j.name, t.state, t.cancelled, t.first_us, t.id
FROM task AS t JOIN name AS j ON j.id = t.job WHERE t.key = %s AND t.service = %s AND t.task = %s

-- name: endings
-- How runs ended, by cell and job: without the histograms, which are most of what a cell weighs.
SELECT r.start_us, j.service, j.name, sum(r.succeeded)::bigint, sum(r.failed + r.timed_out + r.lost)::bigint, sum(r.cancelled)::bigint
FROM cell AS r JOIN name AS j ON j.id = r.job
WHERE r.granularity = %s AND r.start_us >= %s AND r.start_us < %s/* filter */
GROUP BY r.start_us, j.service, j.name

-- name: name_counts
SELECT kind, count(*) FROM name WHERE name != '' GROUP BY kind

-- name: job_names
SELECT service, name FROM name WHERE kind = 'job' AND name != '' ORDER BY service, name

-- name: count_facts
SELECT count(*) FROM event AS e WHERE e.task = %s

-- name: facts
SELECT e.id, e.type, e.time_us, e.service, t.task, e.attempt, e.run, j.name, q.name, w.name, e.boot, e.duration_us,
    e.data, e.hash, e.received_us
FROM event AS e JOIN task AS t ON t.id = e.task LEFT JOIN name AS j ON j.id = e.job
LEFT JOIN name AS q ON q.id = e.queue LEFT JOIN name AS w ON w.id = e.worker
WHERE e.task = %s ORDER BY e.time_us DESC, length(e.id) = 16 DESC, e.id DESC LIMIT %s
