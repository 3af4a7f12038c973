/** The life of a run as steps, top to bottom, for the inspector. Pure. */

import type { RunPage } from "../../data/types";
import { clockTime, dayAndTime, duration, named } from "../../parts/format";
import { isFailed, isFinal, STATUSES } from "../../parts/statuses";

export interface Step {
  title: string;
  note: string | null;
  /** A duration or an instant, as it is shown. */
  when: string | null;
  look: "on" | "ok" | "bad" | "run" | "";
  /** Not reached yet. */
  isAhead: boolean;
}

const step = (title: string, when: string | null, look: Step["look"] = "on", note: string | null = null): Step => ({
  title,
  note,
  when,
  look,
  isAhead: false,
});

const OUTCOMES = {
  completed: ["succeeded", "ok"],
  failed: ["failed", "bad"],
  canceled: ["canceled", "on"],
  running: ["running", "run"],
} as const;

function queueNote(page: RunPage): string {
  const { run } = page;
  const queue = run.queue.replace(/^task\//, "");
  return run.concurrencyKey === null ? named(queue) : `${named(queue)}, key ${named(run.concurrencyKey)}`;
}

export function stepsOf(page: RunPage, nowMs: number): Step[] {
  const { run, attempts, detail } = page;
  const isOver = isFinal(run.status);
  const steps: Step[] = [
    step("Triggered", clockTime(run.createdAtMs), "on", detail.triggeredBy ? `by ${detail.triggeredBy}` : null),
  ];
  if (run.status === "DELAYED" && run.delayUntilMs !== null) {
    steps.push(step("Delayed", dayAndTime(run.delayUntilMs), "run", "until"));
  } else if (run.delayUntilMs !== null && run.queuedAtMs !== null && run.queuedAtMs > run.createdAtMs) {
    steps.push(step("Delayed", duration(run.queuedAtMs - run.createdAtMs)));
  }
  if (run.status === "PENDING_VERSION")
    steps.push(step("Waiting for a version", duration(nowMs - run.createdAtMs), "run"));
  // A run that waits for something else first is not in its queue yet, whatever instant is written down.
  const queuedAtMs = run.status === "DELAYED" || run.status === "PENDING_VERSION" ? null : run.queuedAtMs;
  if (queuedAtMs !== null) {
    const end = run.dequeuedAtMs ?? run.finishedAtMs;
    steps.push(
      step("Queued", duration((end ?? nowMs) - queuedAtMs), end === null && !isOver ? "run" : "on", queueNote(page)),
    );
  }
  if (run.dequeuedAtMs !== null) {
    const launched = run.startedAtMs ?? run.finishedAtMs;
    const words = [attempts[0]?.isWarm ? "warm" : null, detail.worker && named(detail.worker)]
      .filter(Boolean)
      .join(", ");
    // A worker that was waiting begins in the instant it gets the run: there is nothing to tell.
    if (launched !== run.dequeuedAtMs)
      steps.push(
        step(
          run.startedAtMs === null ? "Dequeued" : "Launched",
          duration((launched ?? nowMs) - run.dequeuedAtMs),
          launched === null ? "run" : "on",
          words || null,
        ),
      );
  }
  attempts.forEach((attempt, index) => {
    const [word, look] = OUTCOMES[attempt.outcome];
    const isLast = index === attempts.length - 1;
    const most = detail.maxAttempts;
    const note =
      attempt.outcome === "failed" && isLast && isOver && most !== null
        ? attempt.number >= most
          ? `last of ${attempt.number}`
          : `of ${most}, not retried`
        : null;
    steps.push(
      step(
        `Attempt ${attempt.number} ${word}`,
        duration((attempt.finishedAtMs ?? nowMs) - attempt.startedAtMs),
        look,
        note,
      ),
    );
    const next = attempts[index + 1];
    if (attempt.finishedAtMs !== null && (next || (attempt.retryAtMs !== null && !isOver))) {
      const until = next?.startedAtMs ?? nowMs;
      steps.push(
        step(next ? "Waited to retry" : "Waiting to retry", duration(until - attempt.finishedAtMs), next ? "" : "run"),
      );
    }
  });
  if (isOver) {
    const look = run.status === "COMPLETED" ? "ok" : isFailed(run.status) ? "bad" : "on";
    steps.push(step(STATUSES[run.status].word, run.finishedAtMs === null ? null : clockTime(run.finishedAtMs), look));
  } else {
    if (queuedAtMs === null) steps.push({ ...step("Queued", null, ""), isAhead: true });
    if (run.dequeuedAtMs === null) steps.push({ ...step("Dequeued", null, ""), isAhead: true });
    if (run.startedAtMs === null) steps.push({ ...step("Started", null, ""), isAhead: true });
  }
  return steps;
}
