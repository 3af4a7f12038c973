-- The box itself, people, their sessions, tokens and sign-in requests.

-- name: insert_box
-- The one row that says what this data folder is; kept if it is there.
INSERT INTO box (id, created_at_ms) VALUES (1, :now_ms) ON CONFLICT (id) DO NOTHING;

-- name: box
SELECT created_at_ms, claimed_at_ms, claim_token_hash FROM box WHERE id = 1;

-- name: offer_claim
-- Replace the claim token of a box that nobody has claimed.
UPDATE box SET claim_token_hash = :token_hash WHERE id = 1 AND claimed_at_ms IS NULL;

-- name: claim
-- Claim with the token. No row changed: wrong token, or claimed already.
UPDATE box SET claimed_at_ms = :now_ms, claim_token_hash = NULL
 WHERE id = 1 AND claimed_at_ms IS NULL AND claim_token_hash = :token_hash;

-- name: claim_locally
-- Claim without the token: the owner of the data folder says so.
UPDATE box SET claimed_at_ms = :now_ms, claim_token_hash = NULL
 WHERE id = 1 AND claimed_at_ms IS NULL;

-- name: insert_user
INSERT INTO users (id, email, name, password_hash, is_admin, created_at_ms)
VALUES (:id, :email, :name, :password_hash, :is_admin, :now_ms);

-- name: user
SELECT id, email, name, is_admin FROM users WHERE id = :id;

-- name: user_by_email
-- Case does not matter in an address (the column's collation). Served by its UNIQUE index.
SELECT id, email, name, is_admin, password_hash FROM users WHERE email = :email;

-- name: first_user
-- Who has the box: the oldest account.
SELECT id, email, name, is_admin FROM users ORDER BY created_at_ms, id LIMIT 1;

-- name: set_password
UPDATE users SET password_hash = :password_hash WHERE id = :id;

-- name: rehash_password
-- Only if it has not been changed since it was read.
UPDATE users SET password_hash = :password_hash WHERE id = :id AND password_hash = :seen_hash;

-- name: make_admin
UPDATE users SET is_admin = 1 WHERE id = :id;

-- name: set_user_name
UPDATE users SET name = :name WHERE id = :id;

-- name: insert_session
INSERT INTO sessions (token_hash, user_id, signed_in_from, created_at_ms, expires_at_ms)
VALUES (:token_hash, :user_id, :signed_in_from, :now_ms, :expires_at_ms);

-- name: session
SELECT s.user_id AS id, u.email, u.name, u.is_admin, s.created_at_ms, s.expires_at_ms
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = :token_hash AND s.expires_at_ms > :now_ms;

-- name: extend_session
UPDATE sessions SET expires_at_ms = :expires_at_ms WHERE token_hash = :token_hash;

-- name: delete_session
DELETE FROM sessions WHERE token_hash = :token_hash;

-- name: delete_other_sessions
-- All sessions of a user but one ('' keeps none). Served by sessions_by_user.
DELETE FROM sessions WHERE user_id = :user_id AND token_hash <> :kept_hash;

-- name: delete_expired_sessions
-- Served by sessions_by_expiry.
DELETE FROM sessions WHERE token_hash IN (
    SELECT token_hash FROM sessions WHERE expires_at_ms <= :now_ms ORDER BY expires_at_ms LIMIT :limit);

-- name: trim_sessions
-- Keep a user's newest sessions. Served by sessions_by_user.
DELETE FROM sessions WHERE token_hash IN (
    SELECT token_hash FROM sessions WHERE user_id = :user_id
     ORDER BY created_at_ms DESC, token_hash LIMIT -1 OFFSET :keep);

-- name: insert_token
INSERT INTO personal_access_tokens (id, user_id, name, token_hash, hint, is_cli, created_at_ms)
VALUES (:id, :user_id, :name, :token_hash, :hint, :is_cli, :now_ms);

-- name: token_user
-- Served by the UNIQUE index on token_hash.
SELECT u.id, u.email, u.name, u.is_admin, t.id AS token_id, t.last_used_at_ms
  FROM personal_access_tokens t JOIN users u ON u.id = t.user_id
 WHERE t.token_hash = :token_hash AND t.revoked_at_ms IS NULL;

-- name: touch_token
UPDATE personal_access_tokens SET last_used_at_ms = :now_ms WHERE id = :id;

-- name: tokens_of_user
SELECT id, name, hint, is_cli, created_at_ms, last_used_at_ms FROM personal_access_tokens
 WHERE user_id = :user_id AND revoked_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC LIMIT :limit;

-- name: count_tokens_of_user
SELECT count(*) AS tokens FROM personal_access_tokens WHERE user_id = :user_id AND revoked_at_ms IS NULL;

-- name: revoke_token
UPDATE personal_access_tokens SET revoked_at_ms = :now_ms
 WHERE id = :id AND user_id = :user_id AND revoked_at_ms IS NULL;

-- name: delete_expired_authorizations
DELETE FROM authorization_codes WHERE code_hash IN (
    SELECT code_hash FROM authorization_codes WHERE expires_at_ms <= :now_ms
     ORDER BY expires_at_ms LIMIT :limit);

-- name: count_authorizations
SELECT count(*) AS codes FROM authorization_codes;

-- name: insert_authorization
INSERT INTO authorization_codes
       (code_hash, state, code_challenge, requested_by, address, created_at_ms, expires_at_ms)
VALUES (:code_hash, 'PENDING', :code_challenge, :requested_by, :address, :now_ms, :expires_at_ms);

-- name: authorization
SELECT state, user_id, code_challenge, requested_by, address, created_at_ms, expires_at_ms
  FROM authorization_codes WHERE code_hash = :code_hash AND expires_at_ms > :now_ms;

-- name: decide_authorization
-- Only once: a code that was approved, denied or used stays so.
UPDATE authorization_codes SET state = :state, user_id = :user_id
 WHERE code_hash = :code_hash AND state = 'PENDING' AND expires_at_ms > :now_ms;

-- name: use_authorization
UPDATE authorization_codes SET state = 'USED' WHERE code_hash = :code_hash AND state = 'APPROVED';
