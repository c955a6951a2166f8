/** The registration form suggests the time zone of the browser, where the server offers that name. */

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#timeZone[data-suggest]"));
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
// Not what somebody wrote before the script came.
if (field?.list && field.value === field.defaultValue) {
  if ([...field.list.options].some((option) => option.value === timeZone)) field.value = timeZone;
}
