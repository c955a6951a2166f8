/** When to pause and when to go on: the reader's hand decides, and is told why. */

import { layOutNear } from "./layout.js";

const UP_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);
const SCROLL_KEYS = new Set([...UP_KEYS, "ArrowDown", "PageDown"]);
const TOUCH_SLOP = 4;

export class Follow {
  /**
   * @param {import("./list.js").LogList} list
   * @param {{pause: (why: string) => void, resume: () => void, scrolled: () => void}} acts
   */
  constructor(list, acts) {
    this.list = list;
    this.acts = acts;
    this.isDown = false;
    const { pane } = list;
    pane.addEventListener("wheel", (event) => {
      if (event.deltaY < 0) this.up();
      else if (event.deltaY > 0) this.down();
    }, { passive: true });
    let touched = 0;
    pane.addEventListener("touchstart", (event) => { touched = event.touches[0].clientY; }, { passive: true });
    pane.addEventListener("touchmove", (event) => {
      if (event.touches[0].clientY > touched + TOUCH_SLOP) this.up();
    }, { passive: true });
    document.addEventListener("keydown", (event) => this.key(event));
    pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    document.addEventListener("selectionchange", () => {
      if (this.isSelected) acts.pause("text selected");
    });
  }

  get isSelected() {
    const selection = getSelection();
    return Boolean(selection && !selection.isCollapsed && this.list.pane.contains(selection.anchorNode));
  }

  up() {
    this.isDown = false;
    // A flick or the scrollbar may have reached the top before it is told; without a scrollbar there is no up.
    const { pane, atBottom } = this.list;
    if (pane.scrollTop > 0 || !atBottom) this.acts.pause("scrolled up");
  }

  /** The reader moves by rows: reaching the newest one is not asking for more. */
  hold() { this.isDown = false; }

  /** Down, perhaps where no scroll event tells of it: one is at the bottom already. */
  down() {
    this.isDown = true;
    this.settle();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { pane } = this.list;
    if (!SCROLL_KEYS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    // Nothing has the focus: the keys that scroll are meant for the log.
    if (document.activeElement === document.body) pane.focus({ preventScroll: true });
    if (document.activeElement !== pane) return;
    if (UP_KEYS.has(event.key)) this.up();
    else this.down();
  }

  scrolled() {
    const { pane, lastTop } = this.list;
    const moved = pane.scrollTop - lastTop;
    this.list.lastTop = pane.scrollTop;
    layOutNear(this.list);
    if (moved < -1 && !this.list.atBottom) this.up();
    if (moved > 0) this.down();
    this.acts.scrolled();
  }

  /** Go on live where the reader came down to the newest line. */
  settle() {
    const { list } = this;
    if (this.isDown && !list.isLive && list.atBottom && list.atNewest && !this.isSelected) this.acts.resume();
  }
}
