/** The home of an environment: all tasks of its current version (development: of the connected worker). */

import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { pageHref, testHref, useSearch } from "../../app/address";
import { Contained } from "../../app/crash";
import { Head } from "../../app/head";
import { usePlace } from "../../app/place";
import { useCommands } from "../../app/shortcuts";
import { api } from "../../data/api";
import { onNews } from "../../data/live";
import { presence } from "../../data/presence";
import { useResource } from "../../data/resource";
import { places } from "../../data/session";
import type { Language, TaskKind, TaskRow, TasksPage } from "../../data/types";
import { CopyButton, IconButton, Segments } from "../../parts/buttons";
import { DevBanner } from "../../parts/dev-banner";
import { SearchField } from "../../parts/fields";
import { named, plain } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { LiveMark, NotLiveBanner } from "../../parts/live-mark";
import { Empty, Failed, FailedBar } from "../../parts/states";
import { Ago } from "../../parts/time";
import { FirstSteps } from "./first-steps";
import { triggerCall } from "./snippets";
import { Legend, TaskTable } from "./table";

const REREAD_MS = 1000;
const KINDS: [TaskKind, string][] = [
  ["standard", "Standard"],
  ["scheduled", "Scheduled"],
  ["agent", "Agents"],
  ["webhook", "Webhooks"],
];

export function matching(tasks: TaskRow[], text: string, kind: string): TaskRow[] {
  const part = text.trim().toLowerCase();
  return tasks.filter(
    (task) =>
      (kind === "all" || task.kind === kind) &&
      (part === "" ||
        [task.id, task.filePath, task.description ?? ""].some((text) => text.toLowerCase().includes(part))),
  );
}

/** Counts change with every run: read the page again, at most once a second. */
function useLiveReload(reload: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onNews((news) => {
      if (timer !== undefined || (news.runs.length === 0 && !news.tasksChanged && !news.isGap)) return;
      timer = setTimeout(() => {
        timer = undefined;
        if (!document.hidden) reload();
      }, REREAD_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [reload]);
}

const TIP = "tb.tip.trigger";

function TipBar({ task }: { task: TaskRow }) {
  const [isShown, setShown] = useState(() => localStorage.getItem(TIP) !== "hidden");
  const [language, setLanguage] = useState<Language>(task.language ?? "typescript");
  if (!isShown) return null;
  const pieces = triggerCall(language, task.id);
  return (
    <section class="tipbar" aria-label="Trigger one from your code">
      <div class="grow">
        <b class="med">Trigger one from your code</b>
        <p class="t3 small mt2">The key of this environment is in API keys.</p>
      </div>
      <Segments
        name="Language"
        value={language}
        options={[
          { value: "typescript", label: "TypeScript" },
          { value: "python", label: "Python" },
        ]}
        onChange={setLanguage}
      />
      <div class="code cmdline w472">
        <span class="clip grow">
          {pieces.map(([kind, text], index) => (
            <span key={index} class={kind}>
              {text}
            </span>
          ))}
        </span>
        <CopyButton text={pieces.map(([, text]) => text).join("")} name="Copy the call" />
      </div>
      <IconButton
        icon="x"
        name="Hide"
        onClick={() => {
          localStorage.setItem(TIP, "hidden");
          setShown(false);
        }}
      />
    </section>
  );
}

function VersionLine({ page }: { page: TasksPage }) {
  if (page.version === null) return null;
  return (
    <>
      <span class="t3 small">Version</span>
      <span class="small num t1">{page.version.version}</span>
      <span class="t3 small">
        <Ago atMs={page.version.createdAtMs} />
      </span>
    </>
  );
}

function List({ page, isLoading }: { page: TasksPage; isLoading: boolean }) {
  const { query, set } = useSearch();
  const search = useRef<HTMLInputElement>(null);
  const text = query.q ?? "";
  const kind = query.kind ?? "all";
  const shown = matching(page.tasks, text, kind);
  useCommands([{ title: "Search this page", group: "Lists", keys: ["/"], run: () => search.current?.focus() }]);
  const kinds = KINDS.map(([value, label]) => ({
    value,
    label,
    count: page.tasks.filter((task) => task.kind === value).length,
  }));
  const several = kinds.filter((one) => one.count > 0).length > 1;
  const [first] = page.tasks;
  return (
    <>
      <div class="bar stay">
        <SearchField
          name="Search tasks and files"
          keys="/"
          value={text}
          inputRef={search}
          onValue={(q) => set({ q })}
        />
        {several && (
          <Segments
            name="Kind of task"
            value={kind}
            onChange={(value) => set({ kind: value === "all" ? null : value })}
            options={[
              {
                value: "all",
                label: (
                  <>
                    All <span class="count">{page.tasks.length}</span>
                  </>
                ),
              },
              ...kinds
                .filter((one) => one.count > 0)
                .map((one) => ({
                  value: one.value,
                  label: (
                    <>
                      {one.label} <span class="count">{one.count}</span>
                    </>
                  ),
                })),
            ]}
          />
        )}
        <span class="end">
          <VersionLine page={page} />
        </span>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Tasks">
        {shown.length === 0 ? (
          <Empty
            icon="search"
            title="No tasks match"
            action={
              <button type="button" class="btn" onClick={() => set({ q: null, kind: null })}>
                Clear
              </button>
            }
          >
            Nothing here is called “<bdi>{plain(text)}</bdi>”.
          </Empty>
        ) : (
          <>
            <TaskTable tasks={shown} isLoading={isLoading} />
            <Legend />
          </>
        )}
      </div>
      {first && <TipBar task={first} />}
    </>
  );
}

function DeployedEmpty() {
  const place = usePlace();
  const dev = places.value.find((other) => other.project.ref === place.project.ref && other.environment.slug === "dev");
  return (
    <Empty
      icon="deploys"
      title={`Nothing is deployed to ${named(place.environment.name)} yet`}
      action={
        dev && (
          <a class="btn primary" href={pageHref(dev, "tasks")}>
            <Icon name="env-dev" />
            Go to Development
          </a>
        )
      }
    >
      Tasks come here with a deployment. Until then, run them on your machine.
    </Empty>
  );
}

export default function Tasks() {
  const place = usePlace();
  const { route } = useLocation();
  const { id, slug } = place.environment;
  const tasks = useResource(id, (signal) => api.tasks(id, signal));
  useLiveReload(tasks.refresh);
  const page = tasks.data.value;
  const error = tasks.error.value;
  useEffect(() => {
    if (page) presence.value = page.presence;
  }, [page]);
  useCommands([
    {
      title: "Test a task",
      group: "This page",
      keys: ["n"],
      icon: "play",
      isInPalette: true,
      run: () => route(testHref(place)),
    },
  ]);

  const isEmpty = page !== null && page.tasks.length === 0;
  const isDevEmpty = isEmpty && slug === "dev";
  const isConnected = presence.value?.isConnected ?? false;
  return (
    <>
      <Head
        title="Tasks"
        count={page && !isEmpty ? page.tasks.length : undefined}
        live={
          isDevEmpty ? (
            <span class="live">
              <span class={`dot${isConnected ? "" : " off"}`} />
              {isConnected ? "Dev process connected" : "No dev process connected"}
            </span>
          ) : (
            <LiveMark />
          )
        }
      >
        {!isEmpty && (
          <a class="btn primary" href={testHref(place)}>
            <Icon name="play" />
            Test a task
          </a>
        )}
      </Head>
      <NotLiveBanner onReload={tasks.reload} />
      {error && page && <FailedBar error={error} onRetry={tasks.reload} />}
      {page && !isEmpty && <DevBanner />}
      <Contained what="The list of tasks">
        {page === null && error ? (
          <Failed what="The list of tasks" error={error} onRetry={tasks.reload} />
        ) : page === null ? (
          <div class="scroll">
            <TaskTable tasks={[]} isLoading />
          </div>
        ) : isDevEmpty ? (
          <div class="scroll" tabIndex={0} role="region" aria-label="First steps">
            <FirstSteps page={page} onLook={tasks.refresh} />
          </div>
        ) : isEmpty ? (
          <div class="scroll" tabIndex={0} role="region" aria-label="Tasks">
            <DeployedEmpty />
          </div>
        ) : (
          <List page={page} isLoading={tasks.isLoading.value} />
        )}
      </Contained>
    </>
  );
}
