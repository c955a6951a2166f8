/** The registration form suggests the browser's time zone, if the server offers it, and shows the chosen zone. */

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#timeZone[data-suggest]"));
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
// Keep what the user typed before the script was loaded.
if (field?.list && field.value === field.defaultValue) {
  if ([...field.list.options].some((option) => option.value === timeZone)) field.value = timeZone;
}
const zone = /** @type {HTMLInputElement | null} */ (document.querySelector("#timeZone"));
const chosen = document.querySelector("#chosen-zone");
const say = () => {
  if (zone && chosen) chosen.textContent = zone.value;
};
zone?.addEventListener("input", say);
say();
