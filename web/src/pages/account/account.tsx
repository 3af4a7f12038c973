/** The account: who one is, how the dashboard looks, the password, and the personal access tokens. */

import { useEffect } from "preact/hooks";
import { signOut } from "../../app/account-actions";
import { pageHref } from "../../app/address";
import { useTitle } from "../../app/head";
import Help from "../../app/help";
import { openHelp, overlay } from "../../app/overlays";
import { useCommands } from "../../app/shortcuts";
import { setTheme, type Theme, theme } from "../../app/theme";
import { watch } from "../../data/live";
import { homePlace, session } from "../../data/session";
import { IconButton, Segments } from "../../parts/buttons";
import { Icon, Logo } from "../../parts/icon";
import { Password } from "./password";
import { Tokens } from "./tokens";

const THEMES: { value: Theme; label: string }[] = [
  { value: "system", label: "System" },
  { value: "dark", label: "Dark" },
  { value: "light", label: "Light" },
];

function Side() {
  const home = homePlace();
  return (
    <aside class="side" aria-label="Settings menu">
      <a class="brand" href="/">
        <Logo />
        <span class="col grow">
          <b class="med clip">trigger-box</b>
        </span>
      </a>
      {home && (
        <a class="back" href={pageHref(home, "tasks")}>
          <Icon name="arrow-left" />
          <span>
            Back to <bdi>{home.project.name}</bdi>
          </span>
        </a>
      )}
      <nav class="nav" aria-label="Settings">
        <h2>You</h2>
        <a href="/account" aria-current="page" title="Account and tokens">
          <Icon name="user" />
          Account and tokens
        </a>
      </nav>
      <div class="foot">
        <span class="health">
          <span class="clip t3">{session.value?.box.version}</span>
        </span>
        <IconButton icon="keyboard" name="Keyboard shortcuts (?)" onClick={openHelp} />
      </div>
    </aside>
  );
}

export default function Account() {
  useTitle("Account and tokens");
  const user = session.value?.user;
  // No environment is shown here, so none is followed.
  useEffect(() => watch(null), []);
  useCommands([{ title: "Keyboard shortcuts", group: "Everywhere", keys: ["?"], run: openHelp }]);
  if (!user) return null;
  const home = homePlace();
  return (
    <div class="app">
      <Side />
      <main id="main" tabIndex={-1} class="box e-none">
        <header class="head">
          {home && (
            <a class="btn icon ghost mob" href={pageHref(home, "tasks")} aria-label={`Back to ${home.project.name}`}>
              <Icon name="arrow-left" />
            </a>
          )}
          <h1>Account and tokens</h1>
        </header>
        <div class="scroll" tabIndex={0} role="region" aria-label="Settings">
          <div class="set">
            <section class="setsec">
              <h2>You</h2>
              <div class="panel">
                <div class="srow">
                  <span class="col">
                    <b class="med">{user.name || user.email}</b>
                    {user.name !== "" && user.name !== user.email && <span class="st3">{user.email}</span>}
                  </span>
                  <span class="end">
                    <button type="button" class="btn" onClick={signOut}>
                      Sign out
                    </button>
                  </span>
                </div>
                <div class="srow">
                  <span class="col">
                    <b class="med">Theme</b>
                    <span class="st3">Kept in this browser.</span>
                  </span>
                  <span class="end">
                    <Segments name="Theme" value={theme.value} options={THEMES} onChange={setTheme} />
                  </span>
                </div>
                <Password />
              </div>
            </section>
            <Tokens />
          </div>
        </div>
      </main>
      {overlay.value === "help" && <Help />}
    </div>
  );
}
