/**
 * The part of JSON Schema that task payloads use (what pydantic, zod and friends write): what is wrong with a
 * value and where, an example that fits, and the fields one may add at a place. The box checks again on the worker.
 */

import type { JsonNode } from "./parse";

export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  prefixItems?: Schema[];
  minItems?: number;
  maxItems?: number;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  default?: unknown;
  examples?: unknown[];
  title?: string;
  description?: string;
}

export interface Problem {
  /** As a person writes it: `items[1].qty`; empty for the whole value. */
  path: string;
  message: string;
  start: number;
  end: number;
  fix: { label: string; text: string } | null;
}

const PROBLEMS_MAX = 50;
const REFS_MAX = 20;

export function asSchema(value: unknown): Schema | null {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Schema) : null;
}

function resolve(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let hops = 0; found.$ref && hops < REFS_MAX; hops += 1) {
    const match = /^#\/(\$defs|definitions)\/(.+)$/.exec(found.$ref);
    const target = match ? root[match[1] as "$defs" | "definitions"]?.[decodeURIComponent(match[2] as string)] : root;
    if (!target) return {};
    const { $ref: _, ...rest } = found;
    found = { ...target, ...rest };
  }
  return found;
}

const kindOf = (node: JsonNode): string =>
  node.kind === "number" && Number.isInteger(node.value) ? "integer" : node.kind;

function fits(kind: string, type: string): boolean {
  return kind === type || (kind === "integer" && type === "number");
}

const article = (type: string) => (/^[aeiou]/.test(type) ? `an ${type}` : type === "null" ? "null" : `a ${type}`);

/** What is wrong with the value, at most 50 problems, in the order of the text. */
export function validate(node: JsonNode, schema: Schema, root: Schema = schema): Problem[] {
  const problems: Problem[] = [];
  check(node, schema, root, "", problems);
  return problems.slice(0, PROBLEMS_MAX).sort((a, b) => a.start - b.start);
}

function check(node: JsonNode, rawSchema: Schema, root: Schema, path: string, problems: Problem[]): void {
  if (problems.length >= PROBLEMS_MAX) return;
  const schema = resolve(rawSchema, root);
  const say = (message: string, fix: Problem["fix"] = null, at: { start: number; end: number } = node) =>
    problems.push({ path, message, start: at.start, end: at.end, fix });

  for (const part of schema.allOf ?? []) check(node, part, root, path, problems);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) checkChoices(node, choices, root, path, problems);

  const types = schema.type === undefined ? [] : [schema.type].flat();
  const kind = kindOf(node);
  if (types.length > 0 && !types.some((type) => fits(kind, type))) {
    say(`must be ${types.map(article).join(" or ")}, got ${article(kind)}.`, typeFix(node, types));
    return;
  }
  if (schema.enum && !schema.enum.some((value) => value === node.value)) {
    say(`must be one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}.`);
    return;
  }
  if (schema.const !== undefined && !node.members && !node.items && schema.const !== node.value) {
    say(`must be ${JSON.stringify(schema.const)}.`, {
      label: `Change to ${JSON.stringify(schema.const)}`,
      text: JSON.stringify(schema.const),
    });
    return;
  }
  if (node.kind === "number") checkNumber(node.value as number, schema, say);
  if (node.kind === "string") checkString(node.value as string, schema, say);
  if (node.members) checkObject(node, schema, root, path, problems, say);
  if (node.items) checkArray(node, schema, root, path, problems, say);
}

type Say = (message: string, fix?: Problem["fix"], at?: { start: number; end: number }) => void;

function typeFix(node: JsonNode, types: string[]): Problem["fix"] {
  if (node.kind === "string" && types.some((type) => type === "number" || type === "integer")) {
    const text = (node.value as string).trim();
    if (text !== "" && Number.isFinite(Number(text))) return { label: `Change to ${text}`, text };
  }
  if (types.includes("string") && (node.kind === "number" || node.kind === "boolean")) {
    const text = JSON.stringify(String(node.value));
    return { label: `Change to ${text}`, text };
  }
  return null;
}

function checkChoices(node: JsonNode, choices: Schema[], root: Schema, path: string, problems: Problem[]): void {
  const tries = choices.map((choice) => {
    const found: Problem[] = [];
    check(node, choice, root, path, found);
    return found;
  });
  if (tries.some((found) => found.length === 0)) return;
  // Several shapes, none fits: show the faults of the one that got furthest into the value.
  const deepest = tries.filter((found) => found.every((problem) => problem.path !== path));
  const types = choices.flatMap((choice) => resolve(choice, root).type);
  if (deepest[0]) problems.push(...deepest[0]);
  else if (types.every((type) => typeof type === "string")) {
    const names = [...new Set(types as string[])];
    problems.push({
      path,
      message: `must be ${names.map(article).join(" or ")}, got ${article(kindOf(node))}.`,
      start: node.start,
      end: node.end,
      fix: typeFix(node, names),
    });
  } else problems.push(...(tries[0] ?? []));
}

function checkNumber(value: number, schema: Schema, say: Say): void {
  if (schema.minimum !== undefined && value < schema.minimum) say(`must be at least ${schema.minimum}.`);
  if (schema.maximum !== undefined && value > schema.maximum) say(`must be at most ${schema.maximum}.`);
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum)
    say(`must be more than ${schema.exclusiveMinimum}.`);
  if (schema.exclusiveMaximum !== undefined && value >= schema.exclusiveMaximum)
    say(`must be less than ${schema.exclusiveMaximum}.`);
}

function checkString(value: string, schema: Schema, say: Say): void {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength)
    say(`must have at least ${schema.minLength} characters.`);
  if (schema.maxLength !== undefined && length > schema.maxLength)
    say(`must have at most ${schema.maxLength} characters.`);
  if (schema.pattern !== undefined && matches(schema.pattern, value) === false) say(`must match ${schema.pattern}`);
}

function matches(pattern: string, value: string): boolean | null {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return null; // a pattern of another language: the worker will judge
  }
}

const child = (path: string, key: string) => (path === "" ? key : `${path}.${key}`);

function checkObject(node: JsonNode, schema: Schema, root: Schema, path: string, problems: Problem[], say: Say): void {
  const members = node.members ?? [];
  for (const name of schema.required ?? []) {
    if (!members.some((member) => member.key === name)) {
      problems.push({
        path: child(path, name),
        message: "is missing.",
        start: node.start,
        end: node.start + 1,
        fix: null,
      });
    }
  }
  for (const member of members) {
    const known = schema.properties?.[member.key];
    if (known) check(member.node, known, root, child(path, member.key), problems);
    else if (schema.additionalProperties === false) {
      say(`has a field the schema does not know: ${member.key}`, null, { start: member.keyStart, end: member.keyEnd });
    } else if (typeof schema.additionalProperties === "object") {
      check(member.node, schema.additionalProperties, root, child(path, member.key), problems);
    }
  }
}

function checkArray(node: JsonNode, schema: Schema, root: Schema, path: string, problems: Problem[], say: Say): void {
  const items = node.items ?? [];
  if (schema.minItems !== undefined && items.length < schema.minItems)
    say(`must have at least ${schema.minItems} items.`);
  if (schema.maxItems !== undefined && items.length > schema.maxItems)
    say(`must have at most ${schema.maxItems} items.`);
  items.forEach((item, index) => {
    const own = schema.prefixItems?.[index] ?? schema.items;
    if (own) check(item, own, root, `${path}[${index}]`, problems);
  });
}

const EXAMPLE_DEPTH = 6;
const FORMATS: Record<string, string> = {
  "date-time": "2026-01-31T09:30:00Z",
  date: "2026-01-31",
  time: "09:30:00",
  duration: "PT30S",
  email: "someone@example.com",
  uri: "https://example.com",
  uuid: "3f0c9a4e-8d1b-4c62-9f57-2b6f1f0a7d11",
  ipv4: "192.0.2.1",
};

/** A value that fits: examples and defaults first, then the plainest of each type; optional fields are left out. */
export function example(rawSchema: Schema, root: Schema = rawSchema, depth = 0): unknown {
  const schema = resolve(rawSchema, root);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum?.length) return schema.enum[0];
  const choice = (schema.anyOf ?? schema.oneOf)?.find((option) => resolve(option, root).type !== "null");
  if (choice) return example(choice, root, depth);
  if (schema.allOf?.length) return Object.assign({}, ...schema.allOf.map((part) => example(part, root, depth)));
  const type = [schema.type].flat()[0] ?? (schema.properties ? "object" : "null");
  switch (type) {
    case "object":
      if (depth >= EXAMPLE_DEPTH) return {};
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => depth === 0 || schema.required?.includes(name))
          .map(([name, property]) => [name, example(property, root, depth + 1)]),
      );
    case "array":
      return depth >= EXAMPLE_DEPTH || !schema.items ? [] : [example(schema.items, root, depth + 1)];
    case "string":
      return FORMATS[schema.format ?? ""] ?? "x".repeat(schema.minLength ?? 0);
    case "integer":
    case "number":
      return schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : 0);
    case "boolean":
      return false;
    default:
      return null;
  }
}

export interface Field {
  name: string;
  /** `boolean, optional` */
  kind: string;
  description: string | null;
  isRequired: boolean;
}

/** The schema at a path of keys and indexes. */
export function schemaAt(root: Schema, path: (string | number)[]): Schema | null {
  let schema: Schema | null = resolve(root, root);
  for (const step of path) {
    if (!schema) return null;
    const options: Schema[] = [
      schema,
      ...(schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []).map((option) => resolve(option, root)),
    ];
    const next = options
      .map((option) =>
        typeof step === "number" ? (option.prefixItems?.[step] ?? option.items) : option.properties?.[step],
      )
      .find((found) => found !== undefined);
    schema = next ? resolve(next, root) : null;
  }
  return schema;
}

export function fieldsOf(schema: Schema, root: Schema): Field[] {
  const options = [
    schema,
    ...(schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []).map((option) => resolve(option, root)),
  ];
  const seen = new Map<string, Field>();
  for (const option of options) {
    for (const [name, raw] of Object.entries(option.properties ?? {})) {
      const property = resolve(raw, root);
      const isRequired = option.required?.includes(name) ?? false;
      const kind = describe(property, root);
      if (!seen.has(name)) {
        seen.set(name, {
          name,
          kind: isRequired ? kind : `${kind}, optional`,
          description: property.description ?? null,
          isRequired,
        });
      }
    }
  }
  return [...seen.values()].sort((a, b) => Number(b.isRequired) - Number(a.isRequired));
}

export function describe(rawSchema: Schema, root: Schema): string {
  const schema = resolve(rawSchema, root);
  if (schema.enum) return "enum";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.format) return schema.format;
  if (schema.type)
    return [schema.type]
      .flat()
      .filter((type) => type !== "null")
      .join(" or ");
  const choices = (schema.anyOf ?? schema.oneOf)
    ?.map((choice) => describe(choice, root))
    .filter((kind) => kind !== "null" && kind !== "");
  return choices?.length ? [...new Set(choices)].join(" or ") : "any";
}
