/** What the live stream does to a list of runs. Pure: newer rows win, new ones wait behind a bar. */

import type { RunRow } from "../../data/types";
import { periodMs, type RunFilters } from "./filters";

/** Of two rows of one run the one with the higher version is the truth. */
export function newer(current: RunRow, incoming: RunRow): RunRow {
  return incoming.version >= current.version ? incoming : current;
}

const oneOf = (values: string[], value: string | null) =>
  values.length === 0 || (value !== null && values.includes(value));

/** Whether a run belongs in the view, judged by its row as the box would. */
export function belongs(row: RunRow, filters: RunFilters, nowMs: number): boolean {
  const { values } = filters;
  const span = filters.period === null ? null : periodMs(filters.period);
  if (span !== null && row.createdAtMs < nowMs - span) return false;
  if (filters.from !== null && row.createdAtMs < filters.from) return false;
  if (filters.to !== null && row.createdAtMs > filters.to) return false;
  if (filters.rootOnly && row.parentId !== null) return false;
  if (values.test.length > 0 && !row.isTest) return false;
  const hasTags =
    filters.tagMode === "all"
      ? values.tag.every((tag) => row.tags.includes(tag))
      : values.tag.some((tag) => row.tags.includes(tag));
  return (
    oneOf(values.status, row.status) &&
    oneOf(values.task, row.task) &&
    oneOf(values.queue, row.queue) &&
    oneOf(values.version, row.taskVersion) &&
    oneOf(values.run, row.id) &&
    oneOf(values.parent, row.parentId) &&
    (values.tag.length === 0 || hasTags)
  );
}

/** Runs that came after the newest one shown and belong in the view: their ids wait behind the bar. */
export function arrivals(shown: RunRow[], incoming: RunRow[], filters: RunFilters, nowMs: number): string[] {
  if (filters.cursor !== null) return [];
  const known = new Set(shown.map((row) => row.id));
  const newest = Math.max(0, ...shown.map((row) => row.createdAtMs));
  return incoming
    .filter((row) => !known.has(row.id) && row.createdAtMs >= newest && belongs(row, filters, nowMs))
    .map((row) => row.id);
}

export interface Share {
  queuedPx: number;
  ranPx: number;
}

const WIDTH_PX = 54;
const LONGEST_S = 300;

/** The little bar of a row: a logarithmic length, split between waiting and running. */
export function share(queuedMs: number, ranMs: number): Share {
  const total = queuedMs + ranMs;
  if (total <= 0) return { queuedPx: 0, ranPx: 0 };
  const width = Math.min(WIDTH_PX, Math.max(2, (WIDTH_PX * Math.log1p(total / 1000)) / Math.log1p(LONGEST_S)));
  const queuedPx = queuedMs > 0 ? Math.max(1, Math.round((width * queuedMs) / total)) : 0;
  return { queuedPx, ranPx: ranMs > 0 ? Math.max(2, Math.round(width - queuedPx)) : 0 };
}

/** Ids between two rows, both included, in the order of the list: for a click with Shift. */
export function between(ids: string[], from: string, to: string): string[] {
  const [a, b] = [ids.indexOf(from), ids.indexOf(to)];
  if (a < 0 || b < 0) return [to];
  return ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}
