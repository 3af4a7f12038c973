/** What one row of the trace says about itself: timing, attributes, events. */

import { usePlace } from "../../app/place";
import { api } from "../../data/api";
import { boxNow } from "../../data/clock";
import { useResource } from "../../data/resource";
import type { Attempt, TraceNode } from "../../data/types";
import { clockTime, duration, plain } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { JsonView } from "../../parts/json/view";
import { Failed, SkeletonLines } from "../../parts/states";
import { ErrorSection } from "./overview";

const WORDS: Record<TraceNode["kind"], string> = {
  run: "Run",
  attempt: "Attempt",
  span: "Span",
  log: "Log line",
  error: "Error",
  wait: "Wait",
  retry: "Wait before a retry",
  http: "HTTP call",
  db: "Database call",
  ai: "Model call",
  tag: "Change of metadata",
};

interface Props {
  node: TraceNode;
  attempt: Attempt | null;
  onBack: () => void;
}

export function SpanInspector({ node, attempt, onBack }: Props) {
  const { environment } = usePlace();
  const isFold = node.id.startsWith("fold ");
  const detail = useResource(isFold ? null : `${node.runId} ${node.id} ${node.endMs}`, (signal) =>
    api.span(environment.id, node.runId, node.id, signal),
  );
  const { data, error } = detail;
  const span = data.value;
  return (
    <>
      <div class="tabs">
        <button type="button" class="btn ghost sm lead" onClick={onBack}>
          <Icon name="arrow-left" size={14} />
          Back to the run
        </button>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Inspector">
        <section class="sec" aria-label={WORDS[node.kind]}>
          <h2>
            <span class={node.isError ? "bad" : ""}>{node.kind === "log" ? WORDS.log : plain(node.title)}</span>
            {node.level && <span class={`lv l-${node.level} end`}>{node.level}</span>}
          </h2>
          {node.kind === "log" && <p class="errtext">{plain(node.title)}</p>}
          <dl class="props">
            <dt>What</dt>
            <dd>
              {WORDS[node.kind]} {node.note && node.kind !== "log" && <span class="t3 clip">{plain(node.note)}</span>}
            </dd>
            <dt>{node.endMs === node.startMs ? "At" : "Started"}</dt>
            <dd class="num">{clockTime(node.startMs)}</dd>
            {node.endMs !== node.startMs && (
              <>
                <dt>Took</dt>
                <dd class="num">
                  {node.endMs === null
                    ? `${duration(boxNow() - node.startMs)}, still going`
                    : duration(node.endMs - node.startMs)}
                </dd>
              </>
            )}
          </dl>
        </section>
        {attempt?.error && <ErrorSection error={attempt.error} />}
        {!isFold && (
          <section class="sec" aria-label="Attributes">
            <h2>Attributes</h2>
            {span === null && error.value === null && <SkeletonLines lines={4} />}
            {span === null && error.value && (
              <Failed what="The attributes" error={error.value} onRetry={detail.reload} />
            )}
            {span !== null &&
              (Object.keys(span.attributes).length === 0 ? (
                <p class="t3">It has none.</p>
              ) : (
                <JsonView value={span.attributes} name="Attributes" />
              ))}
          </section>
        )}
        {span?.events.map((event) => (
          <section key={`${event.name} ${event.atMs}`} class="sec" aria-label={event.name}>
            <h2>
              {event.name}
              <span class="end t3 small num">{clockTime(event.atMs)}</span>
            </h2>
            <JsonView value={event.attributes} name={event.name} />
          </section>
        ))}
      </div>
    </>
  );
}
