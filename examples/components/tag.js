// A filter in JavaScript, as a component of the world sluice:filter/http-filter (sdk/wit/sluice-filter.wit):
//   sluice componentize examples/components/tag.js -o tag.wasm
import { getConfig, log } from "sluice:filter/host@0.1.0";

export function onConfigure(config) {
  if (config === "") return;
  const { value = "js" } = JSON.parse(config);
  if (typeof value !== "string") throw `value: expected a text, got ${JSON.stringify(value)}`;
}

export function onRequest(request) {
  const { value = "js", deny = "" } = JSON.parse(getConfig() || "{}");
  if (deny !== "" && request.path.startsWith(deny)) {
    log("warn", `denied ${request.path}`);
    const body = new Uint8Array([...`${request.path} is closed\n`].map((char) => char.charCodeAt(0)));
    return { tag: "respond", val: { status: 403, headers: [["content-type", "text/plain"]], body } };
  }
  return { tag: "mutate", val: { set: [["x-tag", value]], remove: ["x-debug"] } };
}

export function onResponse({ status }) {
  return { tag: "mutate", val: { set: [["x-seen", String(status)]], remove: [] } };
}
