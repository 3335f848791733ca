// Reasons: why a place is as it is. A change that is at work in several places is told
// in full at the first.

// cards are the reasons of a place; told holds those of the file that were told.
function cards(all, indexes, told, lines) {
  let room = Math.max(6, lines); // about how many lines of code stand beside them
  return indexes.map((i) => {
    const o = all[i];
    if (told.has(i)) {
      const first = told.get(i);
      return el("button", { type: "button", class: "again", onclick: () => { first.open = true; first.scrollIntoView({ block: "center" }); first.querySelector("summary").focus({ preventScroll: true }); } },
        "↑ ", el("span", { class: "tag", text: o.transform }), el("span", { text: o.title }));
    }
    const named = [...told.keys()].some((k) => all[k].transform === o.transform);
    const card = reason(o, o.safety !== "safe" || room > 0, !named);
    room -= 6;
    told.set(i, card);
    return card;
  });
}

const detailLine = (kind, label, text) => (text ? el("p", { class: "detail d-" + kind }, el("span", { class: "dim", text: label + " " }), text) : null);

function reason(o, open, more) {
  return el("details", { class: "reason " + (o.safety === "safe" ? "safe" : "assumes"), open },
    el("summary", {}, el("span", { class: "tag", text: o.transform }), el("span", { class: "badge " + (o.safety === "safe" ? "s-changed" : "s-skipped"), text: o.safety }), el("span", { class: "what", text: o.title })),
    detailLine("why", "why", o.why),
    detailLine("assumes", "assumes", o.assumes),
    detailLine("brings", "brings", o.gain),
    (o.plan || []).length > 0 && el("details", { class: "plan" }, el("summary", { text: "the plan, in " + plural(o.plan.length, "step") }), el("ul", {}, o.plan.map((x) => el("li", { text: x })))),
    detailLine("gate", "because", o.gate),
    more && el("p", { class: "more dim" }, "more: ", el("code", { text: "drydock explain " + o.transform })));
}

// entry is a line of a list: an offer, a finding, a case left alone.
function entry(name, line, text, details) {
  return el("li", {}, el("span", { class: "tag", text: name }), el("span", { class: "what", text: text }), line ? el("span", { class: "dim", text: " line " + line }) : null,
    details.map(([kind, label, v]) => detailLine(kind, label, v)));
}

const outcome = (o) => entry(o.transform, o.line, o.title + (o.file ? " (" + oneLine(o.file) + ")" : ""),
  [["why", "why", o.why], ["assumes", "assumes", o.assumes], ["brings", "brings", o.gain], ["gate", "because", o.gate]]);

function group(kind, title, list, open) {
  if (!list.length) return null;
  return el("details", { class: "group " + kind, open }, el("summary", {}, el("h3", { text: title + " (" + number(list.length) + ")" })), el("ul", {}, list));
}
