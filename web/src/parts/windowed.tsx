/** Only the rows one can see are in the page: for lists of thousands with rows of one height. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

const OVERSCAN = 12;
export const WINDOW_MIN = 200;

export interface Window {
  first: number;
  last: number;
}

export function windowOf(scrollTop: number, viewHeight: number, rowHeight: number, count: number): Window {
  if (count < WINDOW_MIN) return { first: 0, last: count };
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN);
  return { first, last: Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + OVERSCAN) };
}

interface Props {
  scroller: RefObject<HTMLElement | null>;
  count: number;
  rowHeight: number;
  render: (index: number) => ComponentChildren;
}

export function Windowed({ scroller, count, rowHeight, render }: Props) {
  const [view, setView] = useState<Window>({ first: 0, last: Math.min(count, WINDOW_MIN) });
  const measure = () => {
    const element = scroller.current;
    if (element) setView(windowOf(element.scrollTop, element.clientHeight, rowHeight, count));
  };
  useLayoutEffect(measure, [count, rowHeight]);
  useEffect(() => {
    const element = scroller.current;
    if (!element || count < WINDOW_MIN) return;
    element.addEventListener("scroll", measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", measure);
      observer.disconnect();
    };
  }, [count, rowHeight]);
  const last = Math.min(view.last, count);
  return (
    <>
      {view.first > 0 && <div role="presentation" style={{ height: `${view.first * rowHeight}px`, flex: "none" }} />}
      {Array.from({ length: Math.max(0, last - view.first) }, (_, index) => render(view.first + index))}
      {last < count && <div role="presentation" style={{ height: `${(count - last) * rowHeight}px`, flex: "none" }} />}
    </>
  );
}
