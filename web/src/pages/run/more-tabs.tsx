/** The inspector's other tabs: context, metadata, related runs. */

import { useMemo, useState } from "preact/hooks";
import { runHref, runsHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { api } from "../../data/api";
import type { Language, RelatedRun, RunPage } from "../../data/types";
import { CopyButton, Segments } from "../../parts/buttons";
import { bytes, count } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { JsonView } from "../../parts/json/view";
import { RunId } from "../../parts/marks";
import { StatusGlyph } from "../../parts/status";
import { isFinal } from "../../parts/statuses";
import { Ago } from "../../parts/time";

const METADATA_MAX = 256 * 1024;

export function Context({ page }: { page: RunPage }) {
  return (
    <section class="sec" aria-label="Context">
      <h2>
        Context
        <span class="end">
          <CopyButton text={JSON.stringify(page.context, null, 2)} name="Copy context" />
        </span>
      </h2>
      {page.context === null ? (
        <p class="t3">It is made when the first attempt starts.</p>
      ) : (
        <JsonView value={page.context} name="Context" />
      )}
      <p class="hint">What the task gets as its context, here as of its newest attempt.</p>
    </section>
  );
}

interface Progress {
  percent: number;
  words: string;
}

/** A progress with percent, wherever a task put it: `progress: {percent}` or `progress: 0.67` or `percent: 67`. */
export function progressOf(metadata: unknown): Progress | null {
  if (metadata === null || typeof metadata !== "object") return null;
  const { progress, percent } = metadata as { progress?: unknown; percent?: unknown };
  const inner = progress !== null && typeof progress === "object" ? (progress as Record<string, unknown>) : null;
  const raw = inner?.percent ?? percent ?? (typeof progress === "number" ? progress : null);
  if (typeof raw !== "number" || !Number.isFinite(raw)) return null;
  const share = raw > 0 && raw < 1 ? raw * 100 : raw;
  const done = typeof inner?.done === "number" && typeof inner?.of === "number" ? `${inner.done} of ${inner.of}` : "";
  const words = [typeof inner?.step === "string" ? inner.step : "", done].filter(Boolean).join(", ");
  return { percent: Math.min(100, Math.max(0, Math.round(share))), words: words || "Progress" };
}

const SNIPPETS: Record<Language, string> = {
  typescript: 'metadata.set("progress", { percent: 67 });',
  python: 'metadata.set("progress", {"percent": 67})',
};

function SetIt({ language }: { language: Language | null }) {
  const [shown, setShown] = useState<Language>(language ?? "typescript");
  return (
    <section class="sec" aria-label="Set it in a task">
      <h2>Set it in a task</h2>
      <Segments
        name="Language"
        value={shown}
        options={[
          { value: "typescript", label: "TypeScript" },
          { value: "python", label: "Python" },
        ]}
        onChange={setShown}
      />
      <div class="code cmdline mt8">
        <code class="grow clip">{SNIPPETS[shown]}</code>
        <CopyButton text={SNIPPETS[shown]} name="Copy" />
      </div>
    </section>
  );
}

export function Metadata({ page }: { page: RunPage }) {
  const { environment } = usePlace();
  const { run, metadata } = page;
  const value = useMemo(() => {
    try {
      return metadata?.text ? (JSON.parse(metadata.text) as unknown) : null;
    } catch {
      return null;
    }
  }, [metadata]);
  const progress = progressOf(value);
  return (
    <>
      <section class="sec" aria-label="Metadata">
        <h2>
          Metadata
          {metadata && (
            <span class="end row g2">
              <span class="micro t3 mr4">
                {bytes(metadata.sizeBytes)} of {bytes(METADATA_MAX)}
              </span>
              <CopyButton text={metadata.text ?? ""} name="Copy metadata" />
              <a
                class="btn icon ghost sm"
                href={api.packetUrl(environment.id, run.id, "metadata")}
                download
                aria-label="Download metadata"
                title="Download metadata"
              >
                <Icon name="download" />
              </a>
            </span>
          )}
        </h2>
        {value === null ? (
          <p class="t3">
            This run has none. A task can keep notes about itself here: progress, step, whatever helps to watch it.
          </p>
        ) : (
          <JsonView value={value} name="Metadata" />
        )}
      </section>
      {progress && (
        <section class="sec" aria-label="Progress">
          <h2>Progress</h2>
          <div class="row small">
            <span class="t1">{progress.words}</span>
            <span class="end num t3">{progress.percent}%</span>
          </div>
          <div
            class="meter h6 mt6"
            role="progressbar"
            aria-label="Progress"
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={progress.percent}
          >
            <i class={isFinal(run.status) ? "quiet" : "run"} style={{ width: `${progress.percent}%` }} />
          </div>
        </section>
      )}
      <SetIt language={run.language} />
    </>
  );
}

function RunList({
  title,
  runs,
  none,
  more,
}: {
  title: string;
  runs: RelatedRun[];
  none: string;
  more?: preact.ComponentChildren;
}) {
  const place = usePlace();
  return (
    <section class="sec" aria-label={title}>
      <h2>{title}</h2>
      {runs.length === 0 ? (
        <p class="t3">{none}</p>
      ) : (
        <ul class="list">
          {runs.map((run) => (
            <li key={run.id}>
              <a class="row g3" href={runHref(place, run.id)}>
                <StatusGlyph status={run.status} />
                <span class="clip">{run.task}</span>
                <span class="mono t3 small">
                  <RunId id={run.id} />
                </span>
              </a>
              <span class="small">
                <Ago atMs={run.createdAtMs} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {more}
    </section>
  );
}

export function Related({ page }: { page: RunPage }) {
  const place = usePlace();
  const { run, root, parent, children, childrenTotal, replayedFrom } = page;
  const lineage = [root, parent].filter((one): one is RelatedRun => one !== null);
  const unique = lineage.filter((one, index) => lineage.findIndex((other) => other.id === one.id) === index);
  return (
    <>
      <RunList title="Root and parent" runs={unique} none="This run was not triggered by another run." />
      <RunList
        title="Child runs"
        runs={children}
        none="It triggered no other runs."
        more={
          childrenTotal > children.length && (
            <a class="link small" href={runsHref(place, { parent: run.id, period: "all" })}>
              All {count(childrenTotal)} child runs
            </a>
          )
        }
      />
      <RunList title="Replayed from" runs={replayedFrom ? [replayedFrom] : []} none="It is no replay." />
    </>
  );
}
