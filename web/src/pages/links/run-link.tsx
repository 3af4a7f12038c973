/** `/runs/{id}` and its kin, which the CLI, errors and alerts print: find the run, go to its page. */

import { useSignalEffect } from "@preact/signals";
import { useLocation, useRoute } from "preact-iso";
import { envBase } from "../../app/address";
import { StandaloneProblem } from "../../app/standalone";
import { api } from "../../data/api";
import { useResource } from "../../data/resource";

export default function RunLink() {
  const { params } = useRoute();
  const { url, route } = useLocation();
  const id = params.run ?? "";
  const found = useResource(id, () => api.findRun(id));
  useSignalEffect(() => {
    const run = found.data.value;
    const search = url.split("?")[1];
    if (run) route(`${envBase(run)}/runs/${encodeURIComponent(run.id)}${search ? `?${search}` : ""}`, true);
  });
  const error = found.error.value;
  if (error === null) return null;
  return (
    <StandaloneProblem
      title={error.status === 404 ? "No such run" : "The run could not be looked up"}
      action={
        <a class="btn primary lg" href="/_/runs">
          Go to your runs
        </a>
      }
    >
      {error.status === 404 ? (
        <>
          <span class="mono t1">{id}</span> is in none of your projects. It may have been removed by retention, or
          belong to a project you cannot see.
        </>
      ) : (
        error.message
      )}
    </StandaloneProblem>
  );
}
