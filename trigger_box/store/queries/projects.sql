-- Organizations, members, projects, environments and their root keys.

-- name: insert_organization
INSERT INTO organizations (id, slug, title, created_at_ms) VALUES (:id, :slug, :title, :now_ms);

-- name: organization_slug_taken
SELECT 1 AS taken FROM organizations WHERE slug = :slug;

-- name: insert_member
INSERT INTO members (organization_id, user_id, role, created_at_ms)
VALUES (:organization_id, :user_id, :role, :now_ms)
ON CONFLICT DO NOTHING;

-- name: organizations
SELECT id, slug, title, created_at_ms FROM organizations ORDER BY created_at_ms, id LIMIT :limit;

-- name: organizations_of_user
SELECT o.id, o.slug, o.title, o.created_at_ms FROM members m
  JOIN organizations o ON o.id = m.organization_id
 WHERE m.user_id = :user_id ORDER BY o.created_at_ms, o.id LIMIT :limit;

-- name: members_of_organization
SELECT u.id, u.email, u.name, u.is_admin, m.role FROM members m JOIN users u ON u.id = m.user_id
 WHERE m.organization_id = :organization_id ORDER BY u.created_at_ms, u.id LIMIT :limit;

-- name: insert_project
INSERT INTO projects (id, ref, organization_id, slug, name, created_at_ms)
VALUES (:id, :ref, :organization_id, :slug, :name, :now_ms);

-- name: project_slug_taken
SELECT 1 AS taken FROM projects WHERE organization_id = :organization_id AND slug = :slug;

-- name: rename_project
UPDATE projects SET name = :name WHERE id = :id;

-- name: initialize_project
UPDATE projects SET initialized_at_ms = :now_ms WHERE id = :id AND initialized_at_ms IS NULL;

-- name: project_by_ref
SELECT p.id, p.ref, p.slug, p.name, p.created_at_ms, p.initialized_at_ms,
       o.id AS organization_id, o.slug AS organization_slug, o.title AS organization_title,
       o.created_at_ms AS organization_created_at_ms
  FROM projects p JOIN organizations o ON o.id = p.organization_id WHERE p.ref = :ref;

-- name: project_of_user_by_ref
-- Only if the person is a member of its organization. Served by the UNIQUE index on ref.
SELECT p.id, p.ref, p.slug, p.name, p.created_at_ms, p.initialized_at_ms,
       o.id AS organization_id, o.slug AS organization_slug, o.title AS organization_title,
       o.created_at_ms AS organization_created_at_ms
  FROM projects p JOIN organizations o ON o.id = p.organization_id
  JOIN members m ON m.organization_id = o.id AND m.user_id = :user_id
 WHERE p.ref = :ref;

-- name: project_of_user_by_slugs
-- The project a dashboard link names, only for members.
SELECT p.id, p.ref, p.slug, p.name, p.created_at_ms, p.initialized_at_ms,
       o.id AS organization_id, o.slug AS organization_slug, o.title AS organization_title,
       o.created_at_ms AS organization_created_at_ms
  FROM projects p JOIN organizations o ON o.id = p.organization_id
  JOIN members m ON m.organization_id = o.id AND m.user_id = :user_id
 WHERE o.slug = :organization_slug AND p.slug = :project_slug;

-- name: projects_of_user
-- What a person can see, oldest first. Served by members_by_user.
SELECT p.id, p.ref, p.slug, p.name, p.created_at_ms, p.initialized_at_ms,
       o.id AS organization_id, o.slug AS organization_slug, o.title AS organization_title,
       o.created_at_ms AS organization_created_at_ms
  FROM members m
  JOIN organizations o ON o.id = m.organization_id
  JOIN projects p ON p.organization_id = o.id
 WHERE m.user_id = :user_id ORDER BY p.created_at_ms, p.id LIMIT :limit;

-- name: projects_of_organization
SELECT id, ref FROM projects WHERE organization_id = :organization_id ORDER BY id LIMIT :limit;

-- name: insert_environment
INSERT INTO environments (id, project_id, type, slug, owner_id, concurrency_limit, created_at_ms)
VALUES (:id, :project_id, :type, :slug, :owner_id, :concurrency_limit, :now_ms);

-- name: insert_root_key
INSERT INTO root_keys (environment_id, key_hash, key_sealed, created_at_ms)
VALUES (:environment_id, :key_hash, :key_sealed, :now_ms);

-- name: any_root_key
-- To see at start whether the box's key fits this database.
SELECT environment_id, key_sealed FROM root_keys LIMIT 1;

-- name: root_key
-- Served by the UNIQUE index on key_hash. A rotated key is good until it expires.
SELECT environment_id, expires_at_ms FROM root_keys
 WHERE key_hash = :key_hash AND (expires_at_ms IS NULL OR expires_at_ms > :now_ms);

-- name: keys_in_grace
-- Rotated keys that still verify what they have signed.
SELECT key_sealed FROM root_keys
 WHERE environment_id = :environment_id AND expires_at_ms > :now_ms LIMIT :limit;

-- name: rotate_root_key
-- The current key becomes one that is good for a while yet.
UPDATE root_keys SET expires_at_ms = :expires_at_ms
 WHERE environment_id = :environment_id AND expires_at_ms IS NULL;

-- name: environment
SELECT * FROM environment_facts WHERE id = :id;

-- name: environment_of_branch
-- Served by environments_branch.
SELECT * FROM environment_facts
 WHERE parent_id = :parent_id AND branch_name = :branch_name AND archived_at_ms IS NULL;

-- name: environments_of_project
-- The project's own environments and their living branches, oldest first.
SELECT * FROM environment_facts
 WHERE project_id = :project_id AND archived_at_ms IS NULL ORDER BY id LIMIT :limit;

-- name: environment_of_user
-- The environment a member means by its slug; development is the member's own.
SELECT f.* FROM environment_facts f
  JOIN members m ON m.organization_id = f.organization_id AND m.user_id = :user_id
 WHERE f.project_ref = :project_ref AND f.slug = :slug AND f.parent_id IS NULL
   AND (f.type <> 'DEVELOPMENT' OR f.owner_id = :user_id);

-- name: development_owners
-- Whose development environments a project has.
SELECT owner_id FROM environments
 WHERE project_id = :project_id AND type = 'DEVELOPMENT' AND parent_id IS NULL LIMIT :limit;

-- name: places_of_user
-- Everything a person can go to in the dashboard: organizations, their projects, and of those the
-- person's own development environment and the shared ones. One row each, in the order shown.
SELECT o.slug AS organization_slug, o.title AS organization_title,
       p.ref AS project_ref, p.slug AS project_slug, p.name AS project_name,
       e.id AS environment_id, e.slug AS environment_slug, e.paused
  FROM members m
  JOIN organizations o ON o.id = m.organization_id
  LEFT JOIN projects p ON p.organization_id = o.id
  LEFT JOIN environments e ON e.project_id = p.id AND e.parent_id IS NULL AND e.archived_at_ms IS NULL
        AND (e.owner_id IS NULL OR e.owner_id = :user_id)
 WHERE m.user_id = :user_id
 ORDER BY o.created_at_ms, o.id, p.created_at_ms, p.id,
       CASE e.slug WHEN 'dev' THEN 1 WHEN 'stg' THEN 2 WHEN 'preview' THEN 3 ELSE 4 END
 LIMIT :limit;
