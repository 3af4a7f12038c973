/**
 * A small editor for JSON: coloured lines under a transparent text field, line numbers, the faults underlined, and
 * the fields of a schema offered while a key is typed. The text field keeps everything the browser knows: undo,
 * selection, spelling off, screen readers.
 */

import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { caretPlace } from "./place";
import { type Field, fieldsOf, type Schema, schemaAt } from "./schema";
import { colour, type Token } from "./tokens";

export interface Fault {
  start: number;
  end: number;
}

interface Props {
  name: string;
  value: string;
  onValue: (value: string) => void;
  faults: Fault[];
  schema: Schema | null;
  /** Lines that differ from what was there before, for a replay. */
  changedLines?: ReadonlySet<number>;
  class?: string;
  describedBy?: string;
}

const INDENT = "  ";
const OFFERS_MAX = 8;
const CHAR_ROUND = 1000;

/** The pieces of one line, with the faulty part marked. */
function Pieces({ tokens, faults, at }: { tokens: Token[]; faults: Fault[]; at: number }) {
  let place = at;
  return (
    <>
      {tokens.map((token, index) => {
        const start = place;
        place += token.text.length;
        const isFaulty =
          faults.some((fault) => start < Math.max(fault.end, fault.start + 1) && place > fault.start) &&
          token.text.trim() !== "";
        return (
          <span key={index} class={`${token.kind}${isFaulty ? " err" : ""}`}>
            {token.text}
          </span>
        );
      })}
    </>
  );
}

/** Enter keeps the indentation, and adds a step after an opening bracket. */
export function newLine(text: string, caret: number): { insert: string; caret: number } {
  const line = text.slice(text.lastIndexOf("\n", caret - 1) + 1, caret);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  const before = line.trimEnd().at(-1);
  const after = text.slice(caret).trimStart()[0];
  if (before === "{" || before === "[") {
    const inner = `\n${indent}${INDENT}`;
    const closes = after === (before === "{" ? "}" : "]") && /^[ \t]*[}\]]/.test(text.slice(caret));
    return { insert: closes ? `${inner}\n${indent}` : inner, caret: caret + inner.length };
  }
  const insert = `\n${indent}`;
  return { insert, caret: caret + insert.length };
}

/** What may be written at the caret, by the schema. */
export function offersAt(
  text: string,
  caret: number,
  schema: Schema | null,
): { fields: Field[]; start: number; end: number; hasColon: boolean } | null {
  if (schema === null) return null;
  const place = caretPlace(text, caret);
  if (place.key === null) return null;
  const own = schemaAt(schema, place.path);
  if (own === null) return null;
  const typed = place.key.typed.toLowerCase();
  const fields = fieldsOf(own, schema).filter(
    (field) => !place.taken.includes(field.name) && field.name.toLowerCase().includes(typed),
  );
  return fields.length === 0 ? null : { fields: fields.slice(0, OFFERS_MAX), ...place.key };
}

function useCharWidth(element: { current: HTMLTextAreaElement | null }): number {
  const [width, setWidth] = useState(7.5);
  useEffect(() => {
    const measure = () => {
      const context = document.createElement("canvas").getContext("2d");
      if (!context || !element.current) return;
      const style = getComputedStyle(element.current);
      context.font = `${style.fontSize} ${style.fontFamily}`;
      const spacing = Number.parseFloat(style.letterSpacing) || 0;
      setWidth(Math.round((context.measureText("x".repeat(100)).width / 100 + spacing) * CHAR_ROUND) / CHAR_ROUND);
    };
    document.fonts?.ready.then(measure);
    measure();
  }, []);
  return width;
}

const LINE_PX = 22;
const GUTTER_PX = 44;
const TOP_PX = 8;

export function JsonEditor({
  name,
  value,
  onValue,
  faults,
  schema,
  changedLines,
  class: extra = "",
  describedBy,
}: Props) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState(0);
  const [isFocused, setFocused] = useState(false);
  const [isQuiet, setQuiet] = useState(false);
  const [chosen, setChosen] = useState(0);
  const nextCaret = useRef<number | null>(null);
  const charWidth = useCharWidth(area);
  const lines = useMemo(() => value.split("\n"), [value]);
  const longest = Math.max(...lines.map((line) => line.length));
  const caretLine = value.slice(0, caret).split("\n").length - 1;
  const offers = isFocused && !isQuiet ? offersAt(value, caret, schema) : null;
  const at = offers ? Math.min(chosen, offers.fields.length - 1) : 0;

  useLayoutEffect(() => {
    if (nextCaret.current === null || !area.current) return;
    area.current.setSelectionRange(nextCaret.current, nextCaret.current);
    setCaret(nextCaret.current);
    nextCaret.current = null;
  });

  /** Type for the person, so that undo knows it. */
  const type = (start: number, end: number, text: string, then: number) => {
    const element = area.current;
    if (!element) return;
    element.setSelectionRange(start, end);
    nextCaret.current = then;
    // The one way to write into a field that its undo history keeps; browsers without it get the plain change.
    if (!document.execCommand("insertText", false, text)) onValue(value.slice(0, start) + text + value.slice(end));
  };

  const take = (field: Field) => {
    if (!offers) return;
    const text = offers.hasColon ? JSON.stringify(field.name) : `${JSON.stringify(field.name)}: `;
    type(offers.start, offers.end, text, offers.start + text.length);
    setQuiet(true);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (offers) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        setChosen((at + step + offers.fields.length) % offers.fields.length);
        return;
      }
      const field = offers.fields[at];
      if ((event.key === "Enter" || event.key === "Tab") && field && !event.shiftKey) {
        event.preventDefault();
        take(field);
        return;
      }
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        setQuiet(true);
        return;
      }
    }
    if (event.key === "Enter") {
      event.preventDefault();
      const element = area.current as HTMLTextAreaElement;
      const { selectionStart: start, selectionEnd: end } = element;
      const line = newLine(value, start);
      type(start, end, line.insert, line.caret);
    }
  };

  const follow = () => {
    const next = area.current?.selectionStart ?? 0;
    if (next !== caret) {
      setCaret(next);
      setChosen(0);
    }
  };

  let offset = 0;
  const faultLines = new Set(faults.map((fault) => value.slice(0, fault.start).split("\n").length - 1));
  return (
    <div class={`code edt ${extra}`.trim()}>
      <div class="edscroll">
        <div
          class="edl"
          style={{
            width: `${Math.ceil(longest * charWidth) + GUTTER_PX + 24}px`,
            minWidth: "100%",
            height: `${lines.length * LINE_PX + 2 * TOP_PX}px`,
          }}
        >
          <div aria-hidden="true">
            {lines.map((line, index) => {
              const start = offset;
              offset += line.length + 1;
              const look = [
                "ln",
                isFocused && index === caretLine ? "cur" : "",
                faultLines.has(index) ? "lerr" : "",
                changedLines?.has(index) ? "chg" : "",
              ];
              return (
                <div key={index} class={look.filter(Boolean).join(" ")}>
                  <span>{index + 1}</span>
                  <span>
                    <Pieces tokens={colour(line)} faults={faults} at={start} />
                  </span>
                </div>
              );
            })}
          </div>
          <textarea
            ref={area}
            id={id}
            aria-label={name}
            aria-describedby={describedBy}
            aria-invalid={faults.length > 0 ? true : undefined}
            aria-autocomplete={schema ? "list" : undefined}
            aria-controls={offers ? `${id}-offers` : undefined}
            aria-activedescendant={offers ? `${id}-${at}` : undefined}
            value={value}
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            wrap="off"
            onInput={(event) => {
              setQuiet(false);
              onValue(event.currentTarget.value);
              follow();
            }}
            onKeyDown={onKeyDown}
            onSelect={follow}
            onClick={follow}
            onKeyUp={follow}
            onFocus={() => setFocused(true)}
            onBlur={() => setFocused(false)}
          />
          {offers && (
            <Offers
              id={id}
              fields={offers.fields}
              at={at}
              left={GUTTER_PX + 12 + (offers.start - (value.lastIndexOf("\n", offers.start - 1) + 1)) * charWidth}
              top={TOP_PX + (caretLine + 1) * LINE_PX + 4}
              onTake={take}
            />
          )}
        </div>
      </div>
    </div>
  );
}

interface OffersProps {
  id: string;
  fields: Field[];
  at: number;
  left: number;
  top: number;
  onTake: (field: Field) => void;
}

function Offers({ id, fields, at, left, top, onTake }: OffersProps) {
  const note = fields[at]?.description;
  return (
    <div class="menu comp" style={{ left: `${left}px`, top: `${top}px` }}>
      <div role="listbox" id={`${id}-offers`} aria-label="Fields of the schema">
        {fields.map((field, index) => (
          <div
            key={field.name}
            id={`${id}-${index}`}
            class={`it${index === at ? " is-hover" : ""}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onMouseDown={(event) => {
              event.preventDefault();
              onTake(field);
            }}
          >
            <span class="ck2">{field.name}</span>
            <span class="end">{field.kind}</span>
          </div>
        ))}
      </div>
      {note && <div class="doc">{note}</div>}
    </div>
  );
}
