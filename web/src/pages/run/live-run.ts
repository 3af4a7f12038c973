/** Keep a run's page fresh: its facts when it changes, its trace when anything in its tree does. */

import { useEffect, useRef } from "preact/hooks";
import { boxNowOnce } from "../../data/clock";
import { onNews, watchTrace } from "../../data/live";
import type { Resource } from "../../data/resource";
import type { RunPage, Trace } from "../../data/types";

const FACTS_MS = 250;
const TRACE_MS = 250;
/** Large traces are read less often: they cost more to send than they show. */
const LARGE_NODES = 1000;
const LARGE_TRACE_MS = 2000;
const LOADING_MS = 1000;
const LATE_MS = 60_000;

/** Runs `act` soon after the first call, and never twice within the pause. */
export function throttled(act: () => void, pauseMs: () => number): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    call: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        act();
      }, pauseMs());
    },
    stop: () => clearTimeout(timer),
  };
}

export function useLiveRun(id: string, facts: Resource<RunPage>, trace: Resource<Trace>): void {
  useEffect(() => {
    const readFacts = throttled(facts.refresh, () => FACTS_MS);
    const readTrace = throttled(trace.refresh, () =>
      (trace.data.peek()?.nodes.length ?? 0) > LARGE_NODES ? LARGE_TRACE_MS : TRACE_MS,
    );
    const stop = onNews((news) => {
      const own = news.runs.find((run) => run.id === id);
      if (own) facts.patch((page) => (own.version > page.run.version ? { ...page, run: own } : page));
      // What holds a run may be that no worker is connected, or may be so no longer.
      const isHeld = facts.data.peek()?.why != null;
      if (own || news.isGap || (news.presence && isHeld)) readFacts.call();
      const inTree = new Set(trace.data.peek()?.nodes.map((node) => node.runId) ?? []);
      const isTouched =
        news.runs.some((run) => inTree.has(run.id) || (run.parentId !== null && inTree.has(run.parentId))) ||
        news.tracesOf.some((other) => inTree.has(other) || other === id);
      if (own || isTouched || news.isGap) readTrace.call();
    });
    return () => {
      stop();
      readFacts.stop();
      readTrace.stop();
    };
  }, [id, facts, trace]);
  const page = facts.data.value;
  // The last spans of a run may come after its end: who saw it going, or came soon after, follows on.
  const isFollowed = useRef(false);
  if (page !== null && (page.run.finishedAtMs === null || boxNowOnce() - page.run.finishedAtMs < LATE_MS))
    isFollowed.current = true;
  const traceId = page !== null && isFollowed.current ? page.detail.traceId : null;
  useEffect(() => (traceId === null ? undefined : watchTrace(id, traceId)), [id, traceId]);
  // Rows of an older run may still be on their way from the disk.
  const isLoading = trace.data.value?.isLoading ?? false;
  useEffect(() => {
    if (!isLoading) return;
    const timer = setInterval(trace.refresh, LOADING_MS);
    return () => clearInterval(timer);
  }, [isLoading, trace]);
}
