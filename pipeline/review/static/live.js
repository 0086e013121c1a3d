// What happens elsewhere: one event stream for the whole page.

export const live = new EventTarget();
let source = null;

export function connect() {
  source = new EventSource("/api/events");
  for (const kind of ["hello", "afresh", "job", "job-event", "gallery"]) {
    source.addEventListener(kind, (event) => {
      live.dispatchEvent(new CustomEvent(kind, { detail: JSON.parse(event.data) }));
    });
  }
  source.addEventListener("open", () => document.body.classList.remove("offline"));
  source.addEventListener("error", () => {
    document.body.classList.add("offline");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

/** Listens until the view that asked is left. */
export const hear = (kind, listener, signal) => live.addEventListener(kind, (event) => listener(event.detail), { signal });
