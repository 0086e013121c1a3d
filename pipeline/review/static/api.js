// Talks to the server. Every refusal becomes an Error with a message and a remedy.

export class Refusal extends Error {
  constructor(status, body) {
    super(body.message || `the server answered ${status}`);
    this.status = status;
    this.remedy = body.remedy || "";
  }
}

async function ask(method, path, body, options = {}) {
  const json = body !== undefined && !(body instanceof Blob) && !(body instanceof FormData);
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body: json ? JSON.stringify(body) : body,
      headers: json ? { "content-type": "application/json" } : body instanceof Blob ? { "content-type": body.type } : {},
      ...options,
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refusal(0, { message: "the page's server does not answer", remedy: "python run.py review" });
  }
  if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

export const get = async (path, options) => (await ask("GET", path, undefined, options)).json();
export const post = async (path, body) => (await ask("POST", path, body)).json();
export const put = async (path, body) => (await ask("PUT", path, body)).json();
export const remove = async (path) => (await ask("DELETE", path)).json();
export const removeNothingBack = async (path) => { await ask("DELETE", path); };
export const picture = async (path, body, options) => (await ask("POST", path, body, options)).blob();

const encodeRef = (ref) => ref.split("/").map(encodeURIComponent).join("/");
const SHOWN = /\.(jpe?g|png|webp)$/i;

export const thumb = (ref, version) => `/thumbs/${encodeRef(ref)}?v=${version}`;
/** The full picture where browsers can show its format, else a large preview. */
export const file = (ref, version) =>
  SHOWN.test(ref) ? `/files/${encodeRef(ref)}?v=${version}` : `/thumbs/${encodeRef(ref)}?large=true&v=${version}`;
export const item = (id) => `/api/items/${encodeURIComponent(id)}`;

export const submit = (job) => post("/api/jobs", job);
export const judge = (items, verdict) => post("/api/verdicts", { items, verdict });
