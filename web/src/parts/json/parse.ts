/** A JSON reader that keeps places: where each value stands in the text, and where the first fault is. */

export interface JsonNode {
  kind: "object" | "array" | "string" | "number" | "boolean" | "null";
  start: number;
  end: number;
  value?: string | number | boolean | null;
  /** Of objects and arrays, in order. */
  members?: { key: string; keyStart: number; keyEnd: number; node: JsonNode }[];
  items?: JsonNode[];
}

export interface JsonFault {
  message: string;
  at: number;
}

export type Parsed = { node: JsonNode; fault: null } | { node: null; fault: JsonFault };

const DEPTH_MAX = 200;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS: Record<string, [JsonNode["kind"], boolean | null]> = {
  true: ["boolean", true],
  false: ["boolean", false],
  null: ["null", null],
};

class Fault extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

export function parseJson(text: string): Parsed {
  try {
    const reader = new Reader(text);
    return { node: reader.document(), fault: null };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { node: null, fault: { message: error.message, at: error.at } };
  }
}

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  document(): JsonNode {
    this.space();
    if (this.at >= this.text.length) throw new Fault("There is nothing here: write a JSON value.", this.at);
    const node = this.value(0);
    this.space();
    if (this.at < this.text.length) throw new Fault("Nothing may follow the value.", this.at);
    return node;
  }

  private space(): void {
    while (this.at < this.text.length && " \t\n\r".includes(this.text[this.at] as string)) this.at += 1;
  }

  private value(depth: number): JsonNode {
    if (depth > DEPTH_MAX) throw new Fault(`Nested deeper than ${DEPTH_MAX} levels.`, this.at);
    const first = this.text[this.at];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') {
      const start = this.at;
      return { kind: "string", start, value: this.string(), end: this.at };
    }
    return this.number() ?? this.word();
  }

  private number(): JsonNode | null {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) return null;
    const start = this.at;
    this.at += match[0].length;
    return { kind: "number", start, end: this.at, value: Number(match[0]) };
  }

  private word(): JsonNode {
    const start = this.at;
    const match = /^[A-Za-z_]+/.exec(this.text.slice(start, start + 32));
    const word = match?.[0];
    const known = word ? WORDS[word] : undefined;
    if (!known) {
      const found = word ?? this.text[start];
      if (found === undefined) throw new Fault("The text ends where a value should be.", start);
      throw new Fault(found === "'" ? "Strings stand in double quotes." : `Not a JSON value: ${found}`, start);
    }
    this.at += (word as string).length;
    return { kind: known[0], start, end: this.at, value: known[1] };
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    while (this.at < this.text.length) {
      const char = this.text[this.at] as string;
      if (char === '"') {
        this.at += 1;
        return this.unescape(start);
      }
      if (char < " ")
        throw new Fault(char === "\n" ? "This string is not closed." : "Control characters must be escaped.", this.at);
      this.at += char === "\\" ? 2 : 1;
    }
    throw new Fault("This string is not closed.", start);
  }

  private unescape(start: number): string {
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw new Fault("This string has an escape that JSON does not know.", start);
    }
  }

  private object(depth: number): JsonNode {
    const start = this.at;
    const members: NonNullable<JsonNode["members"]> = [];
    this.at += 1;
    this.space();
    while (this.text[this.at] !== "}") {
      if (this.text[this.at] !== '"') throw this.unexpected("a key in double quotes");
      const keyStart = this.at;
      const key = this.string();
      const keyEnd = this.at;
      this.space();
      this.expect(":");
      this.space();
      members.push({ key, keyStart, keyEnd, node: this.value(depth + 1) });
      this.space();
      if (this.text[this.at] === "}") break;
      this.comma("}");
    }
    this.at += 1;
    return { kind: "object", start, end: this.at, members };
  }

  private array(depth: number): JsonNode {
    const start = this.at;
    const items: JsonNode[] = [];
    this.at += 1;
    this.space();
    while (this.text[this.at] !== "]") {
      items.push(this.value(depth + 1));
      this.space();
      if (this.text[this.at] === "]") break;
      this.comma("]");
    }
    this.at += 1;
    return { kind: "array", start, end: this.at, items };
  }

  private comma(close: string): void {
    if (this.text[this.at] !== ",") throw this.unexpected(`a comma or ${close}`);
    const comma = this.at;
    this.at += 1;
    this.space();
    if (this.text[this.at] === close) throw new Fault(`No comma before ${close}.`, comma);
  }

  private expect(char: string): void {
    if (this.text[this.at] !== char) throw this.unexpected(char);
    this.at += 1;
  }

  private unexpected(wanted: string): Fault {
    const found = this.text[this.at];
    return new Fault(
      found === undefined ? `The text ends where ${wanted} should be.` : `Here should be ${wanted}, not ${found}`,
      this.at,
    );
  }
}

/** The plain value of a node. */
export function toValue(node: JsonNode): unknown {
  if (node.members) return Object.fromEntries(node.members.map((member) => [member.key, toValue(member.node)]));
  if (node.items) return node.items.map(toValue);
  return node.value;
}

/** Line and column of a place in a text, both from 1. */
export function lineAt(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split("\n").length, column: at - before.lastIndexOf("\n") };
}

/** The text laid out for reading; numbers and strings stay letter for letter. Text that is not JSON stays as it is. */
export function pretty(text: string): string {
  const { node } = parseJson(text);
  return node === null ? text : layOut(node, text, "");
}

function layOut(node: JsonNode, text: string, indent: string): string {
  const inner = `${indent}  `;
  if (node.members?.length) {
    const lines = node.members.map(
      (member) => `${inner}${text.slice(member.keyStart, member.keyEnd)}: ${layOut(member.node, text, inner)}`,
    );
    return `{\n${lines.join(",\n")}\n${indent}}`;
  }
  if (node.items?.length) {
    return `[\n${node.items.map((item) => inner + layOut(item, text, inner)).join(",\n")}\n${indent}]`;
  }
  return node.members ? "{}" : node.items ? "[]" : text.slice(node.start, node.end);
}
