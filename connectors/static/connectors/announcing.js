// Says what happened, to screen readers and for a moment on the screen.

const SHOWN_MS = 6000;

export function announcer(root) {
  const place = root.querySelector("[data-announcements]");
  let timer;
  return (sentence) => {
    clearTimeout(timer);
    place.textContent = sentence;
    timer = setTimeout(() => {
      place.textContent = "";
    }, SHOWN_MS);
  };
}
