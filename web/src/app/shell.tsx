/** The frame around an environment's pages: menu at the left (tabs below on phones), the box at the right. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { counts, useCounts } from "../data/counts";
import { live, watch } from "../data/live";
import { presence } from "../data/presence";
import { rememberPlace, session } from "../data/session";
import { IconButton } from "../parts/buttons";
import { count } from "../parts/format";
import { Icon, type IconName } from "../parts/icon";
import { envLook, Kbd } from "../parts/marks";
import { type PageName, pageHref, pageOf } from "./address";
import { openHelp, openPalette } from "./overlays";
import { usePlace } from "./place";
import { useCommands } from "./shortcuts";
import { EnvironmentMenu, ProjectMenu } from "./switchers";
import { isDark, setTheme } from "./theme";

interface Item {
  page: PageName;
  label: string;
  icon: IconName;
  key: string;
}

const PROJECT: Item[] = [
  { page: "tasks", label: "Tasks", icon: "tasks", key: "t" },
  { page: "runs", label: "Runs", icon: "runs", key: "r" },
  { page: "test", label: "Test", icon: "play", key: "s" },
];
const MANAGE: Item[] = [{ page: "apikeys", label: "API keys", icon: "keys", key: "k" }];

function NavLinks({ items, current }: { items: Item[]; current: PageName | null }) {
  const place = usePlace();
  return (
    <>
      {items.map(({ page, label, icon }) => (
        <a key={page} href={pageHref(place, page)} aria-current={page === current ? "page" : undefined} title={label}>
          <Icon name={icon} />
          {label}
          {page === "runs" && counts.value !== null && counts.value.active > 0 && (
            <span class="n runc" title="Active runs">
              {count(counts.value.active)}
            </span>
          )}
        </a>
      ))}
    </>
  );
}

const isRunPage = (path: string) => /\/env\/[^/]+\/runs\/[^/]+$/.test(path);

function Health() {
  const isStale = live.value === "stale";
  const words = isStale ? "Box does not answer" : live.value === "live" ? "Healthy" : "Connecting";
  const tone = isStale ? " warn" : live.value === "live" ? "" : " off";
  return (
    <span class="health">
      <span class={`dot${tone}`} />
      <span class="clip">{words}</span>
      <span class="end t3 micro">{session.value?.box.version}</span>
    </span>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const place = usePlace();
  const { path, route } = useLocation();
  const current = pageOf(path);
  const { environment } = place;

  useEffect(() => {
    rememberPlace(place);
    presence.value = null;
    watch(environment.id);
  }, [environment.id]);

  useCounts(environment.id);

  useCommands([
    ...[...PROJECT, ...MANAGE].map(({ page, label, icon, key }) => ({
      title: label,
      group: "Go to" as const,
      keys: [`g ${key}`],
      icon,
      isInPalette: true,
      run: () => route(pageHref(place, page)),
    })),
    {
      title: "Account and tokens",
      group: "Go to",
      keys: ["g a"],
      icon: "user",
      isInPalette: true,
      run: () => route("/account"),
    },
    { title: "Find or do", group: "Everywhere", keys: ["mod+k"], isForFields: true, run: openPalette },
    {
      title: "Keyboard shortcuts",
      group: "Everywhere",
      keys: ["?"],
      icon: "keyboard",
      isInPalette: true,
      run: openHelp,
    },
    {
      title: "Switch between dark and light",
      group: "Everywhere",
      keys: ["shift+t"],
      icon: isDark() ? "sun" : "moon",
      isInPalette: true,
      run: () => setTheme(isDark() ? "light" : "dark"),
    },
  ]);

  return (
    <div class="app">
      <a class="skip btn" href="#main">
        Skip to content
      </a>
      <aside class="side" aria-label="Main menu">
        <ProjectMenu />
        <EnvironmentMenu />
        <button type="button" class="finder" onClick={openPalette}>
          <Icon name="search" />
          <span class="grow">Find or do…</span>
          <Kbd keys="mod+k" />
        </button>
        <nav class="nav" aria-label="Pages">
          <NavLinks items={PROJECT} current={current} />
          <h2>Manage</h2>
          <NavLinks items={MANAGE} current={current} />
        </nav>
        <div class="foot">
          <Health />
          <IconButton icon="keyboard" name="Keyboard shortcuts (?)" onClick={openHelp} />
        </div>
      </aside>
      <main id="main" tabIndex={-1} class={`box ${envLook(environment.slug)}${isRunPage(path) ? " runpage" : ""}`}>
        {children}
      </main>
      <nav class="mtabs" aria-label="Sections">
        {[...PROJECT, ...MANAGE].map(({ page, label, icon }) => (
          <a
            key={page}
            class={`mtab${page === current ? " on" : ""}`}
            href={pageHref(place, page)}
            aria-current={page === current ? "page" : undefined}
          >
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
        <a class="mtab" href="/account">
          <Icon name="user" />
          <span>Account</span>
        </a>
      </nav>
    </div>
  );
}
