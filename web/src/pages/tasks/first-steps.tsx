/** No tasks yet: three steps with the commands to type, the current one marked; it changes by itself. */

import { useEffect, useState } from "preact/hooks";
import { pageHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { presence } from "../../data/presence";
import { places, session } from "../../data/session";
import type { Language, TasksPage } from "../../data/types";
import { CopyButton, Segments } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { Ago } from "../../parts/time";
import { firstSteps, INSTALLERS, type Installer, type Step } from "./snippets";

export function CommandLine({ command }: { command: string }) {
  return (
    <div class="code cmdline">
      <span class="cp" aria-hidden="true">
        $
      </span>
      <code class="grow line" tabIndex={0}>
        {command}
      </code>
      <CopyButton text={command} name={`Copy: ${command}`} />
    </div>
  );
}

interface StepProps {
  number: number;
  step: Step;
  state: "done" | "now" | "later";
  hint: preact.ComponentChildren;
}

function StepItem({ number, step, state, hint }: StepProps) {
  return (
    <li class={`step ${state}`} aria-current={state === "now" ? "step" : undefined}>
      <span class="no">{state === "done" ? <Icon name="check" size={14} /> : number}</span>
      <div class="grow stack g4">
        <h3>
          {step.title}
          {state === "done" && <span class="vh"> (done)</span>}
        </h3>
        {step.commands.map((command) => (
          <CommandLine key={command} command={command} />
        ))}
        {hint}
      </div>
    </li>
  );
}

const LOOK_MS = 3000;

/** `onLook`: read the page again. Signing in from a terminal is no change of this environment, so no news of it comes. */
export function FirstSteps({ page, onLook }: { page: TasksPage; onLook: () => void }) {
  const place = usePlace();
  const { project } = place;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) onLook();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [onLook]);
  const [language, setLanguage] = useState<Language>("typescript");
  const [installer, setInstaller] = useState<Installer>("npm");
  const steps = firstSteps(language, installer, session.value?.box.apiUrl ?? "", project.ref);
  const isConnected = presence.value?.isConnected ?? page.presence.isConnected;
  const isIn = page.lastSignInByCliAtMs !== null || isConnected;
  const done = [isIn, page.isInitialized || isConnected, false];
  const now = done.indexOf(false);
  const production = places.value.find(
    (other) => other.project.ref === project.ref && other.environment.slug === "prod",
  );
  const hints = [
    isIn && page.lastSignInByCliAtMs !== null ? (
      <p class="hint">
        Logged in as {session.value?.user?.email}, <Ago atMs={page.lastSignInByCliAtMs} />.
      </p>
    ) : (
      <p class="hint">{steps[0]?.hint}</p>
    ),
    <p key="init" class="hint">
      {steps[1]?.hint}
    </p>,
    <p key="dev" class="hint row g3" role="status">
      <span class={`dot pulse${isConnected ? "" : " off"}`} />
      {isConnected ? "Connected, waiting for its tasks." : "Waiting for a connection. This page changes by itself."}
    </p>,
  ];
  return (
    <div class="start">
      <h2>Run your first task</h2>
      <p class="t2">
        Tasks are functions in your own repository. In development they run on your machine, and this page shows them as
        soon as the dev command is connected.
      </p>
      <div class="row g5 wrapx choose">
        <Segments
          name="Language"
          value={language}
          options={[
            { value: "typescript", label: "TypeScript" },
            { value: "python", label: "Python" },
          ]}
          onChange={(next) => {
            setLanguage(next);
            setInstaller(INSTALLERS[next][0] as Installer);
          }}
        />
        <Segments
          name="Package manager"
          value={installer}
          options={INSTALLERS[language].map((value) => ({ value, label: value }))}
          onChange={setInstaller}
        />
      </div>
      <ol class="steps">
        {steps.map((step, index) => (
          <StepItem
            key={step.title}
            number={index + 1}
            step={step}
            state={done[index] ? "done" : index === now ? "now" : "later"}
            hint={hints[index]}
          />
        ))}
      </ol>
      <p class="t3 small mt20">
        {production && (
          <>
            Already deployed? Switch to{" "}
            <a class="link" href={pageHref(production, "tasks")}>
              Production
            </a>
            .{" "}
          </>
        )}
        The key of this environment is in{" "}
        <a class="link" href={pageHref(place, "apikeys")}>
          API keys
        </a>
        .
      </p>
    </div>
  );
}
