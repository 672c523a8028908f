// Fetches the page every three seconds and shows what changed. Without scripts, reload the page.
"use strict";

const PAUSE = 3000;

async function look() {
  const here = document.querySelector("[data-live]");
  if (document.hidden) return;
  const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
  if (answer.redirected) { location.reload(); return; } // the visit is over
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (!fresh || fresh.textContent === here.textContent) return;
  const focused = document.activeElement && document.activeElement.getAttribute("href");
  here.replaceWith(fresh);
  document.title = page.title;
  const again = focused && [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused);
  if (again) again.focus();
}

setInterval(() => look().catch(() => {}), PAUSE);
