/** What is cut for want of room is whole in its tooltip, wherever it stands. */

const CUT = ".clip, .nm";

function tell(event: Event): void {
  const it = event.target instanceof Element ? event.target.closest<HTMLElement>(CUT) : null;
  if (!it) return;
  const isCut = it.scrollWidth > it.clientWidth;
  // A tooltip that says more than the text, of the text or of what holds it, is left alone.
  if (isCut && (it.dataset.cut !== undefined || !it.closest("[title]"))) {
    it.title = it.textContent.trim();
    it.dataset.cut = "";
  } else if (!isCut && it.dataset.cut !== undefined) {
    it.removeAttribute("title");
    delete it.dataset.cut;
  }
}

export function showWhole(): void {
  addEventListener("pointerover", tell, { passive: true });
}
