/** `/projects/v3/{ref}…`, which the CLI prints: the project's tasks, or its test page in the environment asked for. */

import { useEffect } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { pageHref } from "../../app/address";
import { StandaloneProblem } from "../../app/standalone";
import { homePlace, placeInProject } from "../../data/session";

const PAGES = { runs: "runs", test: "test", apikeys: "apikeys" } as const;

export default function ProjectLink() {
  const { params } = useRoute();
  const { query, route } = useLocation();
  const ref = params.ref ?? "";
  const home = homePlace();
  const wanted = query.environment ?? query.envSlug ?? (home?.project.ref === ref ? home.environment.slug : null);
  const place = placeInProject(ref, wanted);
  const page = PAGES[params.page as keyof typeof PAGES] ?? "tasks";
  useEffect(() => {
    if (place) route(pageHref(place, page), true);
  }, [place?.environment.id, page]);
  if (place) return null;
  return (
    <StandaloneProblem
      title="No such project"
      action={
        <a class="btn primary lg" href="/">
          Go to your tasks
        </a>
      }
    >
      <span class="mono t1">{ref}</span> is not one of your projects.
    </StandaloneProblem>
  );
}
