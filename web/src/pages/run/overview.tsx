/** The inspector's first tab: the error first, or why it is not running; then the life, payload and output. */

import { runHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { api } from "../../data/api";
import { boxNow } from "../../data/clock";
import type { RunError, RunPage, Why } from "../../data/types";
import { CopyButton } from "../../parts/buttons";
import { duration, ordinal, plain, plural } from "../../parts/format";
import { Icon, type IconName } from "../../parts/icon";
import { Lang, RunId } from "../../parts/marks";
import { PacketSection } from "../../parts/packet-section";
import { StatusGlyph } from "../../parts/status";
import { isFinal, STATUSES } from "../../parts/statuses";
import { stepsOf } from "./timeline";

const FRAMES_MAX = 12;

/** The stack without the lines that only say the error again. */
function framesOf(error: RunError): string[] {
  const lines = plain(error.stack ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const isEcho = lines[0]?.startsWith(plain(error.name)) ?? false;
  const first = lines.findIndex((line) => /^\s+(at |File )/.test(line));
  const frames = isEcho && first > 0 ? lines.slice(first) : lines;
  const indent = Math.min(...frames.map((line) => line.length - line.trimStart().length));
  return frames.map((line) => line.slice(indent));
}

/** Somebody wanted it so, canceled or no longer wanted after a time: no alarm, only who or what it was. */
function EndedSection({ status, error }: { status: "CANCELED" | "EXPIRED"; error: RunError }) {
  const { word, slug } = STATUSES[status];
  return (
    <section class="sec" aria-label={word}>
      <h2>
        <span class="row g3">
          <Icon name={`st-${slug}` as IconName} size={14} class="t3" />
          {word}
        </span>
      </h2>
      <p class="errtext">{plain(error.message) || "No reason was given."}</p>
    </section>
  );
}

export function ErrorSection({ error, onCopyForAi }: { error: RunError; onCopyForAi?: () => string }) {
  const frames = framesOf(error);
  return (
    <section class="sec" aria-label="Error">
      <h2>
        <span class="bad row g3">
          <Icon name="st-failed" size={14} />
          {plain(error.name)}
        </span>
        {error.code && <span class="tagx end mono">{error.code}</span>}
      </h2>
      <p class="errtext">{plain(error.message) || "It has no message."}</p>
      {error.hint && (
        <div class="callout info mt8">
          <Icon name="info" />
          <span>{error.hint}</span>
        </div>
      )}
      {frames.length > 0 && (
        <div class="code mt8">
          <pre class="told" tabIndex={0} role="region" aria-label="Stack">
            {frames.slice(0, FRAMES_MAX).join("\n")}
            {frames.length > FRAMES_MAX && `\n… ${frames.length - FRAMES_MAX} more`}
          </pre>
          <div class="tools">
            <CopyButton text={error.stack ?? ""} name="Copy stack" size={14} />
          </div>
        </div>
      )}
      {onCopyForAi && (
        <div class="row mt12">
          <span class="end">
            <CopyButton
              text={onCopyForAi}
              name="Copy error, timeline and logs as text"
              label="Copy for AI"
              class="btn sm"
            />
          </span>
        </div>
      )}
    </section>
  );
}

export function WhySection({ why }: { why: Why }) {
  return (
    <>
      {why.checks.length > 0 && (
        <section class="sec" aria-label="Why is it not running">
          <h2>Why is it not running</h2>
          <ul class="checks">
            {why.checks.map((check) => (
              <li key={check.title} class={check.isOk ? "" : "hit"}>
                <Icon name={check.isOk ? "check" : "st-queued"} class={check.isOk ? "ok" : "warnc"} />
                <span class={check.isOk ? "clip" : "med clip"}>
                  {check.title}
                  <span class="vh">{check.isOk ? " (fine)" : " (this holds it)"}</span>
                </span>
                <span class={check.isOk ? "t3" : "warnc"}>{check.fact}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {why.place !== null && (
        <section class="sec" aria-label="Place in queue">
          <h2>Place in queue</h2>
          <p>
            <b class="med num">{ordinal(why.place)}</b>{" "}
            <span class="t3 num">
              {why.place === 1 ? "nothing is ahead of it" : `${plural(why.place - 1, "run")} ahead of it`}
            </span>
          </p>
        </section>
      )}
    </>
  );
}

export function TimelineSection({ page }: { page: RunPage }) {
  return (
    <section class="sec" aria-label="Timeline">
      <h2>Timeline</h2>
      <ol class="vt">
        {stepsOf(page, boxNow()).map((step) => (
          <li key={`${step.title} ${step.note ?? ""}`}>
            <span class={`pt ${step.look}`} />
            <span class={`clip${step.isAhead ? " t3" : ""}`}>
              {step.title} {step.note && <span class="gap">{step.note}</span>}
            </span>
            <time>{step.when}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

function ChildHead({ page }: { page: RunPage }) {
  const place = usePlace();
  const { run, parent } = page;
  const end = run.finishedAtMs ?? boxNow();
  const parts = [
    run.queuedAtMs !== null && `queued ${duration((run.dequeuedAtMs ?? end) - run.queuedAtMs)}`,
    run.startedAtMs !== null &&
      run.dequeuedAtMs !== null &&
      run.startedAtMs > run.dequeuedAtMs &&
      `launch ${duration(run.startedAtMs - run.dequeuedAtMs)}`,
    run.startedAtMs !== null && `run ${duration(end - run.startedAtMs)}`,
  ];
  return (
    <section class="sec" aria-label="Child run">
      <h2>
        <span class="row g3">
          <StatusGlyph status={run.status} />
          <span class="clip">{run.task}</span> <Lang language={run.language} />
        </span>
      </h2>
      <dl class="props">
        <dt>Run</dt>
        <dd>
          <a class="link mono" href={runHref(place, run.id)}>
            <RunId id={run.id} />
          </a>
        </dd>
        {parent && (
          <>
            <dt>Started by</dt>
            <dd>
              <span class="mono clip">{parent.id}</span>
            </dd>
          </>
        )}
        <dt>Took</dt>
        <dd>
          {duration(end - run.createdAtMs)} <span class="t3 clip">{parts.filter(Boolean).join(", ")}</span>
        </dd>
      </dl>
      <div class="mt8">
        <a class="btn sm" href={runHref(place, run.id)}>
          <Icon name="arrow-right" />
          Open run
        </a>
      </div>
    </section>
  );
}

interface Props {
  page: RunPage;
  isChild?: boolean;
  onCopyForAi?: () => string;
  onLoad: (which: "payload" | "output") => void;
}

export function Overview({ page, isChild = false, onCopyForAi, onLoad }: Props) {
  const { environment } = usePlace();
  const { run } = page;
  const url = (which: "payload" | "output") => api.packetUrl(environment.id, run.id, which);
  const noOutput = !isFinal(run.status)
    ? "Not yet: it comes when the run returns."
    : run.status === "COMPLETED"
      ? "The task returned nothing."
      : run.status === "CANCELED"
        ? "None: the run was canceled before it returned."
        : run.status === "EXPIRED"
          ? "None: the run expired before it began."
          : "None: the run failed before it returned.";
  return (
    <>
      {isChild && <ChildHead page={page} />}
      {page.error && (run.status === "CANCELED" || run.status === "EXPIRED") && (
        <EndedSection status={run.status} error={page.error} />
      )}
      {page.error && run.status !== "CANCELED" && run.status !== "EXPIRED" && (
        <ErrorSection error={page.error} {...(onCopyForAi ? { onCopyForAi } : {})} />
      )}
      {page.why && !isChild && <WhySection why={page.why} />}
      <TimelineSection page={page} />
      <PacketSection
        title="Payload"
        packet={page.payload}
        none="The task was triggered without a payload."
        downloadUrl={url("payload")}
        onLoad={() => onLoad("payload")}
      />
      <PacketSection
        title="Output"
        packet={page.output}
        none={noOutput}
        downloadUrl={url("output")}
        onLoad={() => onLoad("output")}
      />
    </>
  );
}
