-- name: tokens
SELECT name, digest, scopes, services, created_us, expires_us, revoked_us, used_us FROM token ORDER BY name

-- name: token
SELECT name, digest, scopes, services, created_us, expires_us, revoked_us, used_us FROM token WHERE digest = %s

-- name: has_tokens_beside
SELECT EXISTS (SELECT 1 FROM token WHERE name != %s)

-- name: add_token
INSERT INTO token (name, digest, scopes, services, created_us, expires_us, revoked_us, used_us)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO NOTHING

-- name: named
SELECT name, digest, scopes, services, created_us, expires_us, revoked_us, used_us FROM token WHERE name = %s

-- name: revoke
UPDATE token SET revoked_us = %s WHERE name = %s AND revoked_us IS NULL

-- name: touch
UPDATE token AS t SET used_us = u.used FROM (SELECT %s::text AS name, %s::bigint AS used) AS u
WHERE t.name = u.name AND (t.used_us IS NULL OR t.used_us < u.used)

-- name: sign_in
INSERT INTO signed_in (digest, token, begun_us, expires_us) VALUES (%s, %s, %s, %s)

-- name: signed_in
SELECT s.digest, s.token, s.begun_us, s.expires_us,
    t.name, t.digest, t.scopes, t.services, t.created_us, t.expires_us, t.revoked_us, t.used_us
FROM signed_in AS s JOIN token AS t ON t.name = s.token WHERE s.digest = %s

-- name: sign_out
DELETE FROM signed_in WHERE digest = %s

-- name: forget_signed_in
DELETE FROM signed_in WHERE expires_us <= %s

-- name: begin
INSERT INTO action (time_us, who, origin, what) VALUES (%s, %s, %s, %s) RETURNING number

-- name: end
INSERT INTO action_end (action, time_us, status, before, after) VALUES (%s, %s, %s, %s, %s)

-- name: actions
SELECT a.number, a.time_us, a.who, a.origin, a.what, e.status, e.before, e.after
FROM action AS a LEFT JOIN action_end AS e ON e.action = a.number
WHERE a.number < %s ORDER BY a.number DESC LIMIT %s
