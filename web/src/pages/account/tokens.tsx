/** Personal access tokens: make one (it is shown once), see when each was used, take it back. */

import { useState } from "preact/hooks";
import { useCommands } from "../../app/shortcuts";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { useResource } from "../../data/resource";
import { session } from "../../data/session";
import type { Token } from "../../data/types";
import { CopyButton } from "../../parts/buttons";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/fields";
import { day, named } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";
import { Failed, SkeletonRows } from "../../parts/states";
import { Ago } from "../../parts/time";

const NAME_MAX = 64;

function NewToken({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [token, setToken] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const make = async () => {
    if (name.trim() === "" || isBusy) return;
    setBusy(true);
    try {
      setToken((await api.createToken(name.trim())).token);
      onMade();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };
  if (token !== null) {
    return (
      <Dialog title="Your new token" name="Your new token" class="d520" onClose={onClose}>
        <div class="db">
          <p class="mb12">Copy it now: the box keeps only a fingerprint and can't show it again.</p>
          <div class="secret">
            <span>{token}</span>
            <span class="end">
              <CopyButton text={token} name="Copy the token" label="Copy" class="btn sm" size={14} />
            </span>
          </div>
          <p class="hint">
            For scripts: <span class="mono t2">TRIGGER_ACCESS_TOKEN</span>, with{" "}
            <span class="mono t2">TRIGGER_API_URL={session.value?.box.apiUrl}</span>
          </p>
        </div>
        <div class="df">
          <span class="end">
            <button type="button" class="btn primary" onClick={onClose}>
              I have it
            </button>
          </span>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New token" name="New token" class="d520" onClose={onClose} onConfirm={make}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make();
        }}
      >
        <div class="db">
          <p class="mb12">It acts as you in every project, until you revoke it.</p>
          <TextField
            label="Name"
            aside={`${name.length} of ${NAME_MAX}`}
            maxLength={NAME_MAX}
            required
            placeholder="What will use it"
            value={name}
            onValue={setName}
            fault={error?.message ?? null}
          />
        </div>
        <div class="df">
          <span class="t3 small">The token is shown once, in the next step.</span>
          <span class="end row">
            <button type="button" class="btn" onClick={onClose}>
              Discard
            </button>
            <button type="submit" class="btn primary" disabled={name.trim() === "" || isBusy}>
              Create token
              <Kbd keys="mod+enter" />
            </button>
          </span>
        </div>
      </form>
    </Dialog>
  );
}

function Revoke({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }) {
  const act = async () => {
    try {
      await api.revokeToken(token.id);
      say("ok", `${token.name} revoked`);
      onDone();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      say("bad", reason.message);
    }
    onClose();
  };
  return (
    <Dialog
      title={`Revoke ${named(token.name)}?`}
      name={`Revoke ${named(token.name)}?`}
      onClose={onClose}
      onConfirm={act}
    >
      <div class="db">
        Whatever uses <span class="mono t1">{token.obfuscated}</span> is shut out at once. This can't be undone.
      </div>
      <div class="df">
        <span class="end row">
          <button type="button" class="btn" onClick={onClose}>
            Keep it
          </button>
          <button type="button" class="btn danger solid" onClick={act}>
            Revoke token
            <Kbd keys="mod+enter" />
          </button>
        </span>
      </div>
    </Dialog>
  );
}

export function Tokens() {
  const tokens = useResource("tokens", (signal) => api.tokens(signal));
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const rows = tokens.data.value?.tokens ?? null;
  const error = tokens.error.value;
  useCommands([{ title: "New token", group: "This page", keys: ["n"], run: () => setMaking(true) }]);
  return (
    <section class="setsec">
      <h2>
        Personal access tokens
        {rows && <span class="count">{rows.length}</span>}
        <span class="end">
          <button type="button" class="btn" onClick={() => setMaking(true)}>
            <Icon name="plus" />
            New token
            <Kbd keys="n" />
          </button>
        </span>
      </h2>
      <p>They act as you in every project. The CLI makes its own when you sign in.</p>
      <div class="panel">
        {rows === null && error ? (
          <Failed what="The list of tokens" error={error} onRetry={tokens.reload} />
        ) : rows !== null && rows.length === 0 ? (
          <p class="t3 pad16">None yet. Make one for a script, or sign in with the CLI.</p>
        ) : (
          <table class="tbl folds tokens">
            <colgroup>
              <col />
              <col class="c-token" />
              <col class="c-day" />
              <col class="c-used" />
              <col class="c-revoke" />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Token</th>
                <th scope="col">Created</th>
                <th scope="col" class="r">
                  Last used
                </th>
                <th scope="col">
                  <span class="vh">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows === null ? (
                <SkeletonRows rows={3} columns={5} />
              ) : (
                rows.map((token) => (
                  <tr key={token.id}>
                    <td>
                      <span class="row g3">
                        <b class="med t1 clip">{token.name}</b>
                        {token.isFromCli && <span class="tagx">CLI</span>}
                      </span>
                    </td>
                    <td>
                      <span class="mono">{token.obfuscated}</span>
                    </td>
                    <td>{day(token.createdAtMs)}</td>
                    <td class="r">
                      {token.lastUsedAtMs === null ? <span class="t3">Never</span> : <Ago atMs={token.lastUsedAtMs} />}
                    </td>
                    <td class="r">
                      <button type="button" class="btn sm danger act" onClick={() => setRevoking(token)}>
                        Revoke…<span class="vh"> {token.name}</span>
                      </button>
                    </td>
                  </tr>
                ))
              )}
            </tbody>
          </table>
        )}
      </div>
      {isMaking && <NewToken onClose={() => setMaking(false)} onMade={tokens.reload} />}
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(null)} onDone={tokens.reload} />}
    </section>
  );
}
