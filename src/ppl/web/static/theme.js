/** The theme menu on every page. A cookie keeps the choice, so the server renders it and no other theme flashes. */

const menu = /** @type {HTMLElement} */ (document.getElementById("themes"));
const YEAR_S = 31_536_000;

/** @param {string} theme `dark`, `light`, or empty to follow the system */
function show(theme) {
  document.documentElement.dataset.theme = theme;
  /** @type {HTMLInputElement} */ (menu.querySelector(`[value="${theme}"]`)).checked = true;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `ppl_theme=${theme}; Path=/; SameSite=Lax; Max-Age=${theme ? YEAR_S : 0}${secure}`;
}

menu.addEventListener("change", (event) => show(/** @type {HTMLInputElement} */ (event.target).value));
// Another page may have changed the theme meanwhile.
for (const name of ["pageshow", "visibilitychange"]) {
  addEventListener(name, () => show(/(?:^|; )ppl_theme=(dark|light)(?:;|$)/.exec(document.cookie)?.[1] ?? ""));
}
