/** How lines look, as the reader has chosen it: their density, wrapping, the colours of hosts, the width of the details. */

import { Density } from "./density.js";
import { Sizer } from "./sizer.js";
import { Switch } from "./switch.js";

/**
 * @param {(id: string) => HTMLElement} byId @param {(change: () => void) => void} keepingPlace
 * @returns {{wrap: Switch}} what keys switch too
 */
export function look(byId, keepingPlace) {
  const classes = document.documentElement.classList;
  new Density(byId("density"), keepingPlace);
  new Sizer(byId("details-edge"), byId("details"), keepingPlace);
  new Switch(byId("hues"), (isOn) => classes.toggle("hues", isOn));
  return { wrap: new Switch(byId("wrap"), (isOn) => keepingPlace(() => classes.toggle("unwrapped", !isOn))) };
}
