// What pages gain where scripts run; without them every page and button works the same.
"use strict";

// A form is sent once, however often its button is pressed; coming back to the page makes it usable again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// What the pointer is over in a plot is told below it, with a line through that moment.
document.addEventListener("pointermove", (event) => {
  const column = event.target.closest?.(".plot .hit");
  if (!column) return;
  const plot = column.closest(".plot");
  const middle = column.x.baseVal.value + column.width.baseVal.value / 2;
  const cross = plot.querySelector(".cross");
  cross.setAttribute("x1", middle);
  cross.setAttribute("x2", middle);
  cross.classList.add("on");
  plot.querySelector(".readout").textContent = column.querySelector("title").textContent;
});

// A part of a page that shows how things are now is fetched again now and then, unless somebody is at work in it.
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(async () => {
    const isUsed = part.contains(document.activeElement) || part.querySelector(".plot:hover");
    if (document.hidden || isUsed) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return;
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll("details").forEach((one, nth) => { one.open = Boolean(open[nth]); });
  }, part.dataset.live * 1000);
}
