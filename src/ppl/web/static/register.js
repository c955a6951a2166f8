/** The registration form suggests the time zone of the browser, where the server offers that name, and says which it is. */

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#timeZone[data-suggest]"));
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
// Not what somebody wrote before the script came.
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
