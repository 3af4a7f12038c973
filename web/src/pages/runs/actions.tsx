/** Replay and cancel, for one run or several: ask first, then do, then say what became of it. */

import { useState } from "preact/hooks";
import { ErrorBoundary, lazy } from "preact-iso";
import { runHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { Dialog } from "../../parts/dialog";
import { plural } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { EnvTag, Kbd } from "../../parts/marks";

const ReplayDialog = lazy(() => import("../run/replay-dialog"));

type Asked = { verb: "replay" | "cancel"; ids: string[] } | null;

async function each(
  ids: string[],
  act: (id: string) => Promise<{ id: string }>,
): Promise<{ done: string[]; failed: ApiError[] }> {
  const done: string[] = [];
  const failed: ApiError[] = [];
  for (const id of ids) {
    try {
      done.push((await act(id)).id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed.push(error);
    }
  }
  return { done, failed };
}

const WORDS = {
  replay: {
    title: "Replay",
    done: "replayed",
    keep: "Don't replay",
    text: "Each becomes a new run with the payload and options it had. The old runs stay.",
  },
  cancel: {
    title: "Cancel",
    done: "canceled",
    keep: "Keep running",
    text: "Queued runs never start. Running ones get the time their cancel hooks need, then stop.",
  },
} as const;

function Confirm({ asked, onClose }: { asked: NonNullable<Asked>; onClose: () => void }) {
  const place = usePlace();
  const [isBusy, setBusy] = useState(false);
  const words = WORDS[asked.verb];
  const what = asked.ids.length === 1 ? "this run" : plural(asked.ids.length, "run");
  const act = async () => {
    setBusy(true);
    const { id: environmentId } = place.environment;
    const { done, failed } = await each(asked.ids, (id) =>
      asked.verb === "cancel" ? api.cancel(environmentId, id) : api.replay(environmentId, id),
    );
    const [first] = done;
    const link =
      asked.verb === "replay" && done.length === 1 && first ? { label: "Show", href: runHref(place, first) } : null;
    if (done.length > 0) say("ok", `${plural(done.length, "run")} ${words.done}`, link);
    if (failed[0]) say("bad", `${plural(failed.length, "run")} not ${words.done}: ${failed[0].message}`);
    onClose();
  };
  return (
    <Dialog title={`${words.title} ${what}?`} name={`${words.title} ${what}?`} onClose={onClose} onConfirm={act}>
      <div class="db">
        <p class="mb12">{words.text}</p>
        <EnvTag environment={place.environment} />
      </div>
      <div class="df">
        <span class="end row">
          <button type="button" class="btn" autofocus onClick={onClose}>
            {words.keep}
          </button>
          <button
            type="button"
            class={`btn ${asked.verb === "cancel" ? "danger solid" : "primary"}`}
            disabled={isBusy}
            onClick={act}
          >
            <Icon name={asked.verb} />
            {words.title} {asked.ids.length === 1 ? "run" : plural(asked.ids.length, "run")}
            <Kbd keys="mod+enter" />
          </button>
        </span>
      </div>
    </Dialog>
  );
}

/** Functions that ask, and the dialog to put on the page. */
export function useRunActions(): {
  replay: (ids: string[]) => void;
  cancel: (ids: string[]) => void;
  dialog: preact.ComponentChild;
} {
  const [asked, setAsked] = useState<Asked>(null);
  const close = () => setAsked(null);
  const [only] = asked?.ids ?? [];
  const dialog =
    asked === null || only === undefined ? null : asked.verb === "replay" && asked.ids.length === 1 ? (
      <ErrorBoundary>
        <ReplayDialog id={only} onClose={close} />
      </ErrorBoundary>
    ) : (
      <Confirm asked={asked} onClose={close} />
    );
  return {
    replay: (ids) => setAsked({ verb: "replay", ids }),
    cancel: (ids) => setAsked({ verb: "cancel", ids }),
    dialog,
  };
}
