"""The front of this room: who may do what on this box. Each method is one line into its module."""

from __future__ import annotations

import hmac
from pathlib import Path

from trigger_box.access.actors import (
    Authorization,
    Environment,
    Member,
    NewPersonalToken,
    NewProject,
    NewSession,
    Organization,
    PersonalToken,
    PlacedOrganization,
    Project,
    Session,
    User,
)
from trigger_box.access.attempts import PER_ADDRESS, Attempts, source_of
from trigger_box.access.authorizations import Authorizations
from trigger_box.access.directory import Directory
from trigger_box.access.environment_tokens import EnvironmentTokens
from trigger_box.access.keyring import Keyring
from trigger_box.access.organizations import Organizations
from trigger_box.access.passwords import Cost, Passwords
from trigger_box.access.people import People
from trigger_box.access.projects import Projects
from trigger_box.access.public_tokens import HANDLE_LIFETIME_S, PublicToken
from trigger_box.access.sessions import Sessions
from trigger_box.access.tokens import Tokens
from trigger_box.clock import Clock
from trigger_box.domain.errors import UnclaimedError
from trigger_box.ids import EnvironmentId, IdSource, OrganizationId, ProjectId
from trigger_box.store.store import Store


class Access:
    """Accounts, projects, environments, keys and tokens of one box. Made by ``open_access``."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdSource,
        keyring: Keyring,
        *,
        password_cost: Cost | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._attempts = Attempts(clock)
        self._passwords = Passwords(password_cost)
        self._directory = Directory(store, keyring, clock, ids)
        self._organizations = Organizations(store, clock, ids, self._directory)
        self._projects = Projects(
            store, clock, ids, directory=self._directory, organizations=self._organizations
        )
        self._environment_tokens = EnvironmentTokens(self._directory, keyring, clock)
        self._tokens = Tokens(store, clock, ids)
        self._sessions = Sessions(store, keyring, clock)
        self._authorizations = Authorizations(store, clock, self._tokens)
        self._people = People(
            store,
            clock,
            ids,
            organizations=self._organizations,
            sessions=self._sessions,
            passwords=self._passwords,
            attempts=self._attempts,
        )

    async def open(self) -> None:
        """Check the keys against the database and read whether the box is claimed.

        Raises:
            KeyFileError: the box key is not the one that sealed this database's root keys.
        """
        await self._directory.check_key_file()
        await self._people.open()

    def close(self) -> None:
        """End the thread that hashes passwords."""
        self._passwords.close()

    # ------------------------------------------------------------ the box

    @property
    def is_claimed(self) -> bool:
        """Return whether the box has an owner. Until then, only claiming is answered."""
        return self._people.is_claimed

    @property
    def local_owner_token(self) -> str:
        """Return the secret that proves access to the data folder."""
        return self._keyring.local_owner_token

    def is_local_owner(self, token: str) -> bool:
        """Return whether ``token`` proves access to the data folder."""
        return hmac.compare_digest(token.encode(), self._keyring.local_owner_token.encode())

    async def offer_claim(self) -> str | None:
        """Return a fresh claim token, from now on the only valid one; None once claimed."""
        return await self._people.offer_claim()

    async def is_claim_token(self, token: str, *, address: str) -> bool:
        """Return whether this is the claim token of a box that nobody has claimed."""
        return await self._people.is_claim_token(token, address=address)

    async def claim(
        self, token: str, email: str, password: str, *, name: str | None = None, address: str
    ) -> User:
        """Make the first account with the claim token. See ``People.claim``."""
        return await self._people.claim(
            token, email=email, password=password, name=name, address=address
        )

    # ------------------------------------------------------------ people

    async def put_admin(
        self, email: str, *, password: str | None, name: str | None = None
    ) -> tuple[User, bool]:
        """Make sure there is such an administrator. See ``People.put_admin``."""
        user, was_created = await self._people.put_admin(email, password=password, name=name)
        self._forget_people()
        return user, was_created

    async def create_user(
        self, email: str, *, password: str | None, name: str | None = None
    ) -> User:
        """Return an administrator with this address, made if need be."""
        user, _ = await self.put_admin(email, password=password, name=name)
        return user

    async def user_by_email(self, email: str) -> User:
        """Return the account with this address. Raises UserNotFoundError."""
        return await self._people.user_by_email(email)

    async def set_name(self, user: User, name: str) -> bool:
        """Give an account a name; return whether that changed anything."""
        changed = await self._people.set_name(user, name)
        self._forget_people()
        return changed

    async def change_password(
        self, user: User, *, current: str, password: str, address: str, cookie: str
    ) -> None:
        """Give a signed-in person another password. See ``People.change_password``."""
        await self._people.change_password(
            user, current=current, password=password, address=address, cookie=cookie
        )

    # ------------------------------------------------------------ browsers

    async def sign_in(
        self, email: str, password: str, *, address: str, signed_in_from: str | None = None
    ) -> NewSession:
        """Begin a session for whoever has this password. See ``People.check_password``."""
        user = await self._people.check_password(email, password, address=address)
        return await self._sessions.begin(user, signed_in_from=signed_in_from)

    async def begin_session(self, user: User, *, signed_in_from: str | None = None) -> NewSession:
        """Begin a session for somebody who has just proved who they are (a claim)."""
        return await self._sessions.begin(user, signed_in_from=signed_in_from)

    async def user_of_session(self, cookie: str) -> Session:
        """Return the session of a cookie. Raises SessionEndedError."""
        return await self._sessions.of_cookie(cookie)

    async def sign_out(self, cookie: str) -> None:
        """End a session."""
        await self._sessions.end(cookie)

    # ------------------------------------------------------------ tokens of people

    async def user_of_token(self, token: str) -> User:
        """Return whose personal access token this is. Raises TokenRefusedError."""
        return await self._tokens.user_of(token)

    async def create_token(self, user: User, name: str) -> NewPersonalToken:
        """Make a personal access token; its text is told only here."""
        return await self._tokens.create(user, name)

    async def tokens_of(self, user: User) -> list[PersonalToken]:
        """Return a user's personal access tokens, newest first."""
        return await self._tokens.list(user)

    async def revoke_token(self, user: User, token_id: str) -> None:
        """Revoke a user's own token. Raises TokenNotFoundError."""
        await self._tokens.revoke(user, token_id)

    # ------------------------------------------------------------ command lines that sign in

    async def begin_authorization(
        self, *, code_challenge: str | None, requested_by: str | None, address: str
    ) -> str:
        """Note that a command line asks to sign in; return the code. See ``Authorizations``."""
        self._attempts.take({f"authorization {source_of(address)}": PER_ADDRESS})
        return await self._authorizations.begin(
            code_challenge=code_challenge, requested_by=requested_by, address=address
        )

    async def authorization(self, code: str) -> Authorization:
        """Return a request, for the page that asks. Raises AuthorizationNotFoundError."""
        return await self._authorizations.get(code)

    async def approve_authorization(self, code: str, user: User) -> None:
        """Let the command line that asked sign in as ``user``."""
        await self._authorizations.approve(code, user)

    async def deny_authorization(self, code: str, user: User) -> None:
        """Turn the command line away."""
        await self._authorizations.deny(code, user)

    async def exchange_authorization(
        self, code: str, *, code_verifier: str | None
    ) -> NewPersonalToken | None:
        """Return a token for an approved request, once; None while nobody has decided."""
        return await self._authorizations.exchange(code, code_verifier=code_verifier)

    # ------------------------------------------------------------ organizations and projects

    async def organizations_of(self, user: User) -> list[Organization]:
        """Return the organizations of a user, oldest first."""
        return await self._organizations.of(user)

    async def places_of(self, user: User) -> list[PlacedOrganization]:
        """Return where a person can go in the dashboard, in the order shown."""
        return await self._projects.places_of(user)

    async def members_of(self, organization_id: OrganizationId) -> list[Member]:
        """Return an organization's members."""
        return await self._organizations.members_of(organization_id)

    async def create_organization(self, user: User, title: str) -> Organization:
        """Make an organization owned by ``user``."""
        return await self._organizations.create(user, title)

    async def projects_of(self, user: User) -> list[Project]:
        """Return the projects a user can see, oldest first."""
        return await self._projects.projects_of(user)

    async def project(self, ref: str, *, user: User | None = None) -> Project:
        """Return a project; with ``user``, only one this person can see."""
        return await self._projects.project(ref, user=user)

    async def project_at(self, user: User, *, organization_slug: str, project_slug: str) -> Project:
        """Return the project that a dashboard link names. Raises ProjectNotFoundError."""
        return await self._projects.project_at(
            user, organization_slug=organization_slug, project_slug=project_slug
        )

    async def create_project(
        self, user: User, *, name: str, organization: str | None = None
    ) -> NewProject:
        """Make a project with its environments and keys.

        Args:
            user: a member of the organization.
            name: what people call it.
            organization: id or slug; None means the user's oldest one.

        Raises:
            InvalidError: the name is none.
            LimitError: there are too many.
            OrganizationNotFoundError: there is none, or not this person's to see.
        """
        return await self._projects.create_project(user, organization=organization, name=name)

    async def create_project_for(self, email: str | None, *, name: str) -> NewProject:
        """Make a project on the owner's word: for an account, or for the oldest one.

        Raises:
            InvalidError: the name is none.
            LimitError: there are too many.
            UnclaimedError: the box has no account.
            UserNotFoundError: there is no such account.
        """
        user = await self._people.first() if email is None else await self.user_by_email(email)
        if user is None:
            raise UnclaimedError(
                "This box has no account yet. "
                "Make one: trigger-box admin create --email you@example.com."
            )
        return await self.create_project(user, name=name)

    async def rename_project(self, user: User, ref: str, name: str) -> Project:
        """Give a project another name; its ref and its links stay."""
        return await self._projects.rename_project(user, ref, name)

    async def initialize_project(self, user: User, ref: str) -> Project:
        """Note that a folder was set up for a project; the first time counts."""
        return await self._projects.initialize_project(user, ref)

    # ------------------------------------------------------------ environments and keys

    async def environment_of_key(self, key: str, *, branch: str | None = None) -> Environment:
        """Return the environment that a root key opens. Raises UnauthenticatedError."""
        return await self._directory.of_key(key, branch=branch)

    async def environment(self, environment_id: EnvironmentId) -> Environment:
        """Return an environment by its id. Raises EnvironmentNotFoundError."""
        return await self._directory.by_id(environment_id)

    async def environment_for(self, user: User, project_ref: str, slug: str) -> Environment:
        """Return the environment that a member means; ``dev`` is the member's own."""
        return await self._directory.of_user(user, project_ref, slug)

    async def environments_of(self, project_id: ProjectId) -> list[Environment]:
        """Return a project's environments and living branches, all members' dev ones included."""
        return await self._directory.of_project(project_id)

    def root_key(self, environment: Environment) -> str:
        """Return an environment's root key; a branch has its parent's."""
        return self._directory.root_key(environment)

    async def rotate_root_key(self, environment: Environment) -> str:
        """Give an environment a new root key; return it. The one before is good for a day yet."""
        return await self._directory.rotate(environment)

    # ------------------------------------------------------------ tokens of environments

    def public_claims(
        self, environment: Environment, scopes: list[str], **claims: object
    ) -> dict[str, object]:
        """Return what ``x-trigger-jwt-claims`` says: the claims of a token, without its times."""
        return self._environment_tokens.claims(environment, scopes, claims)

    def public_token(
        self,
        environment: Environment,
        scopes: list[str],
        *,
        lifetime_s: int = HANDLE_LIFETIME_S,
        **claims: object,
    ) -> str:
        """Return a public access token for ``x-trigger-jwt``."""
        return self._environment_tokens.public(
            environment, scopes, lifetime_s=lifetime_s, extra=claims
        )

    async def verify_public_token(self, token: str) -> PublicToken:
        """Return what a public access token says, once checked. Raises PublicTokenError."""
        return await self._environment_tokens.verify_public(token)

    def otlp_token(self, environment_id: EnvironmentId) -> str:
        """Return the token that lets workers of an environment send spans and logs."""
        return self._environment_tokens.otlp(environment_id)

    def environment_of_otlp_token(self, token: str) -> EnvironmentId:
        """Return whose telemetry token this is. Raises OtlpTokenError."""
        return self._environment_tokens.environment_of_otlp(token)

    def signature(self, purpose: str, text: str) -> str:
        """Return a MAC by which this box knows ``text`` again: for signed addresses."""
        return self._keyring.mac(purpose, text)

    def _forget_people(self) -> None:
        self._tokens.forget()
        self._sessions.forget()


async def open_access(
    store: Store,
    clock: Clock,
    ids: IdSource,
    keys_folder: Path,
    *,
    password_cost: Cost | None = None,
) -> Access:
    """Open this room on an open store.

    Args:
        store: the open store.
        clock: where the present comes from.
        ids: where new ids come from.
        keys_folder: ``<data>/keys``; its files are made on first start.
        password_cost: how hard one guess is; tests take a light one.

    Raises:
        KeyFileError: a key file can't be used, or is not this database's.
    """
    access = Access(store, clock, ids, Keyring.open(keys_folder), password_cost=password_cost)
    try:
        await access.open()
    except BaseException:
        access.close()
        raise
    return access
