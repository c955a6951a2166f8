/** The fields of an event as the details show them. */

import { exactTerm } from "./query.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

export const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
  "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];

/** @param {LogEvent} event @param {import("./time.js").Zone} zone @returns {[string, string][]} without empty fields */
export function fieldsOf(event, zone) {
  const delay = Number(event.id) - microseconds(event.time);
  /** @type {[string, string | undefined][]} */
  const fields = [
    ["time", `${spaced(event.time)} UTC`],
    ["local", local(zone, event.time)],
    ["received", delayText(delay)],
    ["ip", event.sender_ip],
    ["host", event.hostname],
    ["program", event.file_name],
    ["procid", event.procid],
    ["msgid", event.msgid],
    ["severity", severityOf(event)],
    ["facility", numbered(event.facility, FACILITIES)],
    ["structured data", event.structured_data],
    ["id", event.id],
  ];
  return /** @type {[string, string][]} */ (fields.filter(([, value]) => value));
}

/** @type {Record<string, "sender_ip" | "hostname" | "file_name" | "procid" | "msgid" | "severity" | "facility">} by the search attribute */
const SEARCHED = {
  ip: "sender_ip", host: "hostname", program: "file_name", procid: "procid", msgid: "msgid", severity: "severity", facility: "facility",
};

/**
 * @param {LogEvent} event @param {string} name of a field @param {boolean} isExcluded
 * @returns {string} the term for lines with the same value in it, empty if there is no such term
 */
export function fieldTerm(event, name, isExcluded) {
  const value = event[SEARCHED[name]];
  return value ? exactTerm(name, value, isExcluded) : "";
}

/** @param {string} time RFC 3339 in UTC */
const spaced = (time) => time.replace("T", " ").replace("Z", "");

/** @param {string} time RFC 3339 in UTC @returns {number} since 1970 */
function microseconds(time) {
  const fraction = /\.(\d+)Z$/.exec(time)?.[1] ?? "";
  return Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(fraction.padEnd(6, "0"));
}

/** @param {import("./time.js").Zone} zone @param {string} time RFC 3339 in UTC */
function local(zone, time) {
  const stamp = zone.stamp(time);
  const offset = `UTC${stamp.slice(-6).replace("-", "−")}`;
  return `${spaced(stamp.slice(0, -6))} ` + (zone.name.startsWith("UTC") ? offset : `${zone.name} (${offset})`);
}

/** @param {string | undefined} name @param {string[]} names */
const numbered = (name, names) => (name && names.includes(name) ? `${name} (${names.indexOf(name)})` : name);

/** A line with a PRI has a severity and a facility. @param {LogEvent} event */
function severityOf({ severity, facility }) {
  const written = numbered(severity, SEVERITIES);
  return written && !facility ? `${written}, found in the text` : written;
}

/** How long after it happened an event was received. @param {number} delay microseconds */
export function delayText(delay) {
  const sign = delay < 0 ? "−" : "+";
  const after = delay < 0 ? " (the sender's clock is ahead)" : "";
  return `${sign}${span(Math.abs(delay) / 1000)}${after}`;
}

/** @param {number} ms */
function span(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.floor(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
