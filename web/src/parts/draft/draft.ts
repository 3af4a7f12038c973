/** A run being written: payload, metadata, options; checked before the box sees it. Pure. */

import { type JsonNode, lineAt, parseJson } from "../json/parse";
import { type Schema, validate } from "../json/schema";

export interface Draft {
  payload: string;
  metadata: string;
  /** As typed: numbers and durations are checked when they are sent. */
  options: Record<OptionName, string>;
  tags: string[];
}

export type OptionName =
  | "version"
  | "queue"
  | "concurrencyKey"
  | "machine"
  | "delay"
  | "ttl"
  | "maxAttempts"
  | "maxDuration"
  | "priority"
  | "idempotencyKey"
  | "idempotencyKeyTTL";

export const NO_OPTIONS: Record<OptionName, string> = {
  version: "",
  queue: "",
  concurrencyKey: "",
  machine: "",
  delay: "",
  ttl: "",
  maxAttempts: "",
  maxDuration: "",
  priority: "",
  idempotencyKey: "",
  idempotencyKeyTTL: "",
};

export interface DraftProblem {
  where: "payload" | "metadata";
  path: string;
  message: string;
  line: number;
  start: number;
  end: number;
  fix: { label: string; text: string } | null;
}

/** What is wrong with a text that should be JSON, by the schema if there is one. Empty is no payload, which is fine. */
export function problemsOf(where: DraftProblem["where"], text: string, schema: Schema | null): DraftProblem[] {
  if (text.trim() === "") return [];
  const { node, fault } = parseJson(text);
  if (fault) {
    const { line } = lineAt(text, fault.at);
    return [{ where, path: "", message: fault.message, line, start: fault.at, end: fault.at + 1, fix: null }];
  }
  const found = where === "metadata" ? objectOnly(node) : schema ? validate(node, schema) : [];
  return found.map((problem) => ({ where, ...problem, line: lineAt(text, problem.start).line }));
}

function objectOnly(node: JsonNode): Omit<DraftProblem, "where" | "line">[] {
  return node.kind === "object"
    ? []
    : [{ path: "", message: "Metadata must be an object.", start: node.start, end: node.end, fix: null }];
}

/** The words of a problem: the path in front, where there is one. */
export function words(problem: DraftProblem): string {
  return problem.path === "" ? problem.message.replace(/^must/, "It must").replace(/^has/, "It has") : problem.message;
}

const DURATION = /^(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/;

/** Faults in the options, by name: a word about what is wanted. */
export function optionFaults(options: Draft["options"]): Partial<Record<OptionName, string>> {
  const faults: Partial<Record<OptionName, string>> = {};
  const whole = (name: OptionName, min: number, max: number) => {
    const text = options[name].trim();
    if (text !== "" && !(/^-?\d+$/.test(text) && Number(text) >= min && Number(text) <= max))
      faults[name] = `A whole number from ${min} to ${max}.`;
  };
  const span = (name: OptionName) => {
    const text = options[name].trim();
    if (text !== "" && !DURATION.test(text)) faults[name] = "A number and a unit, such as 20m or 1h30m.";
  };
  whole("maxAttempts", 1, 250);
  whole("maxDuration", 5, 2_147_483_647);
  whole("priority", 0, 2_147_483);
  span("ttl");
  if (!/^\d{4}-\d\d-\d\dT/.test(options.delay.trim())) span("delay");
  if (options.idempotencyKeyTTL.trim() !== "" && !/^\d+[smhd]$/.test(options.idempotencyKeyTTL.trim()))
    faults.idempotencyKeyTTL = "Such as 30d.";
  return faults;
}

/** An object from names and values that are JSON text already: payloads keep every digit. */
function written(members: [name: string, json: string | null][]): string {
  const said = members.filter((member): member is [string, string] => member[1] !== null);
  return `{${said.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
}

const text = (value: string) => (value.trim() === "" ? null : JSON.stringify(value.trim()));
const number = (value: string) => (value.trim() === "" ? null : String(Number(value)));
const raw = (value: string) => (value.trim() === "" ? null : value.trim());

/** What test and replay share. */
function common({ options }: Draft): [string, string | null][] {
  return [
    ["concurrencyKey", text(options.concurrencyKey)],
    ["machine", text(options.machine)],
    ["delay", text(options.delay)],
    ["ttl", text(options.ttl)],
    ["maxAttempts", number(options.maxAttempts)],
    ["maxDuration", number(options.maxDuration)],
    ["priority", number(options.priority)],
    ["idempotencyKey", text(options.idempotencyKey)],
    ["idempotencyKeyTTL", text(options.idempotencyKeyTTL)],
  ];
}

/** The body that starts a test, with only what was said. */
export function testBody(draft: Draft): string {
  const queue = text(draft.options.queue);
  const options = written([
    ...common(draft),
    ["queue", queue === null ? null : written([["name", queue]])],
    ["lockToVersion", text(draft.options.version)],
    ["tags", draft.tags.length > 0 ? JSON.stringify(draft.tags) : null],
    ["metadata", raw(draft.metadata)],
  ]);
  return written([
    ["payload", raw(draft.payload)],
    ["options", options],
  ]);
}

/** The body of a replay: only what differs from the old run, and the environment if it is another one. */
export function replayBody(
  draft: Draft,
  before: Pick<Draft, "payload" | "metadata" | "tags">,
  environmentId: string | null,
): string {
  const isSame =
    draft.tags.length === before.tags.length && draft.tags.every((tag, index) => tag === before.tags[index]);
  const options = written([
    ...common(draft),
    ["queue", text(draft.options.queue)],
    ["version", text(draft.options.version)],
    ["tags", isSame ? null : JSON.stringify(draft.tags)],
    ["payload", draft.payload === before.payload ? null : raw(draft.payload)],
    ["metadata", draft.metadata === before.metadata ? null : raw(draft.metadata)],
  ]);
  return written([
    ["options", options],
    ["environmentId", environmentId === null ? null : JSON.stringify(environmentId)],
  ]);
}

/** Lines that differ from an older text, by place: enough to mark what one has edited. */
export function changedLines(before: string, after: string): ReadonlySet<number> {
  const old = before.split("\n");
  const lines = after.split("\n");
  let head = 0;
  while (head < old.length && head < lines.length && old[head] === lines[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < lines.length - head &&
    old[old.length - 1 - tail] === lines[lines.length - 1 - tail]
  )
    tail += 1;
  return new Set(Array.from({ length: lines.length - tail - head }, (_, index) => head + index));
}
