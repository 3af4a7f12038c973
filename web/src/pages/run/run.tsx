/** One run: what happened, when, and why; live while it runs. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { pageHref, runHref, useSearch } from "../../app/address";
import { Contained } from "../../app/crash";
import { useTitle } from "../../app/head";
import { usePlace } from "../../app/place";
import { useCommands } from "../../app/shortcuts";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { boxNow } from "../../data/clock";
import { type Resource, useResource } from "../../data/resource";
import type { RunPage, Trace, TraceNode } from "../../data/types";
import { DevBanner, useIsDevGone } from "../../parts/dev-banner";
import { dayAndTime, fullTime } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { NotLiveBanner } from "../../parts/live-mark";
import { Empty, Failed, FailedBar, SkeletonLines } from "../../parts/states";
import { isFinal, STATUSES } from "../../parts/statuses";
import { Tabs } from "../../parts/tabs";
import { Ago } from "../../parts/time";
import { useRunActions } from "../runs/actions";
import { Detail } from "./detail";
import { asMarkdown } from "./export";
import { RunHead } from "./head";
import { useLiveRun } from "./live-run";
import { Context, Metadata, Related } from "./more-tabs";
import { neighbours } from "./neighbours";
import { Overview } from "./overview";
import { SpanInspector } from "./span-inspector";
import { TraceView } from "./trace-view";

type TabName = "overview" | "trace" | "detail" | "context" | "metadata" | "related";

const TABS: { value: TabName; label: string; keys?: string; class?: string }[] = [
  { value: "overview", label: "Overview", keys: "o" },
  { value: "trace", label: "Trace", class: "tr-tab mob" },
  { value: "detail", label: "Detail", keys: "d" },
  { value: "context", label: "Context", keys: "x" },
  { value: "metadata", label: "Metadata", keys: "m" },
  { value: "related", label: "Related" },
];

function WhyLine({ page }: { page: RunPage }) {
  const place = usePlace();
  const { why } = page;
  if (why === null) return null;
  return (
    <div class="why" role="status">
      <Icon name="info" />
      <div class="grow">
        {why.atMs === null ? (
          <>
            <b class="med">{why.title}</b> <span class="t2">{why.detail}</span>
          </>
        ) : (
          <>
            <b class="med">
              {why.title} <time title={fullTime(why.atMs)}>{dayAndTime(why.atMs)}</time>,
            </b>{" "}
            <span class="t2 num">
              <Ago atMs={why.atMs} />.
            </span>
          </>
        )}
      </div>
      {why.showRuns && (
        <a class="btn sm" href={`${pageHref(place, "runs")}?${why.showRuns.query}`}>
          {why.showRuns.label}
        </a>
      )}
    </div>
  );
}

function relatedCount({ root, parent, childrenTotal, replayedFrom }: RunPage): number {
  const lineage = new Set([root?.id, parent?.id, replayedFrom?.id].filter(Boolean));
  return lineage.size + childrenTotal;
}

/** Fetch the whole of a payload or output that came in part. */
function loadPacket(environmentId: string, facts: Resource<RunPage>, id: string) {
  return async (which: "payload" | "output") => {
    try {
      const packet = await api.packet(environmentId, id, which);
      facts.patch((page) => ({ ...page, [which]: packet }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say("bad", error.message);
    }
  };
}

/** A child run chosen in the trace: its own facts in the inspector. */
function ChildInspector({ id, onBack }: { id: string; onBack: () => void }) {
  const { environment } = usePlace();
  const facts = useResource(id, (signal) => api.run(environment.id, id, signal));
  const page = facts.data.value;
  return (
    <>
      <div class="tabs">
        <button type="button" class="btn ghost sm lead" onClick={onBack}>
          <Icon name="arrow-left" size={14} />
          Back to the run
        </button>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Inspector">
        {page === null && facts.error.value && (
          <Failed what="This run" error={facts.error.value} onRetry={facts.reload} />
        )}
        {page === null && !facts.error.value && <SkeletonLines lines={8} />}
        {page && <Overview page={page} isChild onLoad={loadPacket(environment.id, facts, id)} />}
      </div>
    </>
  );
}

interface InspectorProps {
  facts: Resource<RunPage>;
  page: RunPage;
  nodes: TraceNode[];
  node: TraceNode | null;
  tab: TabName;
  onTab: (tab: TabName) => void;
  onBack: () => void;
}

function Inspector({ facts, page, nodes, node, tab, onTab, onBack }: InspectorProps) {
  const panelId = useId();
  const { environment } = usePlace();
  const { run } = page;
  if (node && node.kind === "run" && node.runId !== run.id && !node.id.startsWith("fold ")) {
    return <ChildInspector key={node.runId} id={node.runId} onBack={onBack} />;
  }
  if (node && !(node.kind === "run" && node.runId === run.id)) {
    const number = /^Attempt (\d+)/.exec(node.title)?.[1];
    const attempt =
      node.kind === "attempt" && node.runId === run.id
        ? page.attempts.find((own) => own.number === Number(number))
        : null;
    return <SpanInspector key={node.id} node={node} attempt={attempt ?? null} onBack={onBack} />;
  }
  return (
    <>
      <Tabs
        name="About this run"
        value={tab}
        panelId={panelId}
        onChange={onTab}
        tabs={TABS.map((own) => (own.value === "related" ? { ...own, count: relatedCount(page) } : own))}
      />
      <div
        id={panelId}
        class="scroll"
        role="tabpanel"
        tabIndex={0}
        aria-label={TABS.find((own) => own.value === tab)?.label ?? "Overview"}
      >
        <Contained key={tab} what="This tab">
          {(tab === "overview" || tab === "trace") && (
            <Overview
              page={page}
              onLoad={loadPacket(environment.id, facts, run.id)}
              onCopyForAi={() => asMarkdown(page, nodes, boxNow())}
            />
          )}
          {tab === "detail" && <Detail page={page} />}
          {tab === "context" && <Context page={page} />}
          {tab === "metadata" && <Metadata page={page} />}
          {tab === "related" && <Related page={page} />}
        </Contained>
      </div>
    </>
  );
}

function Missing({ id }: { id: string }) {
  return (
    <Empty
      icon="search"
      title="No such run here"
      action={
        <a class="btn primary" href={`/runs/${encodeURIComponent(id)}`}>
          <Icon name="search" />
          Look in all your projects
        </a>
      }
    >
      <span class="mono t1">{id}</span> is not a run of this environment.
    </Empty>
  );
}

function TracePart({
  facts,
  trace,
  selected,
  onSelect,
}: {
  facts: RunPage;
  trace: Resource<Trace>;
  selected: string;
  onSelect: (id: string) => void;
}) {
  const value = trace.data.value;
  const error = trace.error.value;
  if (value === null && error) return <Failed what="The trace" error={error} onRetry={trace.reload} />;
  if (value === null) return <SkeletonLines lines={12} />;
  return (
    <>
      {error && <FailedBar error={error} onRetry={trace.reload} />}
      <TraceView run={facts.run} trace={value} selected={selected} onSelect={onSelect} />
    </>
  );
}

/** What one asks for before the run is there is done once it is: the last wish counts, and only on this page. */
function useOnceLoaded(page: RunPage | null): (act: (page: RunPage) => void) => void {
  const wish = useRef<((page: RunPage) => void) | null>(null);
  useEffect(() => {
    if (page === null) return;
    wish.current?.(page);
    wish.current = null;
  }, [page]);
  return (act) => {
    if (page) act(page);
    else wish.current = act;
  };
}

export default function Run() {
  const { params } = useRoute();
  // Each run has a page of its own: nothing of the last one may shine through.
  return <OneRun key={params.run} id={params.run ?? ""} />;
}

function OneRun({ id }: { id: string }) {
  const place = usePlace();
  const { route } = useLocation();
  const { query, set } = useSearch();
  const environmentId = place.environment.id;
  const facts = useResource(id, (signal) => api.run(environmentId, id, signal));
  const trace = useResource(id, (signal) => api.trace(environmentId, id, signal));
  useLiveRun(id, facts, trace);
  const { replay, cancel, dialog } = useRunActions();
  const [shownTab, setShownTab] = useState<TabName>("overview");
  const isDevGone = useIsDevGone();
  const page = facts.data.value;
  const error = facts.error.value;
  const nodes = trace.data.value?.nodes ?? [];
  const tab = TABS.find((own) => own.value === query.tab)?.value ?? shownTab;
  const node = nodes.find((own) => own.id === query.span) ?? null;
  const rootNode = nodes.find((own) => own.kind === "run" && own.runId === id);
  const selected = query.span ?? rootNode?.id ?? id;
  const { previous, next } = neighbours(environmentId, id);
  useTitle(page ? `${STATUSES[page.run.status].word} · ${page.run.task} · ${id}` : id);

  const onTab = (value: TabName) => {
    setShownTab(value);
    set({ tab: value === "overview" ? null : value, span: null });
  };
  const select = (span: string) => set({ span: span === rootNode?.id ? null : span });
  const go = (other: string | null | undefined) => other && route(runHref(place, other));
  const onceLoaded = useOnceLoaded(page);
  useCommands([
    {
      title: "Replay",
      group: "Run page",
      keys: ["r"],
      icon: "replay",
      isInPalette: true,
      run: () => onceLoaded(() => replay([id])),
    },
    {
      title: "Cancel",
      group: "Run page",
      keys: ["c"],
      icon: "cancel",
      isInPalette: true,
      run: () => onceLoaded((loaded) => loaded.run.isCancellable && cancel([id])),
    },
    { title: "Previous run", group: "Run page", keys: ["[", "k"], run: () => go(previous) },
    { title: "Next run", group: "Run page", keys: ["]", "j"], run: () => go(next) },
    { title: "Root run", group: "Run page", keys: ["t"], run: () => onceLoaded(({ root }) => go(root?.id)) },
    { title: "Parent run", group: "Run page", keys: ["p"], run: () => onceLoaded(({ parent }) => go(parent?.id)) },
    ...TABS.filter((own) => own.keys).map((own) => ({
      title: own.label,
      group: "Run page" as const,
      keys: [own.keys as string],
      run: () => onTab(own.value),
    })),
    {
      title: "Back to the list",
      group: "Run page",
      keys: ["esc"],
      run: () => (query.span ? set({ span: null }) : route(pageHref(place, "runs"))),
    },
  ]);

  return (
    <>
      <RunHead
        id={id}
        page={page}
        nodes={nodes}
        previous={previous}
        next={next}
        onReplay={() => replay([id])}
        onCancel={() => cancel([id])}
      />
      {page && !isFinal(page.run.status) && <NotLiveBanner onReload={facts.reload} />}
      {error && page && <FailedBar error={error} onRetry={facts.reload} />}
      {page === null && error?.status === 404 && <Missing id={id} />}
      {page === null && error && error.status !== 404 && (
        <Failed what="This run" error={error} onRetry={facts.reload} />
      )}
      {page === null && !error && <SkeletonLines lines={10} />}
      {page && (
        <>
          {page.why?.needsWorker && isDevGone ? <DevBanner /> : <WhyLine page={page} />}
          <div class="split stack2">
            <div class="main tracepart">
              <Contained what="The trace">
                <TracePart facts={page} trace={trace} selected={selected} onSelect={select} />
              </Contained>
            </div>
            <aside class="pane p424" aria-label="Inspector">
              <Inspector
                facts={facts}
                page={page}
                nodes={nodes}
                node={node}
                tab={tab}
                onTab={onTab}
                onBack={() => set({ span: null })}
              />
            </aside>
          </div>
        </>
      )}
      {dialog}
    </>
  );
}
