/** A native dialog: focus stays inside, Escape closes, what lies behind is out of reach. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { IconButton } from "./buttons";

/** Open a dialog above the page while its component is there; after it the focus is where it was. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (document.activeElement !== document.body) return;
      // What opened it may be gone with what was done: then on with the page.
      if (before instanceof HTMLElement && before !== document.body) before.focus();
      if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
    };
  }, []);
  return element;
}

interface Props {
  title: ComponentChildren;
  /** The name for screen readers, when the title is more than words. */
  name: string;
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
  /** Pressed with mod+Enter from anywhere in the dialog. */
  onConfirm?: () => void;
}

export function Dialog({ title, name, onClose, class: extra = "", children, onConfirm }: Props) {
  const element = useModal();
  return (
    <dialog
      ref={element}
      class={`dialog ${extra}`.trim()}
      aria-label={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
      onKeyDown={(event) => {
        if (onConfirm && event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
          event.preventDefault();
          onConfirm();
        }
      }}
    >
      <div class="dbody">
        <div class="dh">
          {title}
          <span class="end">
            <IconButton icon="x" name="Close (Esc)" class="ghost sm" onClick={onClose} />
          </span>
        </div>
        {children}
      </div>
    </dialog>
  );
}
