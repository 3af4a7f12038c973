/** The environment the page belongs to, for everything below it. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Place } from "../data/session";

const PlaceContext = createContext<Place | null>(null);

export const PlaceProvider = PlaceContext.Provider;

export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (place === null) throw new Error("usePlace() belongs inside an environment's pages");
  return place;
}
