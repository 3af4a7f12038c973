/** How many runs are active, failed and queued in the environment that is shown: for the menu and the phone's tabs. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, api } from "./api";
import { onFollowed, onNews } from "./live";
import type { RunCounts } from "./types";

const REREAD_MS = 2000;

export const counts = signal<RunCounts | null>(null);

/** Keep the counts of an environment fresh while the component is there. */
export function useCounts(environmentId: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const read = async () => {
      try {
        const value = await api.runCounts(environmentId, "");
        if (!isGone) counts.value = value;
      } catch (error) {
        // The page says what is wrong with the box; a missing figure needs no second voice.
        if (!(error instanceof ApiError)) throw error;
      }
    };
    counts.value = null;
    read();
    const stop = onNews((news) => {
      if (timer !== undefined || (news.runs.length === 0 && !news.isGap)) return;
      timer = setTimeout(() => {
        timer = undefined;
        if (!document.hidden) read();
      }, REREAD_MS);
    });
    const stopFollowed = onFollowed(read);
    return () => {
      isGone = true;
      stop();
      stopFollowed();
      clearTimeout(timer);
    };
  }, [environmentId]);
}
