/** A payload or an output: its type and size, the value as a tree, search, copy, download; big ones on demand. */

import { useMemo, useState } from "preact/hooks";
import type { Packet } from "../data/types";
import { CopyButton, IconButton } from "./buttons";
import { bytes, plain } from "./format";
import { Icon } from "./icon";
import { readPacket } from "./json/superjson";
import { JsonView } from "./json/view";

const NAMES: Record<string, string> = {
  "application/json": "json",
  "application/super+json": "superjson",
  "text/plain": "text",
  "application/store": "stored",
};

interface Props {
  title: string;
  packet: Packet | null;
  /** What to say when there is none. */
  none: string;
  downloadUrl: string;
  onLoad?: () => void;
}

function Value({ packet, text, title }: { packet: Packet; text: string; title: string }) {
  const parsed = useMemo(() => {
    if (packet.text === null || packet.isPartial || !/json$/.test(packet.type)) return null;
    try {
      return readPacket(packet.type, packet.text);
    } catch {
      return null;
    }
  }, [packet]);
  if (parsed) return <JsonView value={parsed.value} marks={parsed.marks} name={title} text={text} />;
  return (
    <div class="code">
      <pre class="raw" tabIndex={0}>
        {packet.text !== null && plain(packet.text)}
        {packet.isPartial && "…"}
      </pre>
    </div>
  );
}

export function PacketSection({ title, packet, none, downloadUrl, onLoad }: Props) {
  const [isSearching, setSearching] = useState(false);
  const [text, setText] = useState("");
  const isEmpty = packet === null || (packet.text !== null && packet.text === "");
  return (
    <section class="sec" aria-label={title}>
      <h2>
        {title}
        {packet && !isEmpty && (
          <span class="end row g2">
            <span class="micro t3 mr4">
              {NAMES[packet.type] ?? packet.type}, {bytes(packet.sizeBytes)}
            </span>
            <IconButton
              icon="search"
              name={`Search ${title.toLowerCase()}`}
              class="ghost sm"
              onClick={() => setSearching(!isSearching)}
            />
            <CopyButton text={() => packet.text ?? ""} name={`Copy ${title.toLowerCase()}`} />
            <a
              class="btn icon ghost sm"
              href={downloadUrl}
              download
              aria-label={`Download ${title.toLowerCase()}`}
              title={`Download ${title.toLowerCase()}`}
            >
              <Icon name="download" />
            </a>
          </span>
        )}
      </h2>
      {isSearching && (
        <div class="field mb8">
          <Icon name="search" />
          <input
            autofocus
            value={text}
            aria-label={`Search in ${title.toLowerCase()}`}
            placeholder="Key or value"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
      )}
      {isEmpty ? <p class="t3">{none}</p> : packet.text !== null && <Value packet={packet} text={text} title={title} />}
      {packet && !isEmpty && (packet.text === null || packet.isPartial) && (
        <div class="callout info mt8">
          <Icon name="info" />
          <span class="grow">
            {packet.text === null ? "It is kept outside the database." : "This is its beginning."}
          </span>
          {onLoad && (
            <button type="button" class="btn sm" onClick={onLoad}>
              Load
            </button>
          )}
          <a class="btn sm" href={downloadUrl} download>
            Download
          </a>
        </div>
      )}
    </section>
  );
}
