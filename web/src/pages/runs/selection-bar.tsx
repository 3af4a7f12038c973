/** What one can do with the selected runs. */

import { IconButton } from "../../parts/buttons";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";

interface Props {
  count: number;
  canCancel: boolean;
  onReplay: () => void;
  onCancel: () => void;
  onCopy: () => void;
  onClear: () => void;
}

export function SelectionBar({ count, canCancel, onReplay, onCancel, onCopy, onClear }: Props) {
  return (
    <div class="selbar" role="toolbar" aria-label="Selected runs">
      <span class="num" role="status">
        <b class="med">{count}</b> <span class="t2">selected</span>
      </span>
      <span class="vline" />
      <button type="button" class="btn ghost" onClick={onReplay}>
        <Icon name="replay" />
        Replay
        <Kbd keys="r" />
      </button>
      <button
        type="button"
        class="btn ghost"
        disabled={!canCancel}
        title={canCancel ? undefined : "These runs are over"}
        onClick={onCancel}
      >
        <Icon name="cancel" />
        Cancel
        {canCancel && <Kbd keys="c" />}
      </button>
      <button type="button" class="btn ghost" onClick={onCopy}>
        <Icon name="copy" />
        Copy IDs
      </button>
      <IconButton icon="x" name="Clear selection (Esc)" onClick={onClear} />
    </div>
  );
}
