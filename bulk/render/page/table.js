// The table: only the rows in view are elements, so that ten thousand stay quick.
// The focus stays on the grid; aria-activedescendant tells which row is meant.

const COLUMNS = [
  { key: "name", label: "Repository", show: (r) => [el("span", { class: "name", text: oneLine(r.n), title: oneLine(r.n) })] },
  { key: "status", label: "Status", show: (r) => [el("span", { class: "badge s-" + (STATUSES.includes(r.s) ? r.s : "skipped"), text: r.s }), (r.e || r.p) && el("small", { class: "dim", text: " " + (r.e ? number(r.e) + " unread" : oneLine(r.p)) })] },
  { key: "language", label: "Language", when: () => haveLanguage, show: (r) => [r.l || "–"] },
  { key: "base", label: "Base image", show: (r) => [el("span", { class: "clip", text: oneLine(r.bases.join(", ") || r.r || "–"), title: oneLine(r.bases.join(", ") || r.r || "") })] },
  { key: "user", label: "User after", when: () => rows.some((r) => r.d.length), show: (r) => [r.users.length ? ["root", "base’s", "not root"][Math.min(...r.users)] || "–" : "–"] },
  { key: "applied", label: "Changes", num: true, show: (r) => [r.applied ? number(r.applied) : "–"] },
  { key: "found", label: "Findings", num: true, show: (r) => [r.found ? number(r.found) : "–"] },
  { key: "after", label: "Size", num: true, when: () => haveSizes, show: (r) => [r.sized ? bytes(r.after) : "–"] },
  { key: "saving", label: "Saving", num: true, when: () => haveSizes, show: (r) => [r.sized && r.saving ? bytes(r.saving) : "–", r.sized && r.saving > 0 && el("small", { class: "dim", text: " " + Math.round((100 * r.saving) / r.before) + " %" })] },
];

const table = {
  columns: [],
  active: 0,
  height: 44,
  live: new Map(), // index -> element
  printing: false,

  build() {
    this.columns = COLUMNS.filter((c) => !c.when || c.when());
    const widths = { name: "minmax(11rem, 2.2fr)", status: "11rem", language: "7rem", base: "minmax(7rem, 1.3fr)", user: "6rem", applied: "5.5rem", found: "5.5rem", after: "5.5rem", saving: "8rem" };
    $("table").style.setProperty("--columns", this.columns.map((c) => widths[c.key]).join(" "));
    $("table").setAttribute("aria-colcount", this.columns.length);
    $("head").replaceChildren(...this.columns.map((c, i) => el("div", { role: "columnheader", class: c.num ? "num" : "", "aria-colindex": i + 1, "data-key": c.key },
      el("button", { type: "button", text: c.label, onclick: () => this.sort(c) }))));
    // On a phone the heads are gone: sorting is a select then.
    this.select = el("select", { id: "sortby", onchange: () => set({ sort: this.select.value }) },
      this.columns.flatMap((c) => (c.num ? [["-" + c.key, c.label + ", most first"]] : [[c.key, c.label]]).map(([v, t]) => el("option", { value: v, text: t }))));
    $("selects").append(el("label", { class: "phone" }, el("span", { text: "Sort by" }), this.select));
    addEventListener("scroll", () => this.render(), { passive: true });
    addEventListener("resize", () => this.measure());
    $("table").addEventListener("keydown", (e) => this.key(e));
    $("rows").addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (!row) return;
      this.active = Number(row.dataset.at);
      this.mark();
      openPanel(shown[this.active]);
    });
    addEventListener("beforeprint", () => { this.printing = true; this.render(true); });
    addEventListener("afterprint", () => { this.printing = false; this.render(true); });
  },

  sort(c) {
    const now = wanted.sort, first = c.num ? "-" + c.key : c.key, second = c.num ? c.key : "-" + c.key;
    set({ sort: now === first ? second : first });
    say("sorted by " + c.label);
  },

  reset() {
    for (const h of $("head").children) {
      const key = wanted.sort.replace(/^-/, "");
      if (h.dataset.key === key) h.setAttribute("aria-sort", wanted.sort.startsWith("-") ? "descending" : "ascending");
      else h.removeAttribute("aria-sort");
    }
    this.select.value = wanted.sort;
    this.active = 0;
    $("table").setAttribute("aria-rowcount", shown.length + 1);
    this.measure();
    // What was below the table's head may be gone: the list begins in view.
    const top = $("table").getBoundingClientRect().top;
    if (top < 0) scrollBy(0, top);
  },

  measure() {
    const h = parseFloat(getComputedStyle($("table")).getPropertyValue("--row"));
    this.height = h || 44;
    $("rows").style.height = shown.length * this.height + "px";
    this.render(true);
  },

  render(anew) {
    const box = $("rows");
    if (anew) {
      box.replaceChildren();
      this.live.clear();
    }
    let from = 0, to = Math.min(shown.length, 1000);
    if (!this.printing) {
      const top = -box.getBoundingClientRect().top;
      from = Math.max(0, Math.floor(top / this.height) - 8);
      to = Math.min(shown.length, Math.ceil((top + innerHeight) / this.height) + 8);
    }
    box.classList.toggle("printing", this.printing);
    for (const [i, e] of this.live) {
      if (i < from || i >= to) {
        e.remove();
        this.live.delete(i);
      }
    }
    for (let i = from; i < to; i++) {
      if (this.live.has(i)) continue;
      const e = this.row(shown[i], i);
      this.live.set(i, e);
      box.append(e);
    }
    this.mark();
  },

  row(r, i) {
    // A repository without Dockerfiles has a reason instead, up to the row's end.
    const base = this.columns.findIndex((c) => c.key === "base");
    const columns = r.r && r.d.length === 0 ? this.columns.slice(0, base + 1) : this.columns;
    const rest = this.columns.length - base;
    const e = el("div", { class: "row", role: "row", id: "row-" + i, "data-at": i, "aria-rowindex": i + 2 },
      columns.map((c, k) => el("div", { role: "gridcell", class: (c.num ? "num " : "") + "c-" + c.key, "aria-colindex": k + 1, "aria-colspan": columns !== this.columns && k === base && rest, "data-label": c.label }, c.show(r))));
    if (columns !== this.columns) {
      e.lastChild.style.gridColumn = base + 1 + " / -1";
      e.lastChild.classList.add("reason");
    }
    e.style.transform = "translateY(" + i * this.height + "px)";
    return e;
  },

  mark() {
    for (const [i, e] of this.live) e.classList.toggle("active", i === this.active);
    if (this.live.has(this.active)) $("table").setAttribute("aria-activedescendant", "row-" + this.active);
    else $("table").removeAttribute("aria-activedescendant");
  },

  // move makes row i the active one and brings it into view, below the head.
  move(i) {
    if (shown.length === 0) return;
    this.active = Math.max(0, Math.min(shown.length - 1, i));
    const top = $("rows").getBoundingClientRect().top + this.active * this.height, head = $("head").offsetHeight;
    if (top < head) scrollBy(0, top - head);
    else if (top + this.height > innerHeight) scrollBy(0, top + this.height - innerHeight + 8);
    this.render();
  },

  key(e) {
    if (e.target !== $("table") || e.altKey || e.ctrlKey || e.metaKey) return;
    const page = Math.max(1, Math.floor((innerHeight - 80) / this.height) - 1);
    const steps = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: shown.length - 1 };
    if (e.key in steps) this.move(steps[e.key]);
    else if ((e.key === "Enter" || e.key === " ") && shown[this.active]) openPanel(shown[this.active]);
    else return;
    e.preventDefault();
  },
};
