import { IconButton } from "../parts/buttons";
import { plain } from "../parts/format";
import { Icon } from "../parts/icon";
import { dismiss, toasts } from "./toasts";

/** Results of what one did, at the lower edge. Read out, never in the way of focus. */
export function Toaster() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class="toast">
          <Icon name={toast.tone === "ok" ? "st-completed" : "st-failed"} class={toast.tone} />
          <span class="grow">{plain(toast.text)}</span>
          {toast.link && (
            <a class="btn sm" href={toast.link.href}>
              {toast.link.label}
            </a>
          )}
          <IconButton icon="x" name="Dismiss" class="ghost sm" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
