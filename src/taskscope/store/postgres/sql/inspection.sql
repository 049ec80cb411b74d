-- name: look
SELECT
    coalesce((SELECT value FROM meta WHERE key = 'mark'), 0),
    coalesce((SELECT max(anchor_us) FROM run), 0),
    coalesce((SELECT received_us FROM event ORDER BY seq DESC LIMIT 1), 0),
    coalesce((SELECT sum(skewed) FROM cell WHERE granularity = 2 AND start_us >= %(since)s), 0)::bigint
