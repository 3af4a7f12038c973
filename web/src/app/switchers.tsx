/** The two menus that say where one is: project (with the account) and environment. */

import { useLocation } from "preact-iso";
import { presence } from "../data/presence";
import { places, session } from "../data/session";
import { Icon, Logo } from "../parts/icon";
import { EnvTag, envIcon, envLook } from "../parts/marks";
import { Menu, MenuItem } from "../parts/menu";
import { signOut } from "./account-actions";
import { pageHref, pageOf } from "./address";
import { usePlace } from "./place";
import { setTheme, type Theme, theme } from "./theme";

const THEMES: { value: Theme; label: string; icon: "moon" | "sun" | "system" }[] = [
  { value: "system", label: "As the system", icon: "system" },
  { value: "dark", label: "Dark", icon: "moon" },
  { value: "light", label: "Light", icon: "sun" },
];

export function ThemeItems({ onSelect }: { onSelect?: () => void }) {
  return (
    <>
      <div class="lab" role="presentation">
        Theme
      </div>
      {THEMES.map(({ value, label, icon }) => (
        <MenuItem
          key={value}
          isOn={theme.value === value}
          onSelect={() => {
            setTheme(value);
            onSelect?.();
          }}
        >
          <Icon name={icon} />
          {label}
        </MenuItem>
      ))}
    </>
  );
}

export function ProjectMenu() {
  const place = usePlace();
  const { organizations, user } = session.value ?? { organizations: [], user: null };
  const label = (
    <>
      <Logo />
      <span class="col grow">
        <span class="clip">
          <b class="med">{place.project.name}</b> <span class="t3">{place.organization.title}</span>
        </span>
      </span>
      <Icon name="chevrons" size={14} class="t3" />
    </>
  );
  return (
    <Menu label={label} look="brand" name="Project and account" prefix="Project and account:" class="projectmenu">
      {(close) => (
        <>
          {organizations.map((organization) => (
            <div key={organization.slug} role="group" aria-label={organization.title}>
              <div class="lab" role="presentation">
                {organization.title}
              </div>
              {organization.projects.map((project) => {
                const environment =
                  project.environments.find((own) => own.slug === place.environment.slug) ?? project.environments[0];
                if (!environment) return null;
                return (
                  <MenuItem
                    key={project.ref}
                    isOn={project.ref === place.project.ref}
                    href={pageHref({ organization, project, environment }, "tasks")}
                    onSelect={close}
                  >
                    <Icon name="dashboards" />
                    <span class="clip">{project.name}</span>
                    <span class="end t3 mono">{project.ref.slice(0, 13)}…</span>
                  </MenuItem>
                );
              })}
            </div>
          ))}
          <div class="rule" role="presentation" />
          <ThemeItems />
          <div class="rule" role="presentation" />
          <div class="lab" role="presentation">
            {user?.email}
          </div>
          <MenuItem href="/account" onSelect={close}>
            <Icon name="user" />
            Account and tokens
          </MenuItem>
          <MenuItem onSelect={signOut}>
            <Icon name="arrow-right" />
            Sign out
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

/** Switching keeps the page and drops the filters, which mean nothing elsewhere. */
export function EnvironmentMenu({ isTile = false }: { isTile?: boolean }) {
  const place = usePlace();
  const { path } = useLocation();
  const { environment } = place;
  const isDev = environment.slug === "dev";
  const label = isTile ? (
    <Icon name={envIcon(environment.slug)} size={14} />
  ) : (
    <>
      <span class="tile">
        <Icon name={envIcon(environment.slug)} />
      </span>
      {environment.name}
      {isDev && <span class={`dot${presence.value?.isConnected ? "" : " off"}`} />}
      <Icon name="chevrons" size={14} />
    </>
  );
  const own = places.value.filter((other) => other.project.ref === place.project.ref);
  return (
    <Menu
      label={label}
      look={isTile ? `tile mob ${envLook(environment.slug)}` : `env ${envLook(environment.slug)}`}
      name={`Environment: ${environment.name}`}
      {...(isTile ? { isIcon: true } : { prefix: "Environment:" })}
      class="envmenu"
    >
      {(close) => (
        <>
          {own.map((other) => (
            <MenuItem
              key={other.environment.id}
              href={pageHref(other, pageOf(path) ?? "tasks")}
              isOn={other.environment.id === environment.id}
              onSelect={close}
            >
              <EnvTag environment={other.environment} />
              {other.environment.isPaused && <span class="t3">paused</span>}
            </MenuItem>
          ))}
        </>
      )}
    </Menu>
  );
}
