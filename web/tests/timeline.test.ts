import { describe, expect, it } from "vitest";
import type { Attempt, RunPage } from "../src/data/types";
import { asMarkdown } from "../src/pages/run/export";
import { stepsOf } from "../src/pages/run/timeline";
import { ALL_STATUSES } from "../src/parts/statuses";
import { aNode, aPage, T0 } from "./builders";

const NOW = T0 + 10_000;

const anAttempt = (over: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  outcome: "completed",
  startedAtMs: T0 + 1_000,
  finishedAtMs: T0 + 3_000,
  isWarm: false,
  retryAtMs: null,
  error: null,
  ...over,
});

const told = (page: RunPage) =>
  stepsOf(page, NOW).map(({ title, note, when, isAhead }) => [title, note, isAhead ? "ahead" : when]);

describe("the life of a run", () => {
  it("that waits in its queue ends with what is ahead of it", () => {
    const page = aPage({ run: { queue: "emails", concurrencyKey: "acme" } });

    expect(told(page).slice(1)).toEqual([
      ["Queued", "emails, key acme", "10.0s"],
      ["Dequeued", null, "ahead"],
      ["Started", null, "ahead"],
    ]);
  });

  it("keeps its words in order whatever its queue is called", () => {
    const page = aPage({ run: { queue: "task/evil\u202eksat", concurrencyKey: "\u202eyek" } });

    expect(told(page)[1]?.[1]).toBe("evil\\u202eksat, key \\u202eyek");
  });

  it("that is delayed says until when", () => {
    const at = new Date(2026, 1, 1, 9, 30).getTime();
    const page = aPage({ run: { status: "DELAYED", delayUntilMs: at, queuedAtMs: null } });

    expect(told(page).slice(1, 3)).toEqual([
      ["Delayed", "until", "Feb 1, 09:30"],
      ["Queued", null, "ahead"],
    ]);
  });

  it("that waits for a version is in that state and no other", () => {
    for (const queuedAtMs of [null, T0]) {
      const steps = stepsOf(aPage({ run: { status: "PENDING_VERSION", queuedAtMs } }), NOW);

      expect(steps.slice(1).map(({ title, when, look, isAhead }) => [title, when, look, isAhead])).toEqual([
        ["Waiting for a version", "10.0s", "run", false],
        ["Queued", null, "", true],
        ["Dequeued", null, "", true],
        ["Started", null, "", true],
      ]);
    }
  });

  it("is in one state at a time, whichever it is", () => {
    for (const status of ALL_STATUSES) {
      const page = aPage({ run: { status, delayUntilMs: status === "DELAYED" ? NOW : null } });

      const lit = stepsOf(page, NOW).filter(({ look }) => look === "run");
      expect(lit.length, status).toBeLessThanOrEqual(1);
    }
  });

  it("that went well is told attempt by attempt, with the pauses between", () => {
    const page = aPage({
      run: {
        status: "COMPLETED",
        dequeuedAtMs: T0 + 800,
        startedAtMs: T0 + 1_000,
        finishedAtMs: T0 + 6_000,
      },
      attempts: [
        anAttempt({ outcome: "failed", retryAtMs: T0 + 5_000 }),
        anAttempt({ number: 2, startedAtMs: T0 + 5_000, finishedAtMs: T0 + 6_000 }),
      ],
      detail: { worker: "dev" },
    });

    expect(told(page).slice(1, -1)).toEqual([
      ["Queued", "send-receipt", "800ms"],
      ["Launched", "dev", "200ms"],
      ["Attempt 1 failed", null, "2.0s"],
      ["Waited to retry", null, "2.0s"],
      ["Attempt 2 succeeded", null, "1.0s"],
    ]);
    expect(told(page).at(-1)?.[0]).toBe("Completed");
  });

  it("has no launch where a waiting worker took it at once", () => {
    const page = aPage({ run: { status: "EXECUTING", dequeuedAtMs: T0 + 5, startedAtMs: T0 + 5 } });

    expect(told(page).map(([title]) => title)).toEqual(["Triggered", "Queued"]);
  });

  it.each([
    [3, 3, "last of 3"],
    [1, 3, "of 3, not retried"],
    [5, 3, "last of 5"],
  ])("that failed at attempt %d of %d says: %s", (number, maxAttempts, note) => {
    const page = aPage({
      run: { status: "FAILED", dequeuedAtMs: T0, startedAtMs: T0, finishedAtMs: T0 + 3_000 },
      attempts: [anAttempt({ number, outcome: "failed" })],
      detail: { maxAttempts },
    });

    expect(told(page).find(([title]) => title === `Attempt ${number} failed`)?.[1]).toBe(note);
  });

  it("that goes on waits for its next attempt until now", () => {
    const page = aPage({
      run: { status: "REATTEMPTING", dequeuedAtMs: T0, startedAtMs: T0 },
      attempts: [anAttempt({ outcome: "failed", retryAtMs: T0 + 20_000 })],
    });

    expect(told(page).at(-1)).toEqual(["Waiting to retry", null, "7.0s"]);
  });
});

describe("a run as text", () => {
  it("has the error, the timeline, payload, output and log lines", () => {
    const page = aPage({
      run: { status: "FAILED", tags: ["vip"], dequeuedAtMs: T0, startedAtMs: T0, finishedAtMs: T0 + 3_000 },
      error: { name: "TypeError", message: "no", stack: "at run (a.ts:1)", code: null, hint: null },
      output: { type: "application/json", sizeBytes: 4, text: "null", isPartial: false },
    });

    const text = asMarkdown(page, [aNode({ kind: "log", level: "info", title: "hello", startMs: T0 + 500 })], NOW);

    expect(text).toContain("# Run run_1 of task send-receipt: Failed");
    expect(text).toContain("- Tags: vip");
    expect(text).toContain("TypeError: no");
    expect(text).toContain("- Queued (send-receipt): 0ms");
    expect(text).toContain("```json\nnull\n```");
    expect(text).toContain("+500ms info hello");
  });
});
