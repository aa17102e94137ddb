// theme.js - light or dark before the first paint: the choice made here, else the system's
"use strict";
{
  const root = document.documentElement;
  let kept = null;
  try {
    kept = localStorage.getItem("storeline-theme");
  } catch {
    // Storage may be refused; then the system decides each time.
  }
  if (kept === "light" || kept === "dark")
    root.dataset.theme = kept;
}
