/** Buttons with a memory or a special manner: copy, switch, segments. Plain buttons are plain `<button class="btn">`. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { say } from "../app/toasts";
import { Icon, type IconName } from "./icon";

const COPIED_MS = 1500;

/** The clipboard is missing on plain http away from localhost: select-and-copy still works there. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "vh";
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}

interface CopyProps {
  text: string | (() => string | Promise<string>);
  /** What is copied, for the name of the button: `Copy run id`. */
  name: string;
  label?: string;
  size?: 14 | 16;
  class?: string;
}

export function CopyButton({ text, name, label, size = 16, class: look = "btn icon ghost sm" }: CopyProps) {
  const isDone = useSignal(false);
  const copy = async () => {
    const isCopied = await copyText(typeof text === "string" ? text : await text());
    if (!isCopied) return say("bad", "The browser did not allow copying.");
    isDone.value = true;
    setTimeout(() => {
      isDone.value = false;
    }, COPIED_MS);
  };
  return (
    <button
      type="button"
      class={`${look}${isDone.value ? " done" : ""}`}
      aria-label={label ? undefined : name}
      title={name}
      onClick={copy}
    >
      <Icon name={isDone.value ? "check" : "copy"} size={size} />
      {label && (isDone.value ? "Copied" : label)}
    </button>
  );
}

interface SwitchProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function Switch({ label, isOn, onChange }: SwitchProps) {
  return (
    <label class="row g3 small t2 switch">
      <input
        type="checkbox"
        role="switch"
        aria-checked={isOn}
        class="toggle"
        checked={isOn}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

interface SegmentsProps<T extends string> {
  name: string;
  options: { value: T; label: ComponentChildren }[];
  value: T;
  onChange: (value: T) => void;
  class?: string;
}

export function Segments<T extends string>({ name, options, value, onChange, class: extra = "" }: SegmentsProps<T>) {
  return (
    <fieldset class={`seg ${extra}`.trim()} aria-label={name}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

/** A tick box in our look; `some` when a part of what it stands for is chosen. */
export function Tick({
  isOn,
  isSome = false,
  isOff = false,
  name,
  onChange,
}: {
  isOn: boolean;
  isSome?: boolean;
  isOff?: boolean;
  name: string;
  onChange: (isOn: boolean, event: MouseEvent) => void;
}) {
  return (
    <input
      type="checkbox"
      class="check"
      aria-label={name}
      checked={isOn}
      disabled={isOff}
      ref={(element) => {
        if (element) element.indeterminate = isSome;
      }}
      // Not `change`: that one does not tell whether Shift was held.
      onClick={(event) => onChange(event.currentTarget.checked, event)}
    />
  );
}

export function IconButton({
  icon,
  name,
  onClick,
  class: extra = "ghost",
  size = 16,
}: {
  icon: IconName;
  name: string;
  onClick: () => void;
  class?: string;
  size?: 14 | 16;
}) {
  return (
    <button type="button" class={`btn icon ${extra}`} aria-label={name} title={name} onClick={onClick}>
      <Icon name={icon} size={size} />
    </button>
  );
}
