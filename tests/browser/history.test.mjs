// Which of the server's answers reach the list. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { History } from "../../src/ppl/web/static/js/history.js";

const answer = (after, ...ids) => ({ after, events: ids.map((id) => ({ id: String(id) })), isOldestEventReached: "false" });

/** A history over a list of ids, with its requests to the server. */
function read() {
  const asked = [];
  const shown = [];
  const landed = [];
  const list = {
    pane: { scrollTop: 5000 }, below: 5000, isLive: false, atNewest: true, atOldest: false,
    topCuts: 0, bottomCuts: 0, lookedBackTo: 0, lookedUpTo: 0,
    get count() { return shown.length; },
    get newestId() { return shown.at(-1) ?? 0; },
    append(events) { shown.push(...events.map((event) => Number(event.id))); },
    clear() {
      shown.length = 0;
      this.topCuts += 1;
      this.bottomCuts += 1;
      this.lookedUpTo = 0;
    },
    toTop() {},
    trimHistory() {},
  };
  const history = new History(list, (range) => Boolean(asked.push(range)), {
    looked() {}, newestReached() {}, landed: (from, next) => landed.push([from, next]),
  });
  return { history, list, asked, shown, landed };
}

test("going to another time before the first one has arrived shows lines of the other only", () => {
  const { history, asked, shown } = read();
  history.seek(101);
  history.seek(501);
  assert.deepEqual(asked, [{ after: "100" }, { after: "500" }]);
  history.received(answer("100", 101, 102));
  assert.ok(history.loading);
  history.received(answer("500", 501, 502));
  assert.deepEqual(shown, [501, 502]);
});

test("going to the same time twice shows its lines once", () => {
  const { history, shown } = read();
  history.seek(101);
  history.seek(101);
  history.received(answer("100", 101, 102));
  history.received(answer("100", 101, 102));
  assert.deepEqual(shown, [101, 102]);
});

test("newer lines requested before going to a time are not shown after it", () => {
  const { history, list, shown } = read();
  list.append([{ id: "10" }]);
  list.atNewest = false;
  history.loadNewer();
  history.seek(501);
  history.received(answer("10", 11, 12));
  history.received(answer("500", 501));
  assert.deepEqual(shown, [501]);
});

test("all parts of a search's answer are shown", () => {
  const { history, shown } = read();
  history.seek(101);
  history.received({ ...answer("100", 101), isPartial: "true", reached: "101" });
  history.received({ ...answer("100", 102), reached: "102" });
  assert.deepEqual(shown, [101, 102]);
});

test("times are requested as ids that the server accepts", () => {
  const { history, asked } = read();
  history.seek(0);
  history.seek(Date.parse("2400-01-01T00:00:00Z") * 1000);
  assert.deepEqual(asked, [{ after: "0" }, { after: "9007199254740990" }]);
});

test("after going to a time, the time of its first line is reported once, also if there is none", () => {
  const { history, landed } = read();
  history.seek(2000);
  history.received({ ...answer("1999"), isPartial: "true", reached: "3000" });
  history.received({ ...answer("1999"), reached: "5000" });
  assert.deepEqual(landed, []);
  history.received(answer("5000", 9000, 10_000));
  history.received(answer("10000", 11_000));
  assert.deepEqual(landed, [[2, 9]]);
  history.seek(20_000);
  history.received(answer("19999"));
  assert.deepEqual(landed, [[2, 9], [20, 0]]);
});

test("a search from a time on continues until a line is found or it is cancelled, and then on request", () => {
  const { history, list, asked, shown } = read();
  history.seek(101);
  history.progressed({ reached: "150" });
  assert.equal(list.lookedUpTo, 150);
  history.received({ ...answer("100"), reached: "200" });
  assert.deepEqual(asked.at(-1), { after: "200" });
  history.isCancelled = true;
  history.received({ ...answer("200"), reached: "300" });
  assert.equal(asked.length, 2);
  assert.ok(!history.loading && history.isSeeking);
  history.goOn();
  assert.deepEqual(asked.at(-1), { after: "300" });
  history.received(answer("300", 310));
  assert.deepEqual(shown, [310]);
  assert.ok(!history.isSeeking);
});
