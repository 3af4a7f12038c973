/** Form fields: a label, the control, a hint, and the fault the box or the page found. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon";

interface FieldProps {
  label: string;
  /** Quiet words at the right of the label: `optional`. */
  aside?: ComponentChildren;
  hint?: ComponentChildren;
  fault?: string | null;
  isLarge?: boolean;
  /** Where one begins to type when the page comes up. */
  isFirst?: boolean;
  end?: ComponentChildren;
  onValue: (value: string) => void;
  value: string;
  type?: "text" | "email" | "password";
  placeholder?: string;
  autoComplete?: string;
  required?: boolean;
  maxLength?: number;
  readOnly?: boolean;
  inputMode?: "numeric" | "text" | "email";
  spellcheck?: boolean;
  /** The id of a `datalist` with values to choose from. */
  list?: string;
  class?: string;
}

export function TextField({
  label,
  aside,
  hint,
  fault,
  isLarge = false,
  isFirst = false,
  end,
  onValue,
  class: extra = "",
  type = "text",
  list,
  ...rest
}: FieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.focus();
  }, []);
  const words = fault ?? hint;
  return (
    <div>
      <label class="label" for={id}>
        <span>{label}</span>
        {aside && <span class="t3">{aside}</span>}
      </label>
      <div class={`field${isLarge ? " lg" : ""}${fault ? " is-bad" : ""} ${extra}`.trim()}>
        <input
          {...rest}
          ref={input}
          {...(list ? { list } : {})}
          type={type as "text"}
          id={id}
          aria-invalid={fault ? true : undefined}
          aria-describedby={words ? `${id}-words` : undefined}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
        {end}
      </div>
      {words && (
        <div id={`${id}-words`} class={`hint${fault ? " bad" : ""}`}>
          {words}
        </div>
      )}
    </div>
  );
}

export function PasswordField(props: Omit<FieldProps, "type" | "end">) {
  const [isShown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      type={isShown ? "text" : "password"}
      spellcheck={false}
      end={
        <button
          type="button"
          class="btn icon sm ghost"
          aria-label={isShown ? "Hide password" : "Show password"}
          aria-pressed={isShown}
          onClick={() => setShown(!isShown)}
        >
          <Icon name={isShown ? "eye-off" : "eye"} size={14} />
        </button>
      }
    />
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onValue: (value: string) => void;
  hint?: ComponentChildren;
  icon?: IconName;
}

export function SelectField({ label, value, options, onValue, hint, icon }: SelectProps) {
  const id = useId();
  return (
    <div>
      <label class="label" for={id}>
        <span>{label}</span>
      </label>
      <div class="field select">
        {icon && <Icon name={icon} size={14} />}
        <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevron-down" size={14} />
      </div>
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

interface TagsProps {
  label: string;
  tags: string[];
  max: number;
  onTags: (tags: string[]) => void;
}

/** Tags are added with Enter or a comma and taken away with Backspace or their cross. */
export function TagsField({ label, tags, max, onTags }: TagsProps) {
  const id = useId();
  const [draft, setDraft] = useState("");
  const add = () => {
    const tag = draft.trim();
    if (tag && !tags.includes(tag) && tags.length < max) onTags([...tags, tag]);
    setDraft("");
  };
  return (
    <div>
      <label class="label" for={id}>
        <span>{label}</span>
        {tags.length > 0 && (
          <span class="t3">
            {tags.length} of {max}
          </span>
        )}
      </label>
      <div class="field multi">
        {tags.map((tag) => (
          <span key={tag} class="tagx">
            {tag}
            <button
              type="button"
              class="del"
              aria-label={`Remove tag ${tag}`}
              onClick={() => onTags(tags.filter((other) => other !== tag))}
            >
              <Icon name="x" size={12} />
            </button>
          </span>
        ))}
        <input
          id={id}
          value={draft}
          placeholder={tags.length < max ? "Add…" : ""}
          disabled={tags.length >= max}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if ((event.key === "Enter" && !event.metaKey && !event.ctrlKey) || event.key === ",") {
              event.preventDefault();
              add();
            }
            if (event.key === "Backspace" && draft === "") onTags(tags.slice(0, -1));
          }}
        />
      </div>
    </div>
  );
}

export function SearchField({
  name,
  value,
  onValue,
  keys,
  class: extra = "w240",
  inputRef,
}: {
  name: string;
  value: string;
  onValue: (value: string) => void;
  keys?: string;
  class?: string;
  inputRef?: { current: HTMLInputElement | null };
}) {
  return (
    <div class={`field ${extra}`.trim()} role="search">
      <Icon name="search" />
      <input
        ref={inputRef}
        type="search"
        placeholder={name}
        aria-label={name}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (value) onValue("");
          else event.currentTarget.blur();
          event.stopPropagation();
        }}
      />
      {keys && value === "" && <kbd aria-hidden="true">{keys}</kbd>}
    </div>
  );
}
