/** The filters of the runs list as the address holds them. Pure: text in, text out. */

import type { RunStatus } from "../../data/types";
import { dayAndTime } from "../../parts/format";
import type { IconName } from "../../parts/icon";
import { ALL_STATUSES, STATUSES } from "../../parts/statuses";

export type FilterName = "status" | "task" | "tag" | "queue" | "version" | "run" | "parent" | "test";

export interface FilterFacts {
  name: FilterName;
  title: string;
  icon: IconName;
  /** `list`: values chosen from a list; `text`: typed; `flag`: on or off. */
  kind: "list" | "text" | "flag";
  placeholder: string;
}

export const FILTERS: FilterFacts[] = [
  { name: "status", title: "Status", icon: "clock", kind: "list", placeholder: "Find a status" },
  { name: "task", title: "Task", icon: "task", kind: "list", placeholder: "Find a task" },
  { name: "tag", title: "Tags", icon: "tag", kind: "list", placeholder: "Find a tag" },
  { name: "queue", title: "Queue", icon: "queues", kind: "list", placeholder: "Find a queue" },
  { name: "version", title: "Version", icon: "deploys", kind: "list", placeholder: "Find a version" },
  { name: "run", title: "Run ID", icon: "runs", kind: "text", placeholder: "run_…" },
  { name: "parent", title: "Parent run", icon: "child", kind: "text", placeholder: "run_…" },
  { name: "test", title: "Test runs only", icon: "play", kind: "flag", placeholder: "" },
];

export const PERIODS: [text: string, words: string][] = [
  ["1m", "Last 1 min"],
  ["5m", "Last 5 min"],
  ["30m", "Last 30 min"],
  ["1h", "Last 1 hour"],
  ["6h", "Last 6 hours"],
  ["12h", "Last 12 hours"],
  ["1d", "Last 1 day"],
  ["3d", "Last 3 days"],
  ["5d", "Last 5 days"],
  ["7d", "Last 7 days"],
  ["14d", "Last 14 days"],
  ["30d", "Last 30 days"],
];

export const PERIOD_DEFAULT = "7d";
export const PERIOD_ALL = "all";
const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_WORD: Record<string, string> = { m: "min", h: "hour", d: "day" };

export function periodMs(period: string): number | null {
  const match = /^([1-9]\d{0,4})([mhd])$/.exec(period);
  return match ? Number(match[1]) * (UNIT_MS[match[2] as string] as number) : null;
}

export interface RunFilters {
  values: Record<FilterName, string[]>;
  tagMode: "any" | "all";
  rootOnly: boolean;
  /** A period such as `7d`, `all`, or null when from/to are set. */
  period: string | null;
  from: number | null;
  to: number | null;
  cursor: string | null;
}

/** A value may hold a comma, so a list is a repeated parameter. */
const all = (params: URLSearchParams, name: string) => [
  ...new Set(
    params
      .getAll(name)
      .map((part) => part.trim())
      .filter(Boolean),
  ),
];

const instant = (text: string | null) => {
  const value = Number(text);
  return text && Number.isSafeInteger(value) && value > 0 ? value : null;
};

/** Read an address. What is not understood is left out rather than shown wrong. */
export function readFilters(search: string): RunFilters {
  const params = new URLSearchParams(search);
  const from = instant(params.get("from"));
  const to = instant(params.get("to"));
  const asked = params.get("period");
  const period = asked !== null && (asked === PERIOD_ALL || periodMs(asked) !== null) ? asked : PERIOD_DEFAULT;
  return {
    values: {
      status: all(params, "status").filter((status) => ALL_STATUSES.includes(status as RunStatus)),
      task: all(params, "task"),
      tag: all(params, "tag"),
      queue: all(params, "queue"),
      version: all(params, "version"),
      run: all(params, "run"),
      parent: all(params, "parent"),
      test: params.get("test") === "true" ? ["true"] : [],
    },
    tagMode: params.get("tagMode") === "all" ? "all" : "any",
    rootOnly: params.get("rootOnly") === "true",
    period: from !== null || to !== null ? null : period,
    from,
    to,
    cursor: params.get("cursor"),
  };
}

/** Write an address, in one order, defaults left out: equal views have equal addresses. */
export function writeFilters(filters: RunFilters): string {
  const params = new URLSearchParams();
  if (filters.from !== null) params.set("from", String(filters.from));
  if (filters.to !== null) params.set("to", String(filters.to));
  if (filters.period !== null && filters.period !== PERIOD_DEFAULT) params.set("period", filters.period);
  for (const { name } of FILTERS) for (const value of filters.values[name]) params.append(name, value);
  if (filters.tagMode === "all" && filters.values.tag.length > 1) params.set("tagMode", "all");
  if (filters.rootOnly) params.set("rootOnly", "true");
  if (filters.cursor) params.set("cursor", filters.cursor);
  const text = params.toString();
  return text ? `?${text}` : "";
}

/** A change of what is looked for starts at the first page again. */
export function withFilter(filters: RunFilters, name: FilterName, values: string[]): RunFilters {
  return { ...filters, values: { ...filters.values, [name]: values }, cursor: null };
}

export function withoutFilters(filters: RunFilters): RunFilters {
  return { ...readFilters(""), period: filters.period, from: filters.from, to: filters.to };
}

export function activeFilters(filters: RunFilters): FilterFacts[] {
  return FILTERS.filter(({ name }) => filters.values[name].length > 0);
}

export function isFiltered(filters: RunFilters): boolean {
  return activeFilters(filters).length > 0 || filters.rootOnly;
}

/** The middle and the end of a chip: `is any of`, `3 statuses`. */
export function chipWords(filters: RunFilters, { name, kind }: FilterFacts): { op: string; value: string } {
  const values = filters.values[name];
  if (kind === "flag") return { op: "", value: "on" };
  const [first = ""] = values;
  const shown = name === "status" ? STATUSES[first as RunStatus].word : first;
  if (values.length === 1) return { op: "is", value: shown };
  const op = name === "tag" && filters.tagMode === "all" ? "has all of" : "is any of";
  const noun: Record<string, string> = {
    status: "statuses",
    task: "tasks",
    tag: "tags",
    queue: "queues",
    version: "versions",
  };
  return { op, value: `${values.length} ${noun[name] ?? "values"}` };
}

export function timeWords(filters: RunFilters): string {
  if (filters.period === null) {
    const from = filters.from === null ? "the beginning" : dayAndTime(filters.from);
    return `${from} to ${filters.to === null ? "now" : dayAndTime(filters.to)}`;
  }
  if (filters.period === PERIOD_ALL) return "All retained";
  const preset = PERIODS.find(([text]) => text === filters.period);
  if (preset) return preset[1];
  const [, number = "", unit = ""] = /^(\d+)([mhd])$/.exec(filters.period) ?? [];
  return `Last ${number} ${UNIT_WORD[unit]}${number === "1" || unit === "m" ? "" : "s"}`;
}

/** The window in words for the foot: `Created Nov 17, 16:04 to now`. */
export function windowWords(filters: RunFilters, nowMs: number): string {
  if (filters.period === PERIOD_ALL) return "Created at any time";
  const span = filters.period === null ? null : periodMs(filters.period);
  const from = span === null ? filters.from : nowMs - span;
  return `Created ${from === null ? "before" : `${dayAndTime(from)} to`} ${filters.to === null ? "now" : dayAndTime(filters.to)}`;
}
