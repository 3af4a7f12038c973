/** How fresh the page is: a green mark, or since when it is not live. */

import { BANNER_MS, freshAtMs, live, silentMs } from "../data/live";
import { clockTime, duration, short } from "./format";
import { Icon } from "./icon";

export function LiveMark() {
  switch (live.value) {
    case "live":
      return (
        <span class="live" role="status">
          <span class="dot" />
          Live
        </span>
      );
    case "stale":
      return (
        <span class="live stale" role="status">
          <span class="dot" />
          <span>
            Not live for <span aria-hidden="true">{short(silentMs.value)}</span>
            <span class="vh">some time</span>, trying again
          </span>
        </span>
      );
    default:
      return (
        <span class="live">
          <span class="dot off" />
          Connecting
        </span>
      );
  }
}

/** After a minute of silence the page says from when is what you see. */
export function NotLiveBanner({ onReload }: { onReload: () => void }) {
  if (live.value !== "stale" || silentMs.value < BANNER_MS) return null;
  return (
    <div class="banner warn" role="status">
      <Icon name="warn" />
      <span class="grow">
        Not live for {duration(silentMs.value)}.{" "}
        {freshAtMs.value !== null && `What you see is from ${clockTime(freshAtMs.value, { withMs: false })}.`} The box
        does not answer; the page tries again by itself.
      </span>
      <button type="button" class="btn sm" onClick={onReload}>
        Reload
      </button>
    </div>
  );
}
