/** The one table of run statuses: word, glyph, tone, group, and the sentence a tooltip says. */

import type { RunStatus } from "../data/types";

export interface StatusFacts {
  word: string;
  /** Names the glyph (`st-…` in the sprite) and the colour (`data-st`). */
  slug: string;
  group: "waiting" | "active" | "final";
  meaning: string;
}

export const STATUSES: Record<RunStatus, StatusFacts> = {
  PENDING_VERSION: {
    word: "Pending version",
    slug: "pending-version",
    group: "waiting",
    meaning: "No version that is here can run it yet.",
  },
  DELAYED: { word: "Delayed", slug: "delayed", group: "waiting", meaning: "It goes into its queue at a set time." },
  QUEUED: {
    word: "Queued",
    slug: "queued",
    group: "waiting",
    meaning: "In its queue, until a slot and a worker are free.",
  },
  DEQUEUED: {
    word: "Dequeued",
    slug: "dequeued",
    group: "active",
    meaning: "Handed to a worker that has not started it yet.",
  },
  EXECUTING: { word: "Executing", slug: "executing", group: "active", meaning: "A worker is running its code." },
  WAITING: { word: "Waiting", slug: "waiting", group: "active", meaning: "Paused in a wait. It holds no slot." },
  REATTEMPTING: {
    word: "Reattempting",
    slug: "reattempting",
    group: "active",
    meaning: "An attempt failed; the next one is coming.",
  },
  PAUSED: { word: "Paused", slug: "paused", group: "active", meaning: "Held until somebody resumes it." },
  COMPLETED: { word: "Completed", slug: "completed", group: "final", meaning: "The task returned." },
  CANCELED: { word: "Canceled", slug: "canceled", group: "final", meaning: "Somebody or something stopped it." },
  FAILED: { word: "Failed", slug: "failed", group: "final", meaning: "Its last attempt raised an error." },
  TIMED_OUT: {
    word: "Timed out",
    slug: "timed-out",
    group: "final",
    meaning: "It ran longer than its maximum duration.",
  },
  CRASHED: {
    word: "Crashed",
    slug: "crashed",
    group: "final",
    meaning: "Its process died: out of memory, or an exit code.",
  },
  SYSTEM_FAILURE: {
    word: "System failure",
    slug: "system-failure",
    group: "final",
    meaning: "The box or a worker failed, not the task.",
  },
  INTERRUPTED: { word: "Interrupted", slug: "interrupted", group: "final", meaning: "Its worker went away." },
  EXPIRED: { word: "Expired", slug: "expired", group: "final", meaning: "It waited longer than its time to live." },
};

export const ALL_STATUSES = Object.keys(STATUSES) as RunStatus[];
export const ACTIVE_STATUSES = ALL_STATUSES.filter((status) => STATUSES[status].group === "active");
export const FAILED_STATUSES: RunStatus[] = ["FAILED", "TIMED_OUT", "CRASHED", "SYSTEM_FAILURE", "INTERRUPTED"];
export const QUEUED_STATUSES: RunStatus[] = ["PENDING_VERSION", "DELAYED", "QUEUED"];

export function isFinal(status: RunStatus): boolean {
  return STATUSES[status].group === "final";
}

export function isFailed(status: RunStatus): boolean {
  return FAILED_STATUSES.includes(status);
}

export type Tone = "ok" | "bad" | "run" | "quiet";

/** The colour of a run's bar: success is quiet, failure is loud, what goes on is blue. */
export function toneOf(status: RunStatus): Tone {
  if (status === "COMPLETED") return "ok";
  if (isFailed(status)) return "bad";
  return isFinal(status) || STATUSES[status].group === "waiting" ? "quiet" : "run";
}
