/** Runs, pages and rows for tests: plain ones, with what a test is about laid over. */

import type { RunPage, RunRow, TraceNode } from "../src/data/types";

export const T0 = Date.UTC(2026, 0, 31, 10, 0, 0);

export function aRun(over: Partial<RunRow> = {}): RunRow {
  return {
    id: "run_1",
    version: 1,
    status: "QUEUED",
    isCancellable: true,
    task: "send-receipt",
    taskKind: "standard",
    language: "python",
    taskVersion: "20260131.1",
    queue: "task/send-receipt",
    concurrencyKey: null,
    tags: [],
    isTest: false,
    parentId: null,
    attemptNumber: 0,
    createdAtMs: T0,
    delayUntilMs: null,
    queuedAtMs: T0,
    dequeuedAtMs: null,
    startedAtMs: null,
    finishedAtMs: null,
    usageMs: 0,
    ...over,
  };
}

export function aPage(
  over: Partial<Omit<RunPage, "run" | "detail">> & { run?: Partial<RunRow>; detail?: Partial<RunPage["detail"]> } = {},
): RunPage {
  const { run, detail, ...rest } = over;
  return {
    run: aRun(run),
    why: null,
    attempts: [],
    payload: { type: "application/json", sizeBytes: 2, text: "{}", isPartial: false },
    output: null,
    metadata: null,
    error: null,
    context: null,
    root: null,
    parent: null,
    replayedFrom: null,
    children: [],
    childrenTotal: 0,
    detail: {
      triggeredBy: "the API",
      priorityS: 0,
      ttl: null,
      maxAttempts: 3,
      maxDurationS: null,
      machine: null,
      idempotencyKey: null,
      isVersionLocked: false,
      isCurrentVersion: true,
      sdkVersion: null,
      cliVersion: null,
      queueRunning: 0,
      queueLimit: null,
      isQueuePaused: false,
      worker: null,
      traceId: "0".repeat(32),
      spanId: "0".repeat(16),
      ...detail,
    },
    ...rest,
  };
}

export function aNode(over: Partial<TraceNode> = {}): TraceNode {
  return {
    id: "span",
    parentId: "root",
    runId: "run_1",
    kind: "span",
    title: "work",
    note: null,
    startMs: T0,
    endMs: T0 + 100,
    level: null,
    isError: false,
    isCanceled: false,
    run: null,
    ...over,
  };
}

export function aRunNode(over: Partial<TraceNode> = {}, run: Partial<NonNullable<TraceNode["run"]>> = {}): TraceNode {
  return aNode({
    id: "root",
    parentId: null,
    kind: "run",
    title: "send-receipt",
    run: {
      status: "EXECUTING",
      language: "python",
      queuedAtMs: T0,
      dequeuedAtMs: T0 + 10,
      startedAtMs: T0 + 20,
      finishedAtMs: null,
      ...run,
    },
    ...over,
  });
}
