/** Instants and durations that keep themselves up to date from the page's one clock. */

import { boxNow } from "../data/clock";
import { duration, fullTime, relative, ticking } from "./format";

/** `12s ago`, with the full instant on hover. */
export function Ago({ atMs }: { atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={fullTime(atMs)}>
      {relative(atMs, boxNow())}
    </time>
  );
}

/** From one instant to another, or still going: then it ticks. */
export function Span({ fromMs, toMs }: { fromMs: number; toMs: number | null }) {
  return <>{toMs === null ? ticking(boxNow() - fromMs) : duration(toMs - fromMs)}</>;
}
