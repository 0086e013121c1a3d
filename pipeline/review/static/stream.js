// The server's event stream, opened again when it was lost for good.

const KINDS = ["hello", "afresh", "job", "job-event", "gallery"];
const AGAIN_MS = 3000;

/** Calls `tell` with {kind, detail}; beside the server's events `open` and `lost`. Returns what closes the stream. */
export function openStream(tell) {
  let source = null, timer = 0;
  const open = () => {
    source = new EventSource("/api/events");
    for (const kind of KINDS) source.addEventListener(kind, (event) => tell({ kind, detail: JSON.parse(event.data) }));
    source.addEventListener("open", () => tell({ kind: "open" }));
    source.addEventListener("error", () => {
      tell({ kind: "lost" });
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
    });
  };
  open();
  return () => { clearTimeout(timer); source.close(); };
}
