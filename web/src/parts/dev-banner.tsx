/** In development nothing runs while no dev process is connected: say so, with the command. */

import { usePlace } from "../app/place";
import { BANNER_MS, live, silentMs } from "../data/live";
import { NPM_CLI } from "../data/npm-cli";
import { presence } from "../data/presence";
import { CopyButton } from "./buttons";
import { Icon } from "./icon";

const COMMAND = "trigger-box dev";

/** Whether it is known that no dev process is connected. A box that does not answer says nothing about it. */
export function useIsDevGone(): boolean {
  const { environment } = usePlace();
  const isSilent = live.value === "stale" && silentMs.value >= BANNER_MS;
  return environment.slug === "dev" && presence.value?.isConnected === false && !isSilent;
}

export function DevBanner() {
  if (!useIsDevGone()) return null;
  return (
    <div class="banner warn" role="status">
      <Icon name="terminal" />
      <span class="grow">
        No dev process is connected: new runs wait. Start it in your project with <code class="mono">{COMMAND}</code> or{" "}
        <code class="mono">npx {NPM_CLI} dev</code>.
      </span>
      <CopyButton text={COMMAND} name={`Copy: ${COMMAND}`} size={14} />
    </div>
  );
}
