/** Something the page reads from the box: its data, whether new data is under way, and what went wrong. */

import { type ReadonlySignal, signal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "./api";
import { onReopened } from "./live";

export interface Resource<T> {
  /** The last data that came, kept while newer data loads (the page dims it) and when that fails. */
  data: ReadonlySignal<T | null>;
  error: ReadonlySignal<ApiError | null>;
  isLoading: ReadonlySignal<boolean>;
  reload: () => void;
  /** Change what is shown without asking the box, for news from the live stream. */
  patch: (change: (data: T) => T) => void;
}

/**
 * Read when `key` changes, on `reload`, and when the live stream is back after a silence.
 * An answer to an older question never replaces a newer one.
 */
export function useResource<T>(key: string | null, read: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const latest = useRef(read);
  latest.current = read;
  const state = useMemo(() => {
    const data = signal<T | null>(null);
    const error = signal<ApiError | null>(null);
    const isLoading = signal(key !== null);
    const asked = signal(0);
    return {
      data,
      error,
      isLoading,
      asked,
      reload: () => {
        asked.value += 1;
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
    state.isLoading.value = true;
    latest.current(controller.signal).then(
      (value) => {
        if (controller.signal.aborted) return;
        state.data.value = value;
        state.error.value = null;
        state.isLoading.value = false;
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        if (!(reason instanceof ApiError)) throw reason;
        state.error.value = reason;
        state.isLoading.value = false;
      },
    );
    return () => controller.abort();
  });
  useEffect(() => onReopened(state.reload), []);
  return state;
}
