/** When to pause and when to go on: the reader's hand decides, and is told why. */

const UP_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);

export class Follow {
  /**
   * @param {import("./list.js").LogList} list
   * @param {{pause: (why: string) => void, resume: () => void, isPaused: () => boolean, scrolled: () => void}} acts
   */
  constructor(list, acts) {
    this.list = list;
    this.acts = acts;
    this.byHand = false;
    const { pane } = list;
    pane.addEventListener("wheel", (event) => {
      if (event.deltaY < 0 && pane.scrollTop > 0) acts.pause("scrolled up");
    }, { passive: true });
    let touched = 0;
    pane.addEventListener("touchstart", (event) => { touched = event.touches[0].clientY; }, { passive: true });
    pane.addEventListener("touchmove", (event) => {
      if (event.touches[0].clientY > touched + 4) acts.pause("scrolled up");
    }, { passive: true });
    pane.addEventListener("keydown", (event) => {
      if (UP_KEYS.has(event.key) && pane.scrollTop > 0) acts.pause("scrolled up");
    });
    pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    document.addEventListener("selectionchange", () => {
      const selection = getSelection();
      if (selection && !selection.isCollapsed && pane.contains(selection.anchorNode)) acts.pause("text selected");
    });
  }

  scrolled() {
    const { pane, lastTop } = this.list;
    const moved = pane.scrollTop - lastTop;
    this.list.lastTop = pane.scrollTop;
    if (moved < -1 && !this.list.atBottom) this.acts.pause("scrolled up");
    if (moved > 0 && this.acts.isPaused() && this.list.atBottom && this.list.atNewest && !selected(pane)) {
      this.acts.resume();
    }
    this.acts.scrolled();
  }
}

/** @param {HTMLElement} pane */
function selected(pane) {
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && pane.contains(selection.anchorNode));
}
