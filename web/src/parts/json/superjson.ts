/**
 * Packets as values to look at: numbers as they were written, and what `application/super+json` says beyond JSON
 * (dates, big integers, undefined, sets and maps). For reading only.
 */

import { type JsonNode, parseJson } from "./parse";

/** A number that JavaScript would round: it is shown as it was written. */
export class ExactNumber {
  constructor(readonly source: string) {}
  toString(): string {
    return this.source;
  }
}

export interface Marked {
  value: unknown;
  /** The type of a value by its path, as superjson names it: `Date`, `bigint`, `undefined`, `set`, `map`… */
  marks: Map<string, string>;
}

const SUPER = "application/super+json";

export function pathKey(path: (string | number)[]): string {
  return path.map((step) => String(step).replaceAll("\\", "\\\\").replaceAll(".", "\\.")).join(".");
}

/** The value to show and its marks; a packet of another type has none. */
export function readPacket(type: string, text: string): Marked {
  const value = readValue(text);
  const marks = new Map<string, string>();
  if (type !== SUPER || value === null || typeof value !== "object" || !("json" in value)) return { value, marks };
  const meta = (value as { meta?: { values?: unknown } }).meta;
  collect(meta?.values, "", marks);
  return { value: (value as { json: unknown }).json, marks };
}

const PERHAPS_ROUNDED = /\d{16}|\d\.\d{15}|\d[eE]/;

function readValue(text: string): unknown {
  if (PERHAPS_ROUNDED.test(text)) {
    const { node } = parseJson(text);
    if (node) return toValue(node, text);
  }
  return JSON.parse(text);
}

function toValue(node: JsonNode, text: string): unknown {
  if (node.items) return node.items.map((item) => toValue(item, text));
  if (node.members) return Object.fromEntries(node.members.map(({ key, node: inner }) => [key, toValue(inner, text)]));
  if (node.kind !== "number") return node.value;
  const source = text.slice(node.start, node.end);
  return String(Number(source)) === source ? Number(source) : new ExactNumber(source);
}

const MARK = "\u0001as written: ";
const MARKED = /"\\u0001as written: ([^"]+)"/g;

/** The value as JSON text, with its numbers as they were written. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, own) => (own instanceof ExactNumber ? MARK + own.source : own), indent);
  return text.replace(MARKED, "$1");
}

function collect(values: unknown, prefix: string, marks: Map<string, string>): void {
  if (Array.isArray(values)) {
    const [mark, inner] = values;
    const name = Array.isArray(mark) ? String(mark[1] ?? mark[0]) : mark;
    if (typeof name === "string") marks.set(prefix, name);
    collect(inner, prefix, marks);
  } else if (values !== null && typeof values === "object") {
    for (const [path, inner] of Object.entries(values))
      collect(inner, prefix === "" ? path : `${prefix}.${path}`, marks);
  }
}
