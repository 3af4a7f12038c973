/** What `application/super+json` packets say beyond JSON: dates, big integers, undefined, sets and maps. For reading only. */

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
  const value: unknown = JSON.parse(text);
  const marks = new Map<string, string>();
  if (type !== SUPER || value === null || typeof value !== "object" || !("json" in value)) return { value, marks };
  const meta = (value as { meta?: { values?: unknown } }).meta;
  collect(meta?.values, "", marks);
  return { value: (value as { json: unknown }).json, marks };
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
