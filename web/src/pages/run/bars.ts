/** The marks of one row on the timeline: which bars from when to when, or a diamond, and the words beside. Pure. */

import type { TraceNode } from "../../data/types";
import { duration } from "../../parts/format";
import { isFinal, toneOf } from "../../parts/statuses";

export interface Bar {
  fromMs: number;
  toMs: number;
  look: string;
}

export interface Marks {
  bars: Bar[];
  /** An instant: a diamond. */
  diamond: { atMs: number; look: string } | null;
  label: string | null;
}

const EXECUTE: Record<string, string> = { ok: "ex ok", bad: "ex bad", run: "ex live", quiet: "ex quiet" };
const ATTEMPT: Record<string, string> = { ok: "at ok", bad: "at bad", run: "at live", quiet: "at quiet" };

function runBars(node: TraceNode, nowMs: number): Bar[] {
  const run = node.run;
  if (!run) return [];
  const end = run.finishedAtMs ?? nowMs;
  const queuedAt = run.queuedAtMs ?? node.startMs;
  const bars: Bar[] = [];
  if (queuedAt > node.startMs) bars.push({ fromMs: node.startMs, toMs: queuedAt, look: "wait" });
  const isInLine = run.queuedAtMs !== null || run.status === "PENDING_VERSION";
  bars.push({ fromMs: queuedAt, toMs: run.dequeuedAtMs ?? end, look: isInLine ? "q" : "wait" });
  if (run.dequeuedAtMs !== null) bars.push({ fromMs: run.dequeuedAtMs, toMs: run.startedAtMs ?? end, look: "la" });
  if (run.startedAtMs !== null) {
    const tone = isFinal(run.status) ? toneOf(run.status) : "run";
    bars.push({ fromMs: run.startedAtMs, toMs: end, look: EXECUTE[tone] as string });
  }
  return bars.filter((bar) => bar.toMs > bar.fromMs);
}

export function marksOf(node: TraceNode, nowMs: number): Marks {
  const none: Marks = { bars: [], diamond: null, label: null };
  const end = node.endMs ?? nowMs;
  switch (node.kind) {
    case "run":
      return { ...none, bars: runBars(node, nowMs) };
    case "attempt": {
      const tone = node.endMs === null ? "run" : node.isError ? "bad" : node.isCanceled ? "quiet" : "ok";
      return { ...none, bars: [{ fromMs: node.startMs, toMs: end, look: ATTEMPT[tone] as string }] };
    }
    case "wait":
    case "retry":
      return { ...none, bars: [{ fromMs: node.startMs, toMs: end, look: "wait" }] };
    case "log":
    case "error":
    case "tag": {
      const look = node.isError || node.level === "error" ? "bad" : node.level === "warn" ? "warn" : "";
      return { ...none, diamond: { atMs: node.startMs, look }, label: node.kind === "log" ? node.level : null };
    }
    default: {
      const look = `span${node.isError ? " bad" : node.kind === "ai" ? " ai" : ""}`;
      return {
        ...none,
        bars: [{ fromMs: node.startMs, toMs: end, look }],
        label: node.endMs === null || node.kind === "ai" ? null : duration(end - node.startMs),
      };
    }
  }
}

/** Rows whose length is told in the duration column, not beside the bar. */
export function hasDuration(node: TraceNode): boolean {
  return (
    node.kind === "run" ||
    node.kind === "attempt" ||
    node.kind === "wait" ||
    node.kind === "retry" ||
    node.kind === "ai"
  );
}
