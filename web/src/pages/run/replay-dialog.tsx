/** Replay a run: the payload it had, to change or not; options as before; into this environment or another one. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { runHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { useResource } from "../../data/resource";
import { places } from "../../data/session";
import type { RunPage, TaskPage } from "../../data/types";
import { Dialog } from "../../parts/dialog";
import { type Draft, NO_OPTIONS, optionFaults, problemsOf, replayBody } from "../../parts/draft/draft";
import { OptionsForm } from "../../parts/draft/options-form";
import { PayloadPanel } from "../../parts/draft/payload-panel";
import { SelectField } from "../../parts/fields";
import { Icon } from "../../parts/icon";
import { pretty } from "../../parts/json/parse";
import { asSchema } from "../../parts/json/schema";
import { readPacket } from "../../parts/json/superjson";
import { Kbd, RunId } from "../../parts/marks";
import { Failed, SkeletonLines } from "../../parts/states";

/** Only plain JSON can be edited without losing what superjson says beside it. */
function editable(page: RunPage): string | null {
  const { type, text, isPartial } = page.payload;
  if (text === null || isPartial) return null;
  if (type === "application/json" || text.trim() === "") return pretty(text);
  if (type === "application/super+json") {
    try {
      const { value, marks } = readPacket(type, text);
      return marks.size === 0 ? JSON.stringify(value, null, 2) : null;
    } catch {
      return null;
    }
  }
  return null;
}

function Form({ page, task, onClose }: { page: RunPage; task: TaskPage | null; onClose: () => void }) {
  const place = usePlace();
  const { route } = useLocation();
  const { run } = page;
  const payload = useMemo(() => editable(page), [page]);
  const before = useMemo(
    () => ({ payload: payload ?? "", metadata: page.metadata?.text ? pretty(page.metadata.text) : "" }),
    [page, payload],
  );
  const [draft, setDraft] = useState<Draft>({ ...before, options: NO_OPTIONS, tags: run.tags });
  const [environmentId, setEnvironmentId] = useState(place.environment.id);
  const [isOpenAfter, setOpenAfter] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const schema = asSchema(task?.payloadSchema);
  const problems = [...problemsOf("payload", draft.payload, schema), ...problemsOf("metadata", draft.metadata, null)];
  const isGood = problems.length === 0 && Object.keys(optionFaults(draft.options)).length === 0;
  const own = places.value.filter((other) => other.project.ref === place.project.ref);
  const into = own.find((other) => other.environment.id === environmentId) ?? place;

  const submit = async () => {
    if (!isGood || isBusy) return;
    setBusy(true);
    const target = environmentId === place.environment.id ? null : environmentId;
    const body = replayBody(draft, { ...before, tags: run.tags }, target);
    try {
      const { id } = await api.replay(place.environment.id, run.id, body);
      onClose();
      say("ok", "Replayed", { label: "Show", href: runHref(into, id) });
      if (isOpenAfter) route(runHref(into, id));
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };

  const form = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Where there is a keyboard one can write at once; on a phone its picture would cover the form.
    if (matchMedia("(pointer: fine)").matches) form.current?.querySelector("textarea")?.focus({ preventScroll: true });
  }, []);

  return (
    <div
      ref={form}
      class="replayform"
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
          event.preventDefault();
          submit();
        }
      }}
    >
      <div class="dcols">
        <div class="col">
          {payload === null ? (
            <div class="callout info big">
              <Icon name="info" />
              <span>
                This payload holds more than JSON can say, or is too large to edit here. It is taken over as it was.
              </span>
            </div>
          ) : (
            <PayloadPanel
              draft={draft}
              onDraft={setDraft}
              schema={schema}
              schemaName={schema ? (task?.version ?? null) : null}
              problems={problems}
              before={before}
              class="rep"
            />
          )}
        </div>
        <div class="scroll" tabIndex={0} role="region" aria-label="Options">
          <div class="form pad envpick">
            <SelectField
              label="Run in"
              value={environmentId}
              onValue={setEnvironmentId}
              options={own.map(({ environment }) => ({
                value: environment.id,
                label: environment.id === place.environment.id ? `${environment.name}, as before` : environment.name,
              }))}
            />
          </div>
          <OptionsForm draft={draft} onDraft={setDraft} task={task} isDev={into.environment.slug === "dev"} asBefore />
        </div>
      </div>
      {error && (
        <div class="callout bad inform" role="alert">
          <Icon name="st-failed" />
          <span>{error.message}</span>
        </div>
      )}
      <div class="df">
        <span class="row g5">
          <label class="opt">
            <input
              type="checkbox"
              class="check"
              checked={isOpenAfter}
              onChange={(event) => setOpenAfter(event.currentTarget.checked)}
            />
            <span class="t1">Open the new run</span>
          </label>
          <span class="t3 small hidesmall">The old run stays. Child runs start anew.</span>
        </span>
        <span class="end row">
          <button type="button" class="btn" onClick={onClose}>
            Discard
          </button>
          <button type="button" class="btn primary" disabled={!isGood || isBusy} onClick={submit}>
            <Icon name="replay" />
            Replay in {into.environment.name}
            <Kbd keys="mod+enter" />
          </button>
        </span>
      </div>
    </div>
  );
}

export default function ReplayDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { environment } = usePlace();
  const facts = useResource(id, (signal) => api.run(environment.id, id, signal));
  const page = facts.data.value;
  const task = useResource(page?.run.task ?? null, (signal) => api.task(environment.id, page?.run.task ?? "", signal));
  // A task that is gone from the current version still has runs to replay: its schema is a help, not a condition.
  const isSettled = task.data.value !== null || task.error.value !== null;
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    if (page && isSettled) setReady(true);
  }, [page, isSettled]);
  return (
    <Dialog
      title={
        <>
          Replay{" "}
          <span class="mono">
            <RunId id={id} class="cut" />
          </span>
          <span class="t3 reg clip">{page?.run.task}</span>
        </>
      }
      name="Replay a run"
      class="d960"
      onClose={onClose}
    >
      {facts.error.value && page === null && <Failed what="The run" error={facts.error.value} onRetry={facts.reload} />}
      {!isReady && !facts.error.value && <SkeletonLines lines={10} />}
      {isReady && page && <Form page={page} task={task.data.value} onClose={onClose} />}
    </Dialog>
  );
}
