/** The `?` sheet: every key that works now, from the one registry. */

import { IconButton } from "../parts/buttons";
import { useModal } from "../parts/dialog";
import { Kbd } from "../parts/marks";
import { closeOverlay } from "./overlays";
import { type Command, commands, type Group } from "./shortcuts";

const ORDER: Group[] = ["Everywhere", "Go to", "Lists", "Run page", "This page"];

/** Later layers win; a command whose keys somebody took over is not shown twice. */
export function grouped(all: Command[]): { group: Group; rows: Command[] }[] {
  const taken = new Set<string>();
  const shown = [...all].reverse().filter((command) => {
    const [first] = command.keys;
    if (first === undefined || taken.has(first)) return false;
    for (const keys of command.keys) taken.add(keys);
    return true;
  });
  shown.reverse();
  return ORDER.map((group) => ({ group, rows: shown.filter((command) => command.group === group) })).filter(
    ({ rows }) => rows.length > 0,
  );
}

function Keys({ keys }: { keys: string[] }) {
  return (
    <span class="row g2">
      {keys.map((chords, index) => (
        <span key={chords} class="row g2">
          {index > 0 && <span class="t3 small">or</span>}
          {chords.split(" ").map((chord, step) => (
            <span key={chord} class="row g2">
              {step > 0 && <span class="t3 small">then</span>}
              <Kbd keys={chord} />
              <span class="vh">{chord}</span>
            </span>
          ))}
        </span>
      ))}
    </span>
  );
}

export default function Help() {
  const element = useModal();
  return (
    <dialog
      ref={element}
      class="sheet"
      aria-label="Keyboard shortcuts"
      onClose={() => closeOverlay("help")}
      onClick={(event) => event.target === element.current && closeOverlay("help")}
    >
      <div class="sheetbody">
        <div class="head">
          <h1>Keyboard shortcuts</h1>
          <span class="end">
            <IconButton icon="x" name="Close (Esc)" class="ghost sm" onClick={() => closeOverlay("help")} />
          </span>
        </div>
        <div class="ks scroll" tabIndex={0} role="region" aria-label="All keys">
          {grouped(commands.value).map(({ group, rows }) => (
            <section key={group} aria-label={group}>
              <h2>{group}</h2>
              {rows.map((command) => (
                <div key={command.title} class="kr">
                  <span>{command.title}</span>
                  <Keys keys={command.keys} />
                </div>
              ))}
            </section>
          ))}
        </div>
      </div>
    </dialog>
  );
}
