/** A button with a menu that opens above the page. Arrow keys move, Escape or a click elsewhere closes. */

import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

const GAP_PX = 4;
const EDGE_PX = 8;

interface Props {
  /** What the button shows, and how it looks. */
  label: ComponentChildren;
  look: string;
  /** What the menu is called. */
  name: string;
  /** The button is an icon: the name is its name, too. */
  isIcon?: boolean;
  /** Words before the label for those who don't see where it stands: `Environment:`. */
  prefix?: string;
  /** What opens: by default a list of `MenuItem`; `dialog` for richer contents. */
  kind?: "menu" | "dialog";
  class?: string;
  side?: "start" | "end";
  children: (close: () => void) => ComponentChildren;
  /** Open it from elsewhere, for example from a key: a number that grows. */
  openCount?: number;
}

/** Put the popover under its button, or above when there is no room, inside the window. */
function place(button: HTMLElement, popover: HTMLElement, side: "start" | "end"): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const left = side === "start" ? at.left : at.right - width;
  const below = at.bottom + GAP_PX;
  const top =
    below + height > innerHeight - EDGE_PX && at.top - GAP_PX - height > EDGE_PX ? at.top - GAP_PX - height : below;
  popover.style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`;
  popover.style.top = `${Math.max(EDGE_PX, Math.min(top, innerHeight - EDGE_PX - Math.min(height, innerHeight - 2 * EDGE_PX)))}px`;
}

export function Menu({
  label,
  look,
  name,
  isIcon = false,
  prefix,
  kind = "menu",
  class: extra = "",
  side = "start",
  children,
  openCount = 0,
}: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const close = () => popover.current?.hidePopover();

  const onToggle = (event: ToggleEvent) => {
    const opened = event.newState === "open";
    setOpen(opened);
    if (!opened && popover.current?.contains(document.activeElement)) button.current?.focus();
  };

  useEffect(() => {
    const element = popover.current;
    if (!isOpen || !element || !button.current) return;
    place(button.current, element, side);
    const first =
      element.querySelector<HTMLElement>("[autofocus], [role=menuitemradio][aria-checked=true]") ??
      element.querySelector<HTMLElement>("input, [role=menuitem], [role=menuitemradio], button, a");
    first?.focus();
    // What the menu shows may come later and change its size.
    const observer = new ResizeObserver(() => button.current && place(button.current, element, side));
    observer.observe(element);
    return () => observer.disconnect();
  }, [isOpen, side]);

  useEffect(() => {
    if (openCount > 0) popover.current?.showPopover();
  }, [openCount]);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    // A richer popover may hold a menu among other things.
    const menu = event.target instanceof HTMLElement ? event.target.closest("[role=menu]") : null;
    if (!menu) return;
    const items = [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    const next = steps[event.key];
    if (next === undefined || items.length === 0) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class={look}
        popovertarget={id}
        aria-haspopup={kind}
        aria-expanded={isOpen}
        aria-label={isIcon ? name : undefined}
        title={name}
      >
        {prefix && <span class="vh">{prefix} </span>}
        {label}
      </button>
      <div
        ref={popover}
        id={id}
        popover="auto"
        class={`menu pop ${extra}`.trim()}
        role={kind}
        aria-label={name}
        onToggle={onToggle}
        onKeyDown={onKeyDown}
      >
        {isOpen && children(close)}
      </div>
    </>
  );
}

interface ItemProps {
  href?: string;
  onSelect?: () => void;
  isOn?: boolean;
  isOff?: boolean;
  isDanger?: boolean;
  children: ComponentChildren;
  title?: string;
}

export function MenuItem({ href, onSelect, isOn, isOff = false, isDanger = false, children, title }: ItemProps) {
  const look = `it${isDanger ? " danger" : ""}${isOn ? " on" : ""}${isOff ? " off" : ""}`;
  const role = isOn === undefined ? "menuitem" : "menuitemradio";
  if (href !== undefined && !isOff) {
    return (
      <a class={look} role={role} tabIndex={-1} href={href} title={title} aria-checked={isOn} onClick={onSelect}>
        {children}
      </a>
    );
  }
  return (
    <button
      type="button"
      class={look}
      role={role}
      tabIndex={-1}
      title={title}
      aria-checked={isOn}
      aria-disabled={isOff}
      onClick={() => !isOff && onSelect?.()}
    >
      {children}
    </button>
  );
}
