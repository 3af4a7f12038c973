/** Where the caret is in a JSON text that may be unfinished: the path of its object, and whether a key is being typed. */

export interface CaretPlace {
  path: (string | number)[];
  /** Set when the caret stands where a key is written: what is typed so far, and the text a chosen key replaces. */
  key: { typed: string; start: number; end: number; hasColon: boolean } | null;
  /** Keys the object around the caret has already. */
  taken: string[];
}

interface Frame {
  kind: "object" | "array";
  key: string | null;
  index: number;
  keys: string[];
  isKeyNext: boolean;
}

const STRING = /"(?:[^"\\\n]|\\.)*"?/y;

export function caretPlace(text: string, caret: number): CaretPlace {
  const frames: Frame[] = [];
  let key: CaretPlace["key"] = null;
  let at = 0;
  while (at < caret) {
    const char = text[at] as string;
    const frame = frames.at(-1);
    if (char === '"') {
      STRING.lastIndex = at;
      const token = STRING.exec(text)?.[0] ?? '"';
      const end = at + token.length;
      const isKey = frame?.kind === "object" && frame.isKeyNext;
      if (caret > at && caret <= end && !(caret === end && token.length > 1 && token.endsWith('"'))) {
        if (isKey) key = { typed: text.slice(at + 1, caret), start: at, end, hasColon: /^\s*:/.test(text.slice(end)) };
        at = caret;
        break;
      }
      if (isKey) {
        frame.key = token.slice(1, token.endsWith('"') && token.length > 1 ? -1 : undefined);
        frame.keys.push(frame.key);
        frame.isKeyNext = false;
      }
      at = end;
      continue;
    }
    if (char === "{") frames.push({ kind: "object", key: null, index: 0, keys: [], isKeyNext: true });
    else if (char === "[") frames.push({ kind: "array", key: null, index: 0, keys: [], isKeyNext: false });
    else if (char === "}" || char === "]") frames.pop();
    else if (char === "," && frame) {
      frame.index += 1;
      frame.key = null;
      frame.isKeyNext = frame.kind === "object";
    }
    at += 1;
  }
  const last = frames.at(-1);
  const path = frames.slice(0, -1).map((frame) => (frame.kind === "array" ? frame.index : (frame.key ?? "")));
  return {
    path,
    key: last?.kind === "object" ? key : null,
    taken: [...(last?.keys ?? []), ...keysAfter(text, caret, key !== null)],
  };
}

/** Keys of the same object behind the caret, so that none is offered twice. */
function keysAfter(text: string, caret: number, isInKey: boolean): string[] {
  const keys: string[] = [];
  let depth = 0;
  let at = caret;
  if (isInKey) {
    // The rest of the key that is being typed is not another key.
    while (at < text.length && !/["{}[\],\n]/.test(text[at] as string)) at += 1;
    if (text[at] === '"') at += 1;
  }
  while (at < text.length && depth >= 0) {
    const char = text[at] as string;
    if (char === '"') {
      STRING.lastIndex = at;
      const token = STRING.exec(text)?.[0] ?? '"';
      at += token.length;
      if (depth === 0 && /^\s*:/.test(text.slice(at))) keys.push(token.slice(1, -1));
      continue;
    }
    if (char === "{" || char === "[") depth += 1;
    if (char === "}" || char === "]") depth -= 1;
    at += 1;
  }
  return keys;
}
