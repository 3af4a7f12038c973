/** JSON as a tree: collapse, search, copy a value or its path, big things in parts. */

import { useMemo, useState } from "preact/hooks";
import { copyText } from "../buttons";
import { plain, plural } from "../format";
import { Icon } from "../icon";
import { ExactNumber, jsonText, pathKey } from "./superjson";

const OPEN_DEPTH = 2;
const OPEN_ITEMS_MAX = 30;
const ITEMS_STEP = 100;
const STRING_MAX = 400;

type Path = (string | number)[];

function isBranch(value: unknown): value is Record<string, unknown> | unknown[] {
  return value !== null && typeof value === "object" && !(value instanceof ExactNumber);
}

const entriesOf = (value: Record<string, unknown> | unknown[]): [string | number, unknown][] =>
  Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value);

/** A short list of plain values stands on one line. */
function isInline(value: unknown): value is unknown[] {
  return (
    Array.isArray(value) && value.length <= 8 && value.every((item) => !isBranch(item)) && jsonText(value).length <= 48
  );
}

function Leaf({ value, mark }: { value: unknown; mark: string | undefined }) {
  const [isWhole, setWhole] = useState(false);
  if (mark === "undefined") return <span class="cw">undefined</span>;
  if (mark === "bigint" || mark === "number")
    return (
      <span class="cn">
        {String(value)}
        {mark === "bigint" ? "n" : ""}
      </span>
    );
  if (typeof value === "string") {
    const isLong = value.length > STRING_MAX && !isWhole;
    const text = plain(JSON.stringify(isLong ? value.slice(0, STRING_MAX) : value));
    return (
      <>
        {mark && <span class="cf">{mark}</span>}
        {mark && <span class="cp">(</span>}
        <span class="cs wrap">{isLong ? `${text.slice(0, -1)}…"` : text}</span>
        {mark && <span class="cp">)</span>}
        {isLong && (
          <button type="button" class="link plain meta" onClick={() => setWhole(true)}>
            all {value.length} characters
          </button>
        )}
      </>
    );
  }
  if (typeof value === "number" || value instanceof ExactNumber) return <span class="cn">{String(value)}</span>;
  return <span class="cw">{String(value)}</span>;
}

interface NodeProps {
  name: string | number | null;
  value: unknown;
  path: Path;
  isLast: boolean;
  text: string;
  marks: Map<string, string>;
}

function pathWords(path: Path): string {
  return path
    .map((step) =>
      typeof step === "number" ? `[${step}]` : /^[\w$]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
    )
    .join("")
    .replace(/^\./, "");
}

function CopyMenu({ path, value }: { path: Path; value: unknown }) {
  return (
    <span class="jcopy">
      <button
        type="button"
        title="Copy value"
        aria-label={`Copy value of ${pathWords(path) || "everything"}`}
        onClick={() => copyText(typeof value === "string" ? value : jsonText(value, 2))}
      >
        <Icon name="copy" size={12} />
      </button>
      {path.length > 0 && (
        <button
          type="button"
          title="Copy path"
          aria-label={`Copy path ${pathWords(path)}`}
          onClick={() => copyText(pathWords(path))}
        >
          <Icon name="link" size={12} />
        </button>
      )}
    </span>
  );
}

const Key = ({ name, text }: { name: string | number | null; text: string }) => {
  if (typeof name !== "string") return null;
  const shown = plain(JSON.stringify(name));
  const isHit = text !== "" && name.toLowerCase().includes(text);
  return (
    <>
      <span class={`ck${isHit ? " hit" : ""}`}>{shown}</span>
      <span class="cp">: </span>
    </>
  );
};

function hasHit(value: unknown, text: string): boolean {
  if (text === "") return false;
  return jsonText(value).toLowerCase().includes(text);
}

function Node({ name, value, path, isLast, text, marks }: NodeProps) {
  const mark = marks.get(pathKey(path));
  const depth = path.length;
  const isSmall = !isBranch(value) || entriesOf(value).length <= OPEN_ITEMS_MAX;
  const [isOpenByHand, setOpen] = useState<boolean | null>(null);
  const [limit, setLimit] = useState(ITEMS_STEP);
  const comma = isLast ? null : <span class="cp">,</span>;
  const indent = { paddingLeft: `${20 + depth * 16}px` };
  if (!isBranch(value) || isInline(value)) {
    const isHit = text !== "" && !isBranch(value) && String(value).toLowerCase().includes(text);
    return (
      <div class={`jl${isHit ? " hit" : ""}`} style={indent}>
        <span class="tw" />
        <Key name={name} text={text} />
        {isInline(value) ? (
          <>
            <span class="cp">[</span>
            {value.map((item, index) => (
              <span key={index}>
                <Leaf value={item} mark={undefined} />
                {index < value.length - 1 && <span class="cp">, </span>}
              </span>
            ))}
            <span class="cp">]</span>
          </>
        ) : (
          <Leaf value={value} mark={mark} />
        )}
        {comma}
        <CopyMenu path={path} value={value} />
      </div>
    );
  }
  const isOpen = isOpenByHand ?? (hasHit(value, text) || (depth < OPEN_DEPTH && isSmall));
  const entries = entriesOf(value);
  const [left, right] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return (
    <>
      <div class="jl" style={indent}>
        <button
          type="button"
          class="tw"
          aria-expanded={isOpen}
          aria-label={`${isOpen ? "Close" : "Open"} ${pathWords(path) || "everything"}`}
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name={isOpen ? "chevron-down" : "chevron-right"} size={12} />
        </button>
        <Key name={name} text={text} />
        <span class="cp">{left}</span>
        {!isOpen && (
          <>
            <span class="cp">
              {entries.length > 0 ? " … " : ""}
              {right}
            </span>
            {comma}
            <span class="meta">
              {Array.isArray(value) ? plural(entries.length, "item") : plural(entries.length, "key")}
            </span>
          </>
        )}
        <CopyMenu path={path} value={value} />
      </div>
      {isOpen && (
        <>
          {entries.slice(0, limit).map(([key, child], index) => (
            <Node
              key={key}
              name={key}
              value={child}
              path={[...path, key]}
              isLast={index === entries.length - 1}
              text={text}
              marks={marks}
            />
          ))}
          {entries.length > limit && (
            <div class="jl" style={{ paddingLeft: `${36 + depth * 16}px` }}>
              <button type="button" class="link plain" onClick={() => setLimit(limit + ITEMS_STEP * 10)}>
                {plural(entries.length - limit, "more", "more")}
              </button>
            </div>
          )}
          <div class="jl" style={indent}>
            <span class="tw" />
            <span class="cp">{right}</span>
            {comma}
          </div>
        </>
      )}
    </>
  );
}

const NO_MARKS = new Map<string, string>();

interface Props {
  value: unknown;
  marks?: Map<string, string>;
  name: string;
}

export function JsonView({ value, marks = NO_MARKS, name, text = "" }: Props & { text?: string }) {
  const shown = useMemo(() => value, [value]);
  return (
    <div class="code json" role="group" aria-label={name}>
      <Node name={null} value={shown} path={[]} isLast text={text.trim().toLowerCase()} marks={marks} />
    </div>
  );
}
