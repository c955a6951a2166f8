/** How lines look, as the reader has chosen it: density, wrapping, colours, width of the details; and the list of keys. */

import { Density } from "./density.js";
import { Sizer } from "./sizer.js";
import { Switch } from "./switch.js";

/**
 * @param {(id: string) => HTMLElement} byId @param {(change: () => void) => void} keepingPlace
 * @returns {{wrap: Switch, help: HTMLDialogElement}} what keys switch and open too
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
