// Walking: from file to file, from change to change, and what is reviewed.

let here = { r: null, k: -1 }; // the file and the change that the keys are at
let near, seenFiles; // observers

function watch() {
  near = new IntersectionObserver((all) => {
    for (const e of all) if (e.isIntersecting) draw(rows[e.target.dataset.at]);
  }, { rootMargin: "900px 0px" });
  // The file at the top of the window is the current one in the list.
  seenFiles = new IntersectionObserver(() => mark(), { rootMargin: "-80px 0px -60% 0px" });
  for (const r of rows) {
    near.observe(r.section);
    if (r.entry) seenFiles.observe(r.section);
  }
}

const walkable = () => rows.filter((r) => !r.quiet);

// atTop is the file that lies at the top of the window.
function atTop() {
  const all = walkable();
  let lo = 0, hi = all.length - 1;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (all[mid].section.getBoundingClientRect().top <= 120) lo = mid;
    else hi = mid - 1;
  }
  return all[lo];
}

let marked1 = null;
function mark() {
  const r = atTop();
  if (!r || r === marked1) return;
  if (marked1?.entry) marked1.entry.removeAttribute("aria-current");
  marked1 = r;
  if (!r.entry) return;
  r.entry.setAttribute("aria-current", "true");
  if (!phone.matches) {
    const list = $("nav"), box = r.entry.getBoundingClientRect(), view = list.getBoundingClientRect();
    if (box.top < view.top + 60 || box.bottom > view.bottom) list.scrollTop += box.top - view.top - view.height / 2;
  }
}

async function toFile(r) {
  here = { r, k: -1 };
  if (r.quiet) $("quietbox").open = true;
  r.section.classList.remove("folded");
  moving++;
  await draw(r);
  moving--;
  r.section.scrollIntoView({ block: "start" });
  $("n" + r.at).focus({ preventScroll: true });
}

function stepFile(by) {
  const all = walkable(), top = atTop();
  if (!top) return;
  if (!present() && by > 0 && top.section.getBoundingClientRect().top > 120) return toFile(top);
  const next = all[all.indexOf(present() || top) + by];
  if (next) return toFile(next);
  say(by > 0 ? "That is the last file" : "That is the first file");
}

// present is the file that the keys are at, unless somebody scrolled away from it.
let moving = 0; // walks that are under way
const present = () => (here.r && (moving || onScreen(here.r.section)) ? here.r : null);
const onScreen = (e) => { const b = e.getBoundingClientRect(); return b.bottom > 0 && b.top < innerHeight; };

// stepChange goes to the next change, in the next file where this one has no more.
async function stepChange(by) {
  const all = walkable().filter((r) => r.h > 0);
  if (all.length === 0) return say("There is no change");
  let r = present(), k = r ? here.k : -1;
  r ||= atTop();
  for (k += by; ;) {
    if (r.h > 0 && k >= 0 && k < r.h && (await placeOf(r, k))) break;
    const at = all.indexOf(r), next = at >= 0 ? all[at + by] : all.find((x) => (by > 0 ? x.at > r.at : x.at < r.at));
    if (!next) return say(by > 0 ? "That is the last change" : "That is the first change");
    r = next;
    k = by > 0 ? 0 : r.h - 1;
  }
  here = { r, k };
  const e = await placeOf(r, k);
  e.scrollIntoView({ block: e.offsetHeight > innerHeight - 140 ? "start" : "center" });
  e.focus({ preventScroll: true });
  say(e.getAttribute("aria-label"));
}

// placeOf is the element of change k of a file, drawn when it must be; null when it lies
// behind "show more".
async function placeOf(r, k) {
  r.section.classList.remove("folded");
  await draw(r);
  return $("f" + r.at + "-" + k);
}

const current = () => present() || atTop();

function review(r, yes) {
  r.reviewed = yes;
  r.tick.checked = yes;
  r.section.classList.toggle("folded", yes);
  r.section.classList.toggle("isreviewed", yes);
  if (r.entry) {
    r.entry.classList.toggle("isreviewed", yes);
    r.entry.querySelector(".navdone").textContent = yes ? "✓ reviewed" : "";
  }
  showProgress();
  say(oneLine(r.p) + (yes ? " is reviewed" : " is to be reviewed"));
}

function toggleFold(r) {
  r.section.classList.toggle("folded");
}
