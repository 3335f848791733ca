// The checklist: what drydock checked, what it assumed, what a person verifies before
// merge. Ticks stay in the page as long as it is open.

const LISTS = [["checked", "Checked by drydock"], ["assumed", "Assumed: tick what holds"], ["verify", "Verify before merge"]];
const FILES_NAMED = 30;
const ITEMS = 5; // of a list that are seen at once, when there are more than one over

function drawChecklist() {
  const all = meta.checklist || [];
  if (all.length === 0) return;
  const box = $("checklist"), ticks = all.filter((i) => i.kind !== "checked").length;
  let done = 0;
  const state = el("span", { class: "dim", role: "status" });
  const tell = () => { state.textContent = ticks ? number(done) + " of " + number(ticks) + " ticked" : ""; };
  const line = (i, k) => {
    const text = [el("span", { class: "tag", text: i.name }), el("span", { text: i.text })];
    if (i.kind === "checked") return el("li", { class: "done" }, el("span", { class: "tick", "aria-hidden": "true" }, "✓"), el("span", {}, text, where(i)));
    const input = el("input", { type: "checkbox", id: "tick" + k, onchange: () => { done += input.checked ? 1 : -1; tell(); } });
    return el("li", {}, input, el("span", {}, el("label", { for: "tick" + k }, text), where(i)));
  };
  tell();
  box.replaceChildren(el("div", { class: "cardhead" }, el("h2", { id: "checkhead", text: "Checklist" }), state),
    el("div", { class: "lists" }, LISTS.map(([kind, title]) => {
      const items = all.filter((i) => i.kind === kind);
      if (items.length === 0) return null;
      const lines = items.map((i) => line(i, all.indexOf(i))), cut = lines.length > ITEMS + 1 ? ITEMS : lines.length;
      return el("div", { class: "list-" + kind }, el("h3", { text: title + " (" + number(items.length) + ")" }), el("ul", {}, lines.slice(0, cut)),
        cut < lines.length && el("details", { class: "rest" }, el("summary", { text: number(lines.length - cut) + " more" }), el("ul", {}, lines.slice(cut))));
    })));
  box.hidden = false;
}

// where names the files of an item, when there is more than one to choose from.
function where(i) {
  if (!i.files || rows.length < 2) return null;
  const names = i.files.slice(0, FILES_NAMED).map((n) => el("li", {}, el("a", { href: "#f" + n, text: oneLine(rows[n].p), onclick: (e) => { e.preventDefault(); toFile(rows[n]); } })));
  if (i.files.length === 1) return el("ul", { class: "where" }, names);
  if (i.files.length > FILES_NAMED) names.push(el("li", { class: "dim", text: "and " + number(i.files.length - FILES_NAMED) + " more" }));
  return el("details", { class: "wherebox" }, el("summary", { class: "dim", text: "in " + plural(i.files.length, "file") }), el("ul", { class: "where" }, names));
}
