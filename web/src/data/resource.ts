/** Something the page reads from the box: its data, whether new data is under way, and what went wrong. */

import { type ReadonlySignal, signal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "./api";
import { onFollowed } from "./live";

export interface Resource<T> {
  /** The last data that came, kept while newer data loads (the page dims it) and when that fails. */
  data: ReadonlySignal<T | null>;
  error: ReadonlySignal<ApiError | null>;
  isLoading: ReadonlySignal<boolean>;
  reload: () => void;
  /** Read again without a sign of it: what is shown stays as it is until the answer is here. */
  refresh: () => void;
  /** Change what is shown without asking the box, for news from the live stream. */
  patch: (change: (data: T) => T) => void;
}

/**
 * Read when `key` changes, on `reload`, and when the live stream begins or is back after a silence.
 * An answer to an older question never replaces a newer one.
 */
export function useResource<T>(
  key: string | null,
  read: (signal: AbortSignal) => Promise<T>,
  /** Gets what `refresh` has brought; true when the page has taken it in and what is shown stays. */
  takeIn?: (fresh: T) => boolean,
): Resource<T> {
  const latest = useRef(read);
  latest.current = read;
  const taking = useRef(takeIn);
  taking.current = takeIn;
  const state = useMemo(() => {
    const data = signal<T | null>(null);
    const error = signal<ApiError | null>(null);
    const isLoading = signal(key !== null);
    const asked = signal(0);
    const turn = { isQuiet: false, isUnderWay: false, isWantedAgain: false };
    return {
      data,
      error,
      isLoading,
      asked,
      turn,
      reload: () => {
        asked.value += 1;
      },
      refresh: () => {
        // What is under way is let through, so that a slow box shows something; then it is asked once more.
        if (turn.isUnderWay) turn.isWantedAgain = true;
        else {
          turn.isQuiet = true;
          asked.value += 1;
        }
      },
      patch: (change: (value: T) => T) => {
        if (data.peek() !== null) data.value = change(data.peek() as T);
      },
    };
  }, []);
  const keySignal = useMemo(() => signal(key), []);
  keySignal.value = key;
  useSignalEffect(() => {
    state.asked.value;
    if (keySignal.value === null) return;
    const controller = new AbortController();
    const { turn } = state;
    const { isQuiet } = turn;
    if (!isQuiet) state.isLoading.value = true;
    turn.isQuiet = false;
    turn.isUnderWay = true;
    turn.isWantedAgain = false;
    const answered = () => {
      state.isLoading.value = false;
      turn.isUnderWay = false;
      if (turn.isWantedAgain) state.refresh();
    };
    latest.current(controller.signal).then(
      (value) => {
        if (controller.signal.aborted) return;
        const isTakenIn = isQuiet && state.data.peek() !== null && taking.current?.(value);
        if (!isTakenIn) state.data.value = value;
        state.error.value = null;
        answered();
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        if (!(reason instanceof ApiError)) throw reason;
        state.error.value = reason;
        answered();
      },
    );
    return () => controller.abort();
  });
  useEffect(() => onFollowed(state.refresh), []);
  return state;
}
