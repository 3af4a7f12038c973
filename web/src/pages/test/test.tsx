/** Start a run by hand: payload with the help of the task's schema, options, recent payloads to take over. */

import { useEffect, useId, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { pageHref, runHref, runsHref, testHref } from "../../app/address";
import { Contained } from "../../app/crash";
import { Head, useTitle } from "../../app/head";
import { usePlace } from "../../app/place";
import { useCommands } from "../../app/shortcuts";
import { EnvironmentMenu } from "../../app/switchers";
import { ApiError, api } from "../../data/api";
import { boxNow } from "../../data/clock";
import { presence } from "../../data/presence";
import { useResource } from "../../data/resource";
import { places } from "../../data/session";
import type { TaskPage } from "../../data/types";
import { DevBanner, useIsDevGone } from "../../parts/dev-banner";
import { Dialog } from "../../parts/dialog";
import { type Draft, NO_OPTIONS, optionFaults, problemsOf, testBody } from "../../parts/draft/draft";
import { OptionsForm } from "../../parts/draft/options-form";
import { PayloadPanel } from "../../parts/draft/payload-panel";
import { named, plural, short } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { pretty } from "../../parts/json/parse";
import { asSchema, example } from "../../parts/json/schema";
import { JsonView } from "../../parts/json/view";
import { Description, EnvTag, envIcon, FilePath, Kbd, KindIcon, Lang, RunId } from "../../parts/marks";
import { Menu, MenuItem } from "../../parts/menu";
import { Empty, Failed, SkeletonLines } from "../../parts/states";
import { StatusGlyph } from "../../parts/status";

const PREVIEW_MAX = 60;

function firstDraft(task: TaskPage): Draft {
  const schema = asSchema(task.payloadSchema);
  const payload = schema ? JSON.stringify(example(schema), null, 2) : "{}";
  return { payload, metadata: "", options: NO_OPTIONS, tags: [] };
}

function Where() {
  const place = usePlace();
  const { environment } = place;
  const { params } = useRoute();
  const staging = places.value.find(
    (other) => other.project.ref === place.project.ref && other.environment.slug === "stg",
  );
  const words: Record<string, string> = {
    dev: "On the machine where the dev process is connected.",
    stg: "With the variables and keys of staging.",
    preview: "With the variables and keys of this preview.",
    prod: "It uses live variables and keys.",
  };
  return (
    <div class="where">
      <Icon name={envIcon(environment.slug)} />
      <div class="grow">
        <b>This runs in {environment.name}.</b> <span>{words[environment.slug]}</span>
      </div>
      {environment.slug === "prod" && staging && (
        <a class="btn sm" href={testHref(staging, params.task)}>
          Run in Staging instead
        </a>
      )}
    </div>
  );
}

function TaskMenu({ current }: { current: TaskPage }) {
  const place = usePlace();
  const tasks =
    useResource(place.environment.id, (signal) => api.tasks(place.environment.id, signal)).data.value?.tasks ?? [];
  return (
    <Menu
      label={
        <>
          <b class="bold clip">{current.id}</b>
          <Lang language={current.language} />
          <Icon name="chevron-down" size={14} />
        </>
      }
      look="btn ghost taskpick"
      name={`Task: ${current.id}`}
      prefix="Task:"
    >
      {(close) =>
        tasks.map((task) => (
          <MenuItem key={task.id} href={testHref(place, task.id)} isOn={task.id === current.id} onSelect={close}>
            <KindIcon kind={task.kind} />
            <span class="clip">{task.id}</span>
          </MenuItem>
        ))
      }
    </Menu>
  );
}

function Recent({ task, onTake }: { task: TaskPage; onTake: (payload: string) => void }) {
  return (
    <aside class="pane p264" aria-label="Recent runs">
      <div class="tabs">
        <h2 class="panetitle">Recent payloads</h2>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Recent payloads">
        {task.recent.length === 0 ? (
          <p class="t3 small pad16">The payloads of the last runs of this task show here, to run again.</p>
        ) : (
          <ul class="rec">
            {task.recent.map(({ run, payload }) => (
              <li key={run.id}>
                <button
                  type="button"
                  disabled={payload.text === null || payload.isPartial}
                  title="Take over this payload"
                  onClick={() => onTake(pretty(payload.text ?? ""))}
                >
                  <span class="row g3">
                    <StatusGlyph status={run.status} />
                    <RunId id={run.id} class="cut mono" />
                    <span class="end t3 small num">{short(boxNow() - run.createdAtMs)}</span>
                  </span>
                  <span class="mono t3 clip">
                    {payload.text === null
                      ? "kept outside the database"
                      : payload.text.slice(0, PREVIEW_MAX) || "no payload"}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </aside>
  );
}

/** In production a second click says that it is meant. */
function ConfirmProduction({ task, onClose, onConfirm }: { task: string; onClose: () => void; onConfirm: () => void }) {
  const { environment } = usePlace();
  return (
    <Dialog
      title={`Run ${named(task)} in ${named(environment.name)}?`}
      name={`Run ${named(task)} in ${named(environment.name)}?`}
      onClose={onClose}
      onConfirm={onConfirm}
    >
      <div class="db">
        <p class="mb12">It runs at once, with live variables and keys.</p>
        <EnvTag environment={environment} />
      </div>
      <div class="df">
        <span class="end row">
          <button type="button" class="btn" autofocus onClick={onClose}>
            Not now
          </button>
          <button type="button" class="btn primary" onClick={onConfirm}>
            <Icon name="play" />
            Run it
            <Kbd keys="mod+enter" />
          </button>
        </span>
      </div>
    </Dialog>
  );
}

function Editor({ task }: { task: TaskPage }) {
  const place = usePlace();
  const { route } = useLocation();
  const noteId = useId();
  const { environment } = place;
  const [draft, setDraft] = useState<Draft>(() => firstDraft(task));
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [isSchemaShown, setSchemaShown] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const schema = asSchema(task.payloadSchema);
  const faults = Object.keys(optionFaults(draft.options)).length;
  const problems = [...problemsOf("payload", draft.payload, schema), ...problemsOf("metadata", draft.metadata, null)];
  const wrong = problems.length + faults;

  const run = async () => {
    setAsking(false);
    setBusy(true);
    setError(null);
    try {
      const { id } = await api.test(environment.id, task.id, testBody(draft));
      route(runHref(place, id));
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };
  const ask = () => {
    if (wrong > 0 || isBusy) return;
    if (environment.slug === "prod") setAsking(true);
    else run();
  };
  useCommands([
    { title: `Run in ${environment.name}`, group: "This page", keys: ["mod+enter"], isForFields: true, run: ask },
  ]);

  return (
    <>
      <div class="split testpage">
        <div class="main">
          <PayloadPanel
            draft={draft}
            onDraft={setDraft}
            schema={schema}
            schemaName={schema ? (task.version ?? "the task") : null}
            problems={problems}
            onShowSchema={() => setSchemaShown(true)}
          />
        </div>
        <section class="opts" aria-label="Options">
          <OptionsForm draft={draft} onDraft={setDraft} task={task} isDev={environment.slug === "dev"} />
        </section>
        <Recent task={task} onTake={(payload) => setDraft({ ...draft, payload })} />
      </div>
      <div class="foot-bar testfoot">
        {error ? (
          <span class="row g3 bad" role="alert">
            <Icon name="st-failed" />
            {error.message}
          </span>
        ) : (
          <>
            {wrong > 0 && (
              <span class="row g3 bad nowrap" id={noteId}>
                <Icon name="errors" />
                Fix {plural(wrong, "problem")} to run
              </span>
            )}
            <span class="t3 clip">Payloads are kept with the run. Don’t paste secrets.</span>
          </>
        )}
        <span class="end row g3">
          <button type="button" class="btn ghost" onClick={() => setDraft(firstDraft(task))}>
            Reset
          </button>
          <button
            type="button"
            class="btn primary"
            disabled={wrong > 0 || isBusy}
            aria-describedby={wrong > 0 ? noteId : undefined}
            onClick={ask}
          >
            <Icon name="play" />
            Run in {environment.name}
            <Kbd keys="mod+enter" />
          </button>
        </span>
      </div>
      {isAsking && <ConfirmProduction task={task.id} onClose={() => setAsking(false)} onConfirm={run} />}
      {isSchemaShown && (
        <Dialog
          title="Schema of the payload"
          name="Schema of the payload"
          class="d640"
          onClose={() => setSchemaShown(false)}
        >
          <div class="db scroll" tabIndex={0} role="region" aria-label="Schema">
            <JsonView value={schema} name="Schema" />
          </div>
        </Dialog>
      )}
    </>
  );
}

/** `/test` without a task: choose one. */
function ChooseTask() {
  const place = usePlace();
  const tasks = useResource(place.environment.id, (signal) => api.tasks(place.environment.id, signal));
  const page = tasks.data.value;
  useEffect(() => {
    if (page) presence.value = page.presence;
  }, [page]);
  return (
    <>
      <Head title="Test" />
      <Where />
      <div class="scroll" tabIndex={0} role="region" aria-label="Tasks to test">
        {page === null && tasks.error.value && (
          <Failed what="The list of tasks" error={tasks.error.value} onRetry={tasks.reload} />
        )}
        {page === null && !tasks.error.value && <SkeletonLines lines={8} />}
        {page?.tasks.length === 0 && (
          <Empty
            icon="play"
            title="Nothing to test yet"
            action={
              <a class="btn primary" href={pageHref(place, "tasks")}>
                See the first steps
              </a>
            }
          >
            There are no tasks in this environment.
          </Empty>
        )}
        {page && page.tasks.length > 0 && (
          <ul class="picks" aria-label="Tasks">
            {page.tasks.map((task) => (
              <li key={task.id}>
                <a class="row g3" href={testHref(place, task.id)}>
                  <KindIcon kind={task.kind} />
                  <span class="task clip" title={task.id}>
                    {task.id}
                  </span>
                  <Lang language={task.language} />
                  <Description text={task.description} />
                  <span class="end row g3">
                    <FilePath path={task.filePath} />
                    <Icon name="chevron-right" class="t3" />
                  </span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

function TestOne({ id }: { id: string }) {
  const place = usePlace();
  const facts = useResource(id, (signal) => api.task(place.environment.id, id, signal));
  const task = facts.data.value;
  const error = facts.error.value;
  const isDevGone = useIsDevGone();
  useTitle(`Test ${id}`);
  return (
    <>
      <header class="head testhead">
        <EnvironmentMenu isTile />
        <a class="crumb" href={pageHref(place, "test")}>
          Test
        </a>
        <span class="sep" aria-hidden="true">
          /
        </span>
        {task ? <TaskMenu current={task} /> : <span class="t2 clip">{id}</span>}
        <h1 class="vh">Test {id}</h1>
        <Description text={task?.description ?? null} />
        <div class="acts">
          <a class="btn ghost" href={runsHref(place, { task: id })}>
            <Icon name="runs" />
            View runs
          </a>
        </div>
      </header>
      {isDevGone ? <DevBanner /> : <Where />}
      <Contained what="The test page">
        {task === null && error?.status === 404 && (
          <Empty
            icon="search"
            title="No such task here"
            action={
              <a class="btn primary" href={pageHref(place, "test")}>
                Choose another one
              </a>
            }
          >
            <span class="mono t1">{id}</span> is not in the current version of this environment.
          </Empty>
        )}
        {task === null && error && error.status !== 404 && (
          <Failed what="The task" error={error} onRetry={facts.reload} />
        )}
        {task === null && !error && <SkeletonLines lines={10} />}
        {task && <Editor task={task} />}
      </Contained>
    </>
  );
}

export default function Test() {
  const { params } = useRoute();
  return params.task ? <TestOne key={params.task} id={params.task} /> : <ChooseTask />;
}
