/** The choice of a theme on every page. A cookie keeps it: so the server writes it into the page, and no other is seen first. */

const menu = /** @type {HTMLElement} */ (document.getElementById("themes"));
const YEAR_S = 31_536_000;

/** @param {string} theme `dark`, `light` or, as the system has it, empty */
function show(theme) {
  document.documentElement.dataset.theme = theme;
  /** @type {HTMLInputElement} */ (menu.querySelector(`[value="${theme}"]`)).checked = true;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `ppl_theme=${theme}; Path=/; SameSite=Lax; Max-Age=${theme ? YEAR_S : 0}${secure}`;
}

menu.addEventListener("change", (event) => show(/** @type {HTMLInputElement} */ (event.target).value));
// It may have been chosen on another page meanwhile.
for (const name of ["pageshow", "visibilitychange"]) {
  addEventListener(name, () => show(/(?:^|; )ppl_theme=(dark|light)(?:;|$)/.exec(document.cookie)?.[1] ?? ""));
}
