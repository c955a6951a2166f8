/** What the page asks beside its WebSocket, and what it says where the server is away. */

export const UNREACHABLE = "The server cannot be reached.";

/**
 * Ask the API, with the right to change what it keeps.
 * @param {HTMLElement} problem where it is said why not @param {string} csrfToken @param {string} method
 * @param {string} address @param {object} [fields]
 * @returns {Promise<any>} `null` if refused, which is then said
 */
export async function ask(problem, csrfToken, method, address, fields) {
  problem.textContent = "";
  try {
    /** @type {Record<string, string>} */
    const headers = { "X-CSRF-Token": csrfToken };
    if (fields) headers["Content-Type"] = "application/json";
    const answer = await fetch(address, { method, cache: "no-store", headers, body: fields && JSON.stringify(fields) });
    const value = await answer.json();
    if (answer.ok) return value;
    problem.textContent = value.error.message;
  } catch {
    problem.textContent = UNREACHABLE;
  }
  return null;
}

/**
 * A module that is loaded when it is first needed.
 * @template Module @param {Promise<Module>} loading @param {(problem: string) => void} say
 * @param {string} [problem] @returns {Promise<Module | null>} `null` where it cannot be loaded, which is then said
 */
export function loaded(loading, say, problem = UNREACHABLE) {
  return loading.catch(() => {
    say(problem);
    return null;
  });
}

/** To the login, and from there to what is looked at now. */
export const logIn = () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
