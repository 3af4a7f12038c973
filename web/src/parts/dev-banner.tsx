/** In development nothing runs while no dev process is connected: say so, with the command. */

import { usePlace } from "../app/place";
import { presence } from "../data/presence";
import { CopyButton } from "./buttons";
import { Icon } from "./icon";

const COMMAND = "trigger-box dev";

export function DevBanner() {
  const { environment } = usePlace();
  if (environment.slug !== "dev" || presence.value === null || presence.value.isConnected) return null;
  return (
    <div class="banner warn" role="status">
      <Icon name="terminal" />
      <span class="grow">
        No dev process is connected: new runs wait. Start it in your project with <code class="mono">{COMMAND}</code> or{" "}
        <code class="mono">npx trigger.dev@latest dev</code>.
      </span>
      <CopyButton text={COMMAND} name={`Copy: ${COMMAND}`} size={14} />
    </div>
  );
}
