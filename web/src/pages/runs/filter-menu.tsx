/** Add or change a filter: its name at the left with type-ahead, its values at the right, from the box. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Marked } from "../../app/palette-rows";
import { usePlace } from "../../app/place";
import { api } from "../../data/api";
import { useResource } from "../../data/resource";
import type { RunStatus } from "../../data/types";
import { Segments } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";
import { Menu } from "../../parts/menu";
import { StatusGlyph } from "../../parts/status";
import { ALL_STATUSES, STATUSES } from "../../parts/statuses";
import { FILTERS, type FilterFacts, type FilterName, type RunFilters, withFilter } from "./filters";

interface ValuesProps {
  facts: FilterFacts;
  filters: RunFilters;
  onApply: (filters: RunFilters) => void;
}

interface Value {
  value: string;
}

const wordOf = (name: FilterName, value: string) => (name === "status" ? STATUSES[value as RunStatus].word : value);

function useValues(name: FilterName, text: string): Value[] | null {
  const { environment } = usePlace();
  const isFixed = name === "status";
  const answer = useResource(isFixed ? null : `${name} ${text}`, (signal) =>
    api.filterValues(environment.id, name, text, signal),
  );
  if (!isFixed) return answer.data.value?.values.map((value) => ({ value })) ?? null;
  const part = text.toLowerCase();
  return ALL_STATUSES.filter((status) => STATUSES[status].word.toLowerCase().includes(part)).map((value) => ({
    value,
    count: null,
  }));
}

function ListValues({ facts, filters, onApply }: ValuesProps) {
  const { name, placeholder, icon } = facts;
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string[]>(filters.values[name]);
  const [mode, setMode] = useState(filters.tagMode);
  const field = useRef<HTMLInputElement>(null);
  const found = useValues(name, text);
  useEffect(() => field.current?.focus(), [name]);
  const isOn = (value: string) => chosen.includes(value);
  const toggle = (value: string) =>
    setChosen(isOn(value) ? chosen.filter((other) => other !== value) : [...chosen, value]);
  const rest = (found ?? []).filter(({ value }) => !filters.values[name].includes(value));
  const apply = () => onApply({ ...withFilter(filters, name, chosen), tagMode: mode });

  const option = ({ value }: Value) => (
    <label key={value} class="it">
      <input type="checkbox" class="check" checked={isOn(value)} onChange={() => toggle(value)} />
      {name === "status" && <StatusGlyph status={value as RunStatus} />}
      <span class="clip">{wordOf(name, value)}</span>
    </label>
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <div class="fin">
        <Icon name={icon} class="t3" />
        <input
          ref={field}
          placeholder={placeholder}
          aria-label={placeholder}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            const only = rest.length === 1 ? rest[0] : undefined;
            if (event.key === "Enter" && text && only && !isOn(only.value)) {
              event.preventDefault();
              toggle(only.value);
              setText("");
            }
          }}
        />
        {name === "tag" && (
          <Segments
            name="Match"
            class="sm"
            value={mode}
            options={[
              { value: "any", label: "Any" },
              { value: "all", label: "All" },
            ]}
            onChange={setMode}
          />
        )}
      </div>
      <fieldset class="values" aria-label={facts.title}>
        {filters.values[name].length > 0 && <div class="lab">Chosen</div>}
        {filters.values[name].map((value) => option({ value }))}
        {filters.values[name].length > 0 && rest.length > 0 && <div class="lab">More</div>}
        {rest.map(option)}
        {found === null && <div class="lab">Looking…</div>}
        {found !== null && rest.length === 0 && filters.values[name].length === 0 && (
          <div class="lab">Nothing found</div>
        )}
      </fieldset>
      <div class="rule" role="presentation" />
      <div class="row ffoot small t3">
        <span>{chosen.length > 0 ? `${chosen.length} chosen` : "None chosen: all"}</span>
        <span class="end row g3">
          <button type="submit" class="btn sm primary">
            Apply
            <Kbd keys="enter" />
          </button>
        </span>
      </div>
    </form>
  );
}

function TextValue({ facts, filters, onApply }: ValuesProps) {
  const [text, setText] = useState(filters.values[facts.name].join(" "));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onApply(withFilter(filters, facts.name, text.split(/[\s,]+/).filter(Boolean)));
      }}
    >
      <div class="fin">
        <Icon name={facts.icon} class="t3" />
        <input
          ref={field}
          class="mono"
          placeholder={facts.placeholder}
          aria-label={facts.title}
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <p class="lab">One or several, with spaces between.</p>
      <div class="row ffoot small t3">
        <span class="end">
          <button type="submit" class="btn sm primary">
            Apply
            <Kbd keys="enter" />
          </button>
        </span>
      </div>
    </form>
  );
}

interface PickerProps {
  filters: RunFilters;
  first: FilterName | null;
  onApply: (filters: RunFilters) => void;
}

function Picker({ filters, first, onApply }: PickerProps) {
  const [text, setText] = useState("");
  const [name, setName] = useState<FilterName>(first ?? "status");
  const names = FILTERS.filter((facts) => facts.title.toLowerCase().includes(text.trim().toLowerCase()));
  const facts = FILTERS.find((own) => own.name === name) as FilterFacts;
  const choose = (next: FilterFacts) => {
    if (next.kind === "flag") onApply(withFilter(filters, next.name, ["true"]));
    else setName(next.name);
  };
  return (
    <>
      <div>
        <div class="fin">
          <Icon name="search" class="t3" />
          <input
            placeholder="Filter by"
            aria-label="Filter by"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              const numbered = FILTERS[Number(event.key) - 1];
              if (text === "" && numbered) {
                event.preventDefault();
                choose(numbered);
              }
              if (event.key === "Enter" && names[0]) {
                event.preventDefault();
                choose(names[0]);
              }
            }}
          />
        </div>
        <div role="group" aria-label="Filters">
          {names.map((own) => (
            <button
              key={own.name}
              type="button"
              class={`it${own.name === name ? " is-hover" : ""}`}
              aria-pressed={own.name === name}
              onClick={() => choose(own)}
            >
              <Icon name={own.icon} />
              <span>
                <Marked text={own.title} part={text.trim()} />
              </span>
              <kbd aria-hidden="true">{FILTERS.indexOf(own) + 1}</kbd>
            </button>
          ))}
        </div>
      </div>
      <div>
        {facts.kind === "list" ? (
          <ListValues key={name} facts={facts} filters={filters} onApply={onApply} />
        ) : (
          <TextValue key={name} facts={facts} filters={filters} onApply={onApply} />
        )}
      </div>
    </>
  );
}

interface Props {
  filters: RunFilters;
  onChange: (filters: RunFilters) => void;
  openCount: number;
}

export function FilterMenu({ filters, onChange, openCount }: Props) {
  return (
    <Menu
      label={
        <span>
          <Icon name="plus" size={14} class="t3" />
          Filter <Kbd keys="f" />
        </span>
      }
      look="chip dash"
      name="Add a filter"
      prefix="Add a"
      kind="dialog"
      class="fmenu"
      openCount={openCount}
    >
      {(close) => (
        <Picker
          filters={filters}
          first={null}
          onApply={(next) => {
            close();
            onChange(next);
          }}
        />
      )}
    </Menu>
  );
}

/** A filter that holds: its words, a click to change it, a cross to take it away. */
export function FilterChip({
  facts,
  filters,
  words,
  onChange,
}: {
  facts: FilterFacts;
  filters: RunFilters;
  words: { op: string; value: string };
  onChange: (filters: RunFilters) => void;
}) {
  return (
    <span class="chip">
      <Menu
        label={
          <>
            <span class="k">{facts.title}</span>
            {words.op && <span class="op">{words.op}</span>}
            <span class="v">{words.value}</span>
          </>
        }
        look="chipbody"
        name={`${facts.title} ${words.op} ${words.value}`}
        kind="dialog"
        class="fmenu"
      >
        {(close) => (
          <Picker
            filters={filters}
            first={facts.name}
            onApply={(next) => {
              close();
              onChange(next);
            }}
          />
        )}
      </Menu>
      <button
        type="button"
        class="del"
        aria-label={`Remove filter ${facts.title}`}
        onClick={() => onChange(withFilter(filters, facts.name, []))}
      >
        <Icon name="x" size={12} />
      </button>
    </span>
  );
}
