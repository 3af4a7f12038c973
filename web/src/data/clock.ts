/** One ticking clock for the page: relative times and running durations read it. */

import { signal } from "@preact/signals";

const TICK_MS = 1000;

export const now = signal(Date.now());

/** What the box's clock is ahead of ours, in ms: durations of running things count in the box's time. */
export const skewMs = signal(0);

export function boxNow(): number {
  return now.value + skewMs.value;
}

/** The same for one decision, without following the clock. */
export function boxNowOnce(): number {
  return Date.now() + skewMs.peek();
}

function tick(): void {
  now.value = Date.now();
}

setInterval(() => {
  if (!document.hidden) tick();
}, TICK_MS);
if (typeof document !== "undefined") document.addEventListener("visibilitychange", tick);
