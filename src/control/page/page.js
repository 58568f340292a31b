const by = (id) => document.getElementById(id);
const number = (n) => Math.round(n).toLocaleString("en");
let latest = null;

function set(id, text) {
  const element = by(id);
  // Only what is new: what is read out must not be read out again each second.
  if (element.textContent !== text) element.textContent = text;
}

function rows(id, list, nothing) {
  const body = by(id), columns = body.parentElement.querySelectorAll("th").length;
  const wanted = list.length ? list : [[nothing]];
  const text = JSON.stringify(wanted);
  if (body.dataset.shown === text) return;
  body.dataset.shown = text;
  body.replaceChildren(...wanted.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) {
      const td = document.createElement("td");
      td.textContent = cell;
      if (/^[\d,:]+$/.test(cell)) td.className = "n";
      if (cells.length === 1) td.colSpan = columns;
      row.append(td);
    }
    return row;
  }));
}

function figures(pairs) {
  const list = by("figures");
  while (list.children.length < pairs.length) {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    list.append(pair);
  }
  while (list.children.length > pairs.length) list.lastChild.remove();
  pairs.forEach(([name, value], at) => {
    const [dt, dd] = list.children[at].children;
    if (dt.textContent !== name) dt.textContent = name;
    if (dd.textContent !== value) dd.textContent = value;
  });
}

function answer(name, { yes, because }) {
  set(`${name}-sign`, yes ? "✓" : "✕");
  set(`${name}-yes`, yes ? "Yes." : "No.");
  by(`${name}-yes`).className = yes ? "good" : "bad";
  const list = by(`${name}-why`);
  if (list.textContent === because.join("")) return;
  list.replaceChildren(...because.map((why) => {
    const item = document.createElement("li");
    item.textContent = why;
    return item;
  }));
}

// How it stands: a sign, words, and only then a colour.
function standing(state) {
  const end = state.ended;
  if (end) {
    if (end.exit_code === 0) return ["✓", "Done", "good"];
    if (end.exit_code === 3) return ["✓", "Done, with rejects", "open"];
    if (end.exit_code === 5) return ["◐", "Ended, unfinished", "open"];
    return ["✕", `Ended with exit code ${end.exit_code}`, "bad"];
  }
  if (state.settings.ending_by) return ["■", "Ending in peace", "open"];
  if (state.settings.paused) return ["❚❚", "Paused", "open"];
  return ["▶", state.doing[0].toUpperCase() + state.doing.slice(1), "good"];
}

function render(state) {
  latest = state;
  by("gone").hidden = true;
  const [sign, words, mood] = standing(state);
  set("sign", sign);
  set("headline", words);
  by("sign").className = mood;
  const part = state.messages ? (state.confirmed + state.rejected) / state.messages : state.total ? state.done / state.total : 0;
  document.title = `${(part * 100).toFixed(0)} % ${words} · openim-import`;
  set("about", `${state.job}${state.server ? " → " + state.server : ""} · for ${clock(state.seconds)}`);
  by("bar").value = Math.floor(part * 1000);
  // Never a hundred before the last one.
  const percent = part < 1 ? Math.min(99.9, part * 100).toFixed(1) : "100";
  const sends = state.phase === "send";
  const eta = state.eta ? `, ${sends ? "" : "this "}done about ${state.eta.at}` : "";
  const of = state.total ? ` of ${number(state.total)}` : "";
  const beside = sends || !state.done ? "" : `, ${number(state.done)}${of} ${state.unit}`;
  const doing = sends ? `${percent} %` : state.confirmed ? `${percent} % confirmed, ${state.doing}${beside}` : `${percent} %`;
  set("line", state.ended ? state.ended.verdict : `${doing}${eta}`);
  const ms = (n) => (n === null ? "not known yet" : `${number(n)} ms`);
  const pairs = sends || state.confirmed || state.ended ? [
    ["confirmed", number(state.confirmed)], ["in flight", number(state.in_flight)], ["pending", number(state.pending)],
    ["refused", number(state.rejected)], ["messages", number(state.messages)],
    ["conversations done", `${number(state.conversations_done)} of ${number(state.conversations)}`],
    ["pace now", `${number(state.pace.now)}/s`], ["pace, average", `${number(state.pace.average)}/s`],
    ["lag now", ms(state.lag.now_ms)], ["lag of the idle server", ms(state.lag.idle_ms)],
    ["lag aimed at", state.settings.max_lag_ms === null ? "any" : ms(state.lag.aim_ms)],
    ["calls under way", number(state.calls)], ["calls made again", number(state.retries)],
    ["lost and sent again", number(state.lost_and_resent)], ["copies by the server", number(state.doubled)],
    ["settling", number(state.settling)],
  ] : [[state.in_bytes ? "bytes read" : "done", number(state.done)], ["of", state.total ? number(state.total) : "not known yet"], ["messages", number(state.messages)]];
  figures(pairs);
  const limit = state.limit && state.limit.text !== state.waiting ? state.limit.text : "";
  set("waiting", state.ended ? "" : [state.waiting, limit].filter(Boolean).join(" · ") || "Waiting for nothing.");
  answer("pause", state.advice.pause);
  answer("switch", state.advice.switch);
  charts(state);
  controls(state);
  rows("longest", state.longest.map((one) => [one.conversation, number(one.left)]), "None is under way.");
  rows("rejects", state.rejects.map((one) => [one.name, number(one.count), one.means, one.example]), "Nothing was refused.");
  rows("causes", state.retry_causes.map((one) => [one.name, number(one.count), one.example]), "No call was made again.");
  rows("changes", state.changes.slice().reverse().map((one) => [new Date(one.time).toLocaleTimeString("en-GB"), one.by, one.what, one.holds]), "Nothing was changed.");
  set("version", state.version);
}

function charts(state) {
  const points = state.series;
  chart(by("pace"), points, (p) => p.pace, "pace", state.settings.rate);
  chart(by("lag"), points, (p) => p.lag, "lag", state.lag.aim_ms);
  const aim = state.lag.aim_ms ? `; dashed: aimed at ${number(state.lag.aim_ms)}` : "";
  const rate = state.settings.rate ? `; dashed: at most ${number(state.settings.rate)}` : "";
  set("pace-said", `Pace, messages a second: ${number(state.pace.now)} now, ${number(state.pace.average)} on average${rate}`);
  const lag = state.lag.now_ms === null ? "nothing under way" : `${number(state.lag.now_ms)} now`;
  set("lag-said", `Lag, ms from the answer to the number in the log: ${lag}${aim}`);
  if (by("points").closest("details").open) {
    const some = points.slice(-60).reverse();
    rows("points", some.map((p) => [clock(p.at), number(p.pace), p.lag === null ? "–" : number(p.lag), p.paused ? "yes" : "no"]), "Nothing yet.");
  }
}

function controls(state) {
  const { settings } = state, over = state.ended !== null;
  const lag = settings.max_lag_ms === null ? "any lag" : `at most ${number(settings.max_lag_ms)} ms of lag above the idle server`;
  set("holds", over ? "The run has ended." : `Holds now: ${settings.holds}; at most ${settings.connections} calls; ${lag}.`);
  const focused = document.activeElement;
  for (const button of document.querySelectorAll("#controls button")) button.disabled = over;
  by("pause-button").disabled = over || settings.paused_by.includes("operator");
  by("resume-button").disabled = over || !settings.paused_by.includes("operator");
  by("drain-button").disabled = over || settings.ending_by !== null;
  const timetable = settings.rate_by === "timetable" || settings.paused_by.includes("timetable");
  by("schedule-button").hidden = !timetable && settings.schedule;
  set("schedule-button", settings.schedule ? "Put the timetable out of force" : "Put the timetable in force");
  by("close-button").hidden = !over;
  by("close-button").disabled = false;
  // Who goes by the keyboard would begin anew at the top of the page.
  if (focused.disabled) by({ "pause-button": "resume-button", "resume-button": "pause-button" }[focused.id] || "controls").focus();
  if (document.activeElement.disabled) by("controls").focus();
}

async function say(verb) {
  set("said", `${verb} …`);
  try {
    const answer = await fetch("say", { method: "POST", body: verb });
    const { said, error } = await answer.json();
    set("said", error ? `✕ Not done: ${error}` : `✓ ${verb}: ${said}`);
  } catch {
    set("said", "✕ Not done: the run can't be reached.");
  }
}

by("pause-button").onclick = () => say("pause");
by("resume-button").onclick = () => say("resume");
by("close-button").onclick = () => say("close");
by("schedule-button").onclick = () => say(latest && latest.settings.schedule ? "schedule off" : "schedule on");
by("drain-button").onclick = () => { by("sure").hidden = false; by("drain-yes").focus(); };
by("drain-no").onclick = () => { by("sure").hidden = true; by("drain-button").focus(); };
by("drain-yes").onclick = () => { by("sure").hidden = true; by("controls").focus(); say("drain"); };
for (const name of ["rate", "connections", "max-lag"]) {
  by(`${name}-form`).onsubmit = (event) => { event.preventDefault(); say(`${name} ${by(name).value.trim()}`); };
}

const events = new EventSource("events");
events.onmessage = (event) => render(JSON.parse(event.data));
events.onerror = () => { by("gone").hidden = latest !== null && latest.ended !== null; };
