/** Tabs with their keys: left and right move, the chosen one is in the address of the page. */

import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { Kbd } from "./marks";

export interface Tab<T extends string> {
  value: T;
  label: string;
  keys?: string;
  count?: number | null;
  class?: string;
}

interface Props<T extends string> {
  name: string;
  tabs: Tab<T>[];
  value: T;
  onChange: (value: T) => void;
  /** The id of the element that shows the chosen tab. */
  panelId: string;
  end?: ComponentChildren;
}

export function Tabs<T extends string>({ name, tabs, value, onChange, panelId, end }: Props<T>) {
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")].filter(
      (tab) => tab.offsetParent !== null,
    );
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next?.focus();
    next?.click();
  };
  return (
    <div class="tabs">
      <div class="tabset" role="tablist" aria-label={name} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            class={tab.class}
            aria-selected={tab.value === value}
            aria-controls={panelId}
            tabIndex={tab.value === value ? 0 : -1}
            onClick={() => onChange(tab.value)}
          >
            {tab.label}
            {tab.keys && <Kbd keys={tab.keys} />}
            {tab.count !== undefined && tab.count !== null && <span class="count">{tab.count}</span>}
          </button>
        ))}
      </div>
      {end && <span class="end row g2">{end}</span>}
    </div>
  );
}
