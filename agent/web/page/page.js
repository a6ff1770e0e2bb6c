// The page of one object for its person. It asks the object alone, shows every text as text (textContent, never markup) and
// decides nothing: what it says of uses, rules and sends comes from the object, the words around it from words.js.
"use strict";
(() => {
const $ = (id) => document.getElementById(id);
let lang = "en", token = "", moment = null, rev = "", seen = {}, sentMost = 50, live = null, stream = null;

// ---- words

function t(key, ...args) {
  let text = WORDS[lang][key];
  if (text === undefined) text = WORDS[lang][key.replace(/\.[^.]*$/, ".")] || key;
  return text.replace(/\{(\d)\}/g, (_, n) => String(args[n - 1]));
}
const tag = () => (lang === "fr" ? "fr-FR" : "en-GB");
const when = (x) => new Intl.DateTimeFormat(tag(), { dateStyle: "medium", timeStyle: "medium" }).format(new Date(x));
const number = (x) => Number(x).toLocaleString(tag());
const units = { Cel: "°C", "%RH": "%", "/": "", lx: "lx", W: "W", Pa: "Pa" };
const unit = (u) => (u in units ? units[u] : u || "");

function speak(language) {
  lang = language === "fr" ? "fr" : "en";
  document.documentElement.lang = lang;
  for (const l of ["fr", "en"]) $(l).setAttribute("aria-pressed", String(l === lang));
  for (const e of document.querySelectorAll("[data-say]")) e.textContent = t(e.dataset.say);
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
  $("contents").replaceChildren(...[...document.querySelectorAll("#home > section > h2")].map((h) =>
    el("li", {}, el("a", { href: "#" + h.parentNode.id }, h.textContent))));
  voices();
  $("live-show").textContent = t(live ? "live.hide" : "live.show");
  if (live) for (const s of live.series.values()) draw(s);
}

// ---- elements

function el(name, attrs, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === undefined || v === false) continue;
    if (typeof v === "function") e.addEventListener(k, v);
    else if (k === "hidden" || k === "disabled" || k === "checked" || k === "open") e[k] = v;
    else e.setAttribute(k, v);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}

// put shows what data makes where it differs from what is there, and keeps the focus and what was opened.
function put(id, data, make) {
  const box = $(id), now = lang + JSON.stringify(data);
  if (seen[id] === now) return;
  seen[id] = now;
  const focus = box.contains(document.activeElement) ? document.activeElement.dataset.key : "";
  const keep = new Map([...box.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e]));
  const made = make();
  box.replaceChildren(...(Array.isArray(made) ? made : [made]));
  for (const e of box.querySelectorAll("[data-key]")) {
    const old = keep.get(e.dataset.key);
    if (!old) continue;
    if (e.tagName === "DETAILS" && old.open) e.open = true;
    if (e.classList.contains("said")) e.replaceChildren(...old.childNodes);
    if (e.type === "checkbox") e.checked = old.checked;
    if (e.dataset.key === focus) e.focus({ preventScroll: true });
  }
}

function table(caption, heads, rows) {
  return el("div", { class: "wide", tabindex: "0", role: "group", "aria-label": caption }, el("table", {},
    el("thead", {}, el("tr", {}, ...heads.map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((c) => el("td", {}, c)))))));
}

function terms(lines) {
  const out = [];
  for (const l of lines) {
    if (l.label) out.push(el("dt", {}, l.label));
    out.push(el("dd", {}, l.text));
  }
  return el("dl", {}, ...out);
}

const list = (items) => el("ul", {}, ...items.map((i) => el("li", {}, i)));

// ---- the object

async function ask(path, body) {
  const headers = { "X-Candor-Token": token }, options = { headers, credentials: "same-origin", cache: "no-store", redirect: "error" };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const r = await fetch(path, options);
  const answer = await r.json();
  if (r.ok) return answer;
  const e = new Error(answer.error ? answer.error.text : r.statusText);
  e.code = answer.error ? answer.error.code : "internal";
  e.status = r.status;
  if (r.status === 401 && path !== "/pair" && path !== "/press") close(t("door.over"));
  throw e;
}

function failure(e) {
  const out = [t(WORDS[lang]["failed." + e.code] ? "failed." + e.code : "failed")];
  if (e.message && e.code) out.push(el("span", { lang: "en" }, " " + t("failed.detail") + e.message));
  return out;
}

// act does what a person asked for, says what came of it in box, and looks again.
async function act(box, path, body, done) {
  try {
    const answer = await ask(path, Object.assign({ language: lang }, body));
    box.replaceChildren(...(done ? done(answer) : [answer.notice]));
  } catch (e) {
    box.replaceChildren(...failure(e));
  }
  await load().catch(() => {});
}

function remember(key, value) {
  try { value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value); } catch { /* a browser that keeps nothing */ }
}
function recall(key) {
  try { return localStorage.getItem(key) || ""; } catch { return ""; }
}

// ---- the door

async function begin() {
  const wanted = recall("candor-language");
  speak(wanted || navigator.language.slice(0, 2));
  token = recall("candor-token");
  let hello = { open: false, language: lang };
  try { hello = await ask("/hello"); } catch { /* the door shows */ }
  if (!wanted) speak(hello.language);
  $("by-button").hidden = !hello.button;
  hello.open ? open(false) : close("");
}

function close(why) {
  token = ""; rev = ""; seen = {}; moment = null;
  remember("candor-token", null);
  if (stream) stream.abort();
  stream = null;
  hideLive();
  maker = "";
  for (const path in had) delete had[path];
  for (const id of ["truth-text", "truth-last", "truth-light", "truth-simulated", "pause-said", "voices", "purposes", "senses-body", "left-body", "withheld-body", "mine-body", "take-said",
    "erase-what", "erase-said", "deletions-body", "receipts-body", "verify-said", "about-body", "owner-said", "made"]) $(id).replaceChildren();
  $("home").hidden = true; $("leave").hidden = true; $("door").hidden = false;
  $("door-said").textContent = why;
  document.title = "Candor";
  if (why) $("code").focus();
}

function open(byHand) {
  $("door").hidden = true; $("home").hidden = false; $("leave").hidden = false;
  document.title = t("title");
  if (byHand) $("main").focus();
  load().catch(() => {});
  follow();
}

async function enter(path, body, said, from) {
  try {
    const got = await ask(path, body);
    token = got.token;
    remember("candor-token", token);
    $("code").value = ""; $("door-said").textContent = "";
    open(true);
  } catch (e) {
    $("door-said").textContent = t(WORDS[lang][said(e.code)] ? said(e.code) : "failed");
    from.focus();
  }
}
$("pair").addEventListener("submit", (ev) => {
  ev.preventDefault();
  enter("/pair", { code: $("code").value }, (code) => "door." + code, $("code"));
});
$("held").addEventListener("click", () => enter("/press", {}, (code) => "held." + code, $("held")));
$("leave").addEventListener("click", async () => {
  try { await ask("/logout", {}); } catch { /* it is closed here in any case */ }
  close("");
});
for (const l of ["fr", "en"]) $(l).addEventListener("click", () => {
  remember("candor-language", l);
  speak(l);
  if (!$("home").hidden) { document.title = t("title"); load().catch(() => {}); follow(); }
});
let touched = 0;
for (const what of ["pointerdown", "keydown"]) addEventListener(what, () => {
  if (token && Date.now() - touched > 60000) { touched = Date.now(); ask("/awake", {}).catch(() => {}); }
}, { passive: true });

// ---- the truth of the moment, told by the object

async function follow() {
  if (stream) stream.abort();
  const mine = stream = new AbortController();
  for (let pause = 500; stream === mine; pause = Math.min(pause * 2, 5000)) {
    try {
      const r = await fetch("/events?language=" + lang, { headers: { "X-Candor-Token": token }, signal: mine.signal, cache: "no-store" });
      if (r.status === 401) return close(t("door.over"));
      if (!r.ok) throw new Error(String(r.status));
      pause = 500;
      await read(r.body.getReader(), mine);
    } catch { /* said below */ }
    if (stream !== mine) return;
    $("top").dataset.state = "lost";
    $("truth-text").textContent = t("lost");
    await new Promise((ready) => setTimeout(ready, pause));
  }
}

async function read(reader, mine) {
  const decoder = new TextDecoder();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done || stream !== mine) return;
    text += decoder.decode(value, { stream: true });
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const block = text.slice(0, end), data = /^data: (.*)$/m.exec(block);
      if (/^event: end$/m.test(block)) return close(t("door.over"));
      if (data) truth(JSON.parse(data[1]));
    }
  }
}

function truth(m) {
  moment = m;
  $("top").dataset.state = m.state;
  if ($("truth-text").textContent !== m.text) $("truth-text").textContent = m.text;
  if ($("truth-last").textContent !== m.last) $("truth-last").textContent = m.last;
  $("truth-light").textContent = m.light || "";
  const paused = m.state === "paused";
  $("pause").textContent = t(paused ? "pause.off" : "pause.on");
  $("pause").dataset.paused = paused ? "1" : "";
  if (m.revision !== rev) { rev = m.revision; later(); }
}
$("pause").addEventListener("click", () => act($("pause-said"), $("pause").dataset.paused ? "/v1/resume" : "/v1/pause", {}));

// later looks again, but not more often than every second and a half however much leaves.
let waiting = false, again = false;
async function later() {
  if (waiting) { again = true; return; }
  waiting = true;
  await load().catch(() => {});
  await new Promise((ready) => setTimeout(ready, 1500));
  waiting = false;
  if (again) { again = false; later(); }
}

// ---- all the rest

async function load() {
  if (!token) return;
  // The long lists are asked for when something was added to them, as the revision says.
  const [plan, entries, bytes] = moment ? moment.revision.split("-") : [], rules = plan + "-" + entries;
  const [consent, status, senses, deletions, sent, ledger, charter] = await Promise.all([
    ask("/v1/consent?language=" + lang), ask("/v1/status"), ask("/v1/senses"), ask("/v1/deletions"),
    once("/v1/sent?last=" + sentMost, bytes), once("/v1/ledger?language=" + lang, entries), once("/v1/charter", rules)]);
  if (!token) return;
  const said = charter.fragments, titles = {}, names = {};
  for (const p of consent.purposes) titles[p.id] = p.title;
  for (const p of status.purposes) {
    const c = consent.purposes.find((x) => x.id === p.id);
    if (c) names[p.recipient] = c.recipient;
  }
  maker = consent.controller;
  voices();
  simulated(senses);
  showChoices(consent, status, said);
  showSenses(senses, said);
  showLeft(sent, titles, names);
  showWithheld(consent.withheld, titles);
  showMine(consent.purposes.find((p) => p.id === "mine"), status.history, said);
  showErase(consent.purposes);
  showDeletions(deletions, titles, names);
  showReceipts(ledger, titles);
  const about = said.filter((f) => !f.purpose && !["sense", "never", "now"].includes(f.part));
  put("about-body", about, () => fragments(about));
  $("made").textContent = t("made", status.plan, status.policy.version, status.version);
}

const had = {};
async function once(path, revision) {
  const old = had[path];
  if (old && revision !== undefined && old.revision === revision) return old.answer;
  const answer = await ask(path);
  had[path] = { revision, answer };
  return answer;
}

let maker = "";
function voices() {
  $("voices").replaceChildren(...["object", "maker", "law"].map((v) => el("li", { class: "voice " + v }, el("span", { class: "who" }, t("voice." + v, maker)))));
}

function simulated(senses) {
  const names = [...new Set(senses.filter((s) => s.simulated).map((s) => s.sensor))];
  $("truth-simulated").textContent = names.length ? t("simulated", names.join(", ")) : "";
}

// voiced shows sentences under what they are about, each with the voice that stands for it. A voice is named where it changes.
function voiced(lines) {
  const out = [];
  let label = "", voice = "";
  for (const l of lines) {
    if (l.label && l.label !== label) { out.push(el("dt", {}, l.label)); label = l.label; voice = ""; }
    out.push(el("dd", { class: "voice " + l.voice }, l.voice !== voice ? el("span", { class: "who" }, t("voice." + l.voice, maker)) : "", l.text));
    voice = l.voice;
  }
  return out.length ? el("dl", {}, ...out) : "";
}
const fragments = (list) => voiced(list.map((f) => ({ voice: f.voice, label: f.label[lang], text: f.text[lang] })));
// beside is what is said of a purpose beyond the notice.
const beside = (said, p) => fragments(said.filter((f) => f.purpose === p.id && !p.notice.some((l) => l.id === f.id)));
// notice is what has to be told before an answer: what a person asks first, and the rest, one gesture away.
const first = ["why", "return", "what", "when", "how", "where", "long", "who", "much", "guess"];
const notice = (lines, key) => [voiced(lines.filter((l) => first.includes(l.part))),
  el("details", { "data-key": "rest-" + key }, el("summary", {}, t("rest")), voiced(lines.filter((l) => !first.includes(l.part))))];
const digest = (d) => (d ? el("p", { class: "small" }, t("notice.digest"), el("code", {}, d)) : "");

function answerButtons(p, extra) {
  const said = el("p", { class: "said", role: "status", "data-key": "said-" + p.id });
  const yes = p.state === "given", no = ["declined", "withdrawn"].includes(p.state);
  // What a service strictly needs is answered by the switch of the service.
  const service = p.service && !/[/%]|^\.*$/.test(p.service) ? "/v1/service/" + encodeURIComponent(p.service) : "";
  const button = (word, on, path) => el("button", { type: "button", "data-key": word + "-" + p.id, "data-answer": word, "aria-pressed": String(on),
    click: () => act($("said-" + p.id) || said, service ? service + (word === "yes" ? "/on" : "/off") : "/v1/consent/" + encodeURIComponent(p.id) + path, extra ? extra(word) : {}) },
  service ? t(word === "yes" ? "service.on" : "service.off") : t(word));
  said.id = "said-" + p.id;
  return [service ? el("p", {}, t("service", p.service)) : "", el("div", { class: "answer", role: "group", "aria-label": service ? t("service", p.service) : t("answer", p.title) },
    button("no", no, p.id === "mine" ? "/withdraw" : "/refuse"), button("yes", yes && !p.pending, "/grant")), said];
}

function standing(p) {
  let text = t("state") + t("state." + p.state);
  if (p.given) text += ", " + t("since", when(p.given));
  if (p.until) text += ", " + t("until", when(p.until));
  return el("p", {}, text + ".", p.state === "refused" && p.reason ? " " + p.reason : "");
}

function showChoices(consent, status, said) {
  const asked = (consent.prompts || []).map((x) => el("p", {}, x.text));
  const own = consent.purposes.filter((p) => p.id !== "mine");
  put("purposes", [own, asked.length, consent.prompts, said], () => [...asked, ...own.map((p) => {
    return el("article", { class: "card", id: "use-" + p.id, "aria-labelledby": "title-" + p.id },
      el("h3", { id: "title-" + p.id }, p.title), standing(p), ...answerButtons(p),
      p.pending ? el("p", {}, t("pending")) : "",
      p.asked_not ? el("p", {}, p.asked_not) : "",
      ...(p.changes || []).map((c) => el("p", {}, c.label, el("br"), t("change.old"), c.old, el("br"), t("change.new"), c.new)),
      p.asked_notice ? el("details", { "data-key": "asked-" + p.id, open: true }, el("summary", {}, t("asked")), ...notice(p.asked_notice, "asked-" + p.id), digest(p.asked_digest)) : "",
      ...notice(p.notice, p.id), beside(said, p), digest(p.notice_digest),
      el("details", { "data-key": "next-" + p.id, toggle: (ev) => next(ev.target, p.id) }, el("summary", {}, t("next")), el("div", {})));
  })]);
}

async function next(details, purpose) {
  if (!details.open) return;
  const box = details.lastElementChild;
  try {
    const [p] = await ask("/v1/preview?language=" + lang + "&purpose=" + encodeURIComponent(purpose));
    box.replaceChildren(el("p", {}, p.state), p.senml && p.rows ? senml(p.senml) : "");
  } catch (e) { box.replaceChildren(...failure(e)); }
}

function showSenses(senses, said) {
  put("senses-body", [senses, said], () => [el("ul", {}, ...senses.map((s) => el("li", {}, el("strong", {}, s.field), " (" + t("class." + s.class) + (s.every ? ", " + t("senses.every", s.every) : "") + ")",
    s.implies ? " — " + t("senses.implies", t("class." + s.implies)) : ""))),
    fragments(said.filter((f) => !f.purpose && ["sense", "never"].includes(f.part)))]);
}

// senml shows a pack of RFC 8428 record by record, base values worked in.
function senml(pack) {
  let bn = "", bt = 0, bu = "";
  const rows = [];
  for (const r of pack) {
    bn = r.bn === undefined ? bn : r.bn; bt = r.bt === undefined ? bt : r.bt; bu = r.bu === undefined ? bu : r.bu;
    const name = (bn + (r.n || "")).replace(/^[0-9a-f]{32}\//, "");
    if (r.v === undefined && r.vs === undefined && r.vb === undefined) continue;
    const value = r.vs !== undefined ? r.vs : r.vb !== undefined ? t(String(r.vb)) : number(r.v) + " " + unit(r.u || bu);
    rows.push([name, value, when((bt + (r.t || 0)) * 1000)]);
  }
  return table(t("left.read"), [t("field"), t("value"), t("at")], rows);
}

function showLeft(sent, titles, names) {
  put("left-body", [sent, titles], () => {
    if (!sent.length) return el("p", {}, t("left.none"));
    const by = {};
    for (const s of [...sent].reverse()) (by[s.recipient] = by[s.recipient] || []).push(s);
    const out = Object.keys(by).flatMap((r) => [el("h3", {}, names[r] || r), el("ol", { class: "lines" }, ...by[r].map((s) => leftLine(s, titles)))]);
    if (sent.length >= sentMost) out.push(el("button", { type: "button", "data-key": "more", click: () => { sentMost *= 4; load().catch(() => {}); } }, t("left.more")));
    return out;
  });
}

function leftLine(s, titles) {
  const title = titles[s.purpose] || s.purpose;
  if (s.control) return el("li", {}, t("left.control", when(s.sent_at), title, t("control." + s.control), number(s.wire_bytes), t("result." + s.result)));
  const box = el("div", {});
  const key = s.stream + "-" + s.seq;
  const look = async (ev) => {
    if (!ev.target.open) return;
    try {
      const copy = await ask("/v1/sent/copy?stream=" + s.stream + "&seq=" + s.seq);
      box.replaceChildren(senml(copy.senml));
    } catch (e) { box.replaceChildren(...(e.code === "not-found" ? [el("p", {}, t("left.nocopy"))] : failure(e))); }
  };
  return el("li", {}, t("left.line", when(s.sent_at), title, t(s.rows > 1 ? "rows" : "row", number(s.rows)), number(s.wire_bytes), t("result." + s.result)),
    el("br"), el("span", { class: "small" }, (s.fields || []).join(", ")),
    el("details", { "data-key": key, toggle: look }, el("summary", {}, t("left.read")), box));
}

function showWithheld(withheld, titles) {
  put("withheld-body", [withheld, titles], () => withheld.length ? table(t("withheld"), [t("field"), t("purpose"), t("why"), t("count")],
    withheld.map((w) => [w.field, titles[w.purpose] || w.purpose || "", t("reason." + w.reason), number(w.count)])) : el("p", {}, t("withheld.none")));
}

function showMine(p, history, said) {
  if (!p) return;
  put("mine-body", [p, history.days, Math.round(history.bytes / 1000), said], () => {
    const keep = el("input", { type: "checkbox", "data-key": "mine-keep", id: "mine-keep" });
    return el("div", { class: "card" }, el("h3", {}, p.title), standing(p),
      ...answerButtons(p, (word) => (word === "no" && $("mine-keep").checked ? { keep_history: true } : {})),
      p.state === "given" ? el("label", { class: "check" }, keep, " ", el("span", {}, t("mine.keep"))) : el("input", { type: "checkbox", id: "mine-keep", hidden: true }),
      history.bytes ? el("p", {}, t("mine.size", history.days, number(Math.round(history.bytes / 1000)))) : "",
      ...notice(p.notice, p.id), beside(said, p), digest(p.notice_digest));
  });
}

// ---- take away, erase, hand over

$("take-form").addEventListener("submit", async (ev) => {
  ev.preventDefault();
  const day = (id) => ($(id).value ? { [id.slice(5)]: $(id).value + "T00:00:00Z" } : {});
  const want = Object.assign({ what: $("take-what").value, format: $("take-format").value }, day("take-from"), day("take-to"));
  if (want.what === "all" && want.format === "csv") { $("take-said").textContent = t("take.csv"); return; }
  try {
    const { path } = await ask("/take", want);
    el("a", { href: path, download: "" }).click();
    $("take-said").textContent = t("take.done");
  } catch (e) { $("take-said").replaceChildren(...failure(e)); }
});

function showErase(purposes) {
  const before = $("erase-what").value;
  put("erase-what", purposes.map((p) => [p.id, p.title]), () => [el("option", { value: "all" }, t("erase.all")),
    ...purposes.map((p) => el("option", { value: "p:" + p.id }, t("erase.purpose", p.title))), el("option", { value: "period" }, t("erase.period"))]);
  if (before) $("erase-what").value = before;
}
$("erase-what").addEventListener("change", () => { $("erase-period").hidden = $("erase-what").value !== "period"; });
$("erase-form").addEventListener("submit", async (ev) => {
  ev.preventDefault();
  if (!$("erase-sure").checked) { $("erase-said").textContent = t("sure.not"); return; }
  const what = $("erase-what").value;
  const body = what === "all" ? { all: true } : what !== "period" ? { purpose: what.slice(2) }
    : { from: $("erase-from").value || "1970-01-01", to: $("erase-to").value, recipient_too: $("erase-too").checked };
  await act($("erase-said"), "/v1/erase", body, (e) => erased(e, "erase.save"));
  $("erase-sure").checked = false;
});

function erased(e, word) {
  return [el("p", {}, e.what), el("p", {}, t("erase.destroyed")), e.destroyed.length ? list(e.destroyed) : el("p", {}, t("nothing")),
    el("p", {}, t("erase.remains")), list(e.remains), el("p", {}, t("erase.asked", number(e.asked))),
    el("button", { type: "button", click: () => save(e, "candor-" + word.split(".")[0] + ".json") }, t(word))];
}

function save(object, name) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(object, null, 2)], { type: "application/json" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

$("owner-form").addEventListener("submit", async (ev) => {
  ev.preventDefault();
  if (!$("owner-sure").checked) { $("owner-said").textContent = t("sure.not"); return; }
  $("owner-sure").checked = false;
  await act($("owner-said"), "/v1/transfer", { wait: 10 }, (e) => [...erased(e, "owner.save"), e.papers ? el("p", {}, t("owner.papers", number(e.papers.length))) : ""]);
});

function showDeletions(deletions, titles, names) {
  put("deletions-body", [deletions, titles], () => deletions.length ? el("ol", { class: "lines" }, ...[...deletions].reverse().map((d) => el("li", {},
    (names[d.recipient] || d.recipient) + (d.purpose ? ", " + (titles[d.purpose] || d.purpose) : "") + " : ", t("deletion." + d.state, when(d.asked), d.confirmed ? when(d.confirmed) : "")))) : el("p", {}, t("deletions.none")));
}

// ---- receipts

function showReceipts(ledger, titles) {
  const newest = [...ledger].reverse().slice(0, 200);
  put("receipts-body", [newest.map((e) => e.hash), titles], () => el("ol", { class: "lines" }, ...newest.map((e) => {
    const about = [titles[e.purpose] || e.purpose || "", e.role ? t("by", t("role." + e.role)) : "", e.on_behalf || ""].filter((x) => x).join(", ");
    return el("li", {}, when(e.time) + " : " + t("kind." + e.kind) + (about ? " — " + about : ""), e.text ? el("span", { class: "small" }, " " + e.text) : "",
      e.receipt || e.act_receipt ? el("details", { "data-key": "receipt-" + e.entry }, el("summary", {}, t("receipt")), el("div", { lang: "en" }, terms(Object.entries(e.receipt || e.act_receipt).map(([k, v]) =>
        ({ label: k, text: typeof v === "object" ? JSON.stringify(v) : String(v) }))))) : "");
  })));
}
$("verify").addEventListener("click", async () => {
  try {
    const r = await ask("/v1/ledger/verify");
    $("verify-said").replaceChildren(...(r.verified ? [t("verified", number(r.entries)), el("br"), el("code", {}, r.head)] : [t("unverified"), list(r.problems || [])]));
  } catch (e) { $("verify-said").replaceChildren(...failure(e)); }
});

// ---- live values

const perField = 4000, lookEvery = 3000;
$("live-show").addEventListener("click", () => (live ? hideLive() : showLive()));

function hideLive() {
  if (live) { clearTimeout(live.timer); for (const s of live.series.values()) if (s.plot) s.plot.destroy(); }
  live = null;
  $("live-body").replaceChildren();
  $("live-show").setAttribute("aria-expanded", "false");
  $("live-show").textContent = t("live.show");
}
function showLive() {
  live = { series: new Map(), newest: 0 };
  $("live-show").setAttribute("aria-expanded", "true");
  $("live-show").textContent = t("live.hide");
  $("live-body").replaceChildren(el("p", {}, t("live.none")));
  look(live);
}

async function look(mine) {
  if (live !== mine) return;
  try {
    const since = mine.newest ? "?since=" + encodeURIComponent(new Date(mine.newest / 1000 - 60000).toISOString()) : "";
    const got = await ask("/v1/live" + since);
    if (live !== mine) return;
    for (const s of got) add(mine, s);
  } catch { /* the top line tells */ }
  if (live === mine) mine.timer = setTimeout(() => look(mine), lookEvery);
}

function add(mine, s) {
  let x = mine.series.get(s.field);
  if (!x) {
    if (!s.points.length) return;
    if (!mine.series.size) $("live-body").replaceChildren();
    x = { field: s.field, type: s.type, unit: unit(s.unit), scale: 10 ** s.scale, t: [], v: [], words: el("p", {}), box: el("div", { class: "plot" }) };
    mine.series.set(s.field, x);
    $("live-body").append(el("h3", {}, s.field), x.words, x.box);
  }
  const last = x.t.length ? x.t[x.t.length - 1] : -Infinity;
  for (const p of s.points) {
    mine.newest = Math.max(mine.newest, p.t);
    if (p.t / 1e6 <= last) continue;
    x.t.push(p.t / 1e6);
    x.v.push(s.type === "token" || s.type === "text" ? p.text || "" : p.num / x.scale);
  }
  x.t.splice(0, x.t.length - perField); x.v.splice(0, x.v.length - perField);
  if (x.t.length && x.t[x.t.length - 1] !== last) draw(x);
}

function draw(x) {
  const n = x.t.length, say = (v) => (typeof v === "string" ? v : x.type === "boolean" ? t(String(v !== 0)) : number(v) + (x.unit ? " " + x.unit : ""));
  const last = say(x.v[n - 1]), at = when(x.t[n - 1] * 1000);
  if (x.type !== "number" && x.type !== "numeric") { x.words.textContent = t("live.last", x.field, last, at); }
  else x.words.textContent = t("live.told", x.field, last, at, say(Math.min(...x.v)), say(Math.max(...x.v)), when(x.t[0] * 1000));
  if (typeof x.v[n - 1] === "string") return;
  const width = Math.max(Math.min(x.box.clientWidth, 760), 200);
  if (x.plot) { if (x.plot.width !== width) x.plot.setSize({ width, height: 180 }); x.plot.setData([x.t, x.v]); return; }
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--link");
  const clock = new Intl.DateTimeFormat(tag(), { hour: "2-digit", minute: "2-digit" });
  const axis = { stroke: ink, grid: { stroke: ink + "22", width: 1 }, ticks: { stroke: ink + "55", width: 1 }, size: 50 };
  x.plot = new uPlot({ width, height: 180, legend: { show: false }, cursor: { show: false },
    axes: [Object.assign({}, axis, { size: 30, values: (_, at) => at.map((x) => clock.format(new Date(x * 1000))) }), Object.assign({}, axis, { values: (_, at) => at.map(number) })], series: [{}, { stroke: line, width: 2, paths: x.type === "boolean" ? uPlot.paths.stepped({ align: 1 }) : undefined }] }, [x.t, x.v], x.box);
  x.plot.root.setAttribute("aria-hidden", "true"); // the words above say it
}

addEventListener("resize", () => { if (live) for (const s of live.series.values()) if (s.plot) draw(s); });

begin();
})();
