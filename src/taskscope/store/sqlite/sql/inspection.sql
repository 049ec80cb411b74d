-- name: look
SELECT
    (SELECT value FROM meta WHERE key = 'mark'),
    (SELECT max(anchor_us) FROM run),
    (SELECT received_us FROM event ORDER BY seq DESC LIMIT 1),
    (SELECT sum(skewed) FROM cell WHERE granularity = 2 AND start_us >= :since);
