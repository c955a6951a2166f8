/** Requests beside the WebSocket, and the words for a server that cannot be reached. */

export const UNREACHABLE = "The server cannot be reached.";

/**
 * Call the API with the CSRF token, which changes need.
 * @param {HTMLElement} problem shows why the call failed @param {string} csrfToken @param {string} method
 * @param {string} address @param {object} [fields]
 * @returns {Promise<any>} the answer; `null` on failure, which is shown
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
 * A module loaded on demand.
 * @template Module @param {Promise<Module>} loading @param {(problem: string) => void} say
 * @param {string} [problem] @returns {Promise<Module | null>} `null` if it cannot be loaded, after `say(problem)`
 */
export function loaded(loading, say, problem = UNREACHABLE) {
  return loading.catch(() => {
    say(problem);
    return null;
  });
}

/** Go to the login page, which leads back to the current address. */
export const logIn = () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
