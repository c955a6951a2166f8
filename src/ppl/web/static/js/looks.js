/** The reader's choices of how lines look: density, wrapping, colours, width of the details; and the help dialog. */

import { Density } from "./density.js";
import { Sizer } from "./sizer.js";
import { Switch } from "./switch.js";

/**
 * @param {(id: string) => HTMLElement} byId @param {(change: () => void) => void} keepingPlace
 * @returns {{wrap: Switch, help: HTMLDialogElement}} the parts that keys also switch and open
 */
export function look(byId, keepingPlace) {
  const classes = document.documentElement.classList;
  new Density(byId("density"), keepingPlace);
  new Sizer(byId("details-edge"), byId("details"), keepingPlace);
  new Switch(byId("hues"), (isOn) => classes.toggle("hues", isOn));
  const help = /** @type {HTMLDialogElement} */ (byId("help"));
  byId("status").querySelector(".help")?.addEventListener("click", () => help.showModal());
  return { help, wrap: new Switch(byId("wrap"), (isOn) => keepingPlace(() => classes.toggle("unwrapped", !isOn))) };
}
