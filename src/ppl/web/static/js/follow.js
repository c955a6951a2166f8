/** When to pause and when to resume: the reader's scrolling and selecting decides, and the reason is shown. */

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
    // A flick or the scrollbar may reach the top before its event arrives; without overflow there is no scrolling up.
    const { pane, atBottom } = this.list;
    if (pane.scrollTop > 0 || !atBottom) this.acts.pause("scrolled up");
  }

  /** Do not resume: the reader moves by rows, and reaching the newest one is no request for live lines. */
  hold() { this.isDown = false; }

  /** The reader scrolls down, maybe without a scroll event, because the list is at the bottom already. */
  down() {
    this.isDown = true;
    this.settle();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { pane } = this.list;
    if (!SCROLL_KEYS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    // If nothing has the focus, scroll keys are meant for the log.
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

  /** Resume if the reader has scrolled down to the newest line. */
  settle() {
    const { list } = this;
    if (this.isDown && !list.isLive && list.atBottom && list.atNewest && !this.isSelected) this.acts.resume();
  }
}
