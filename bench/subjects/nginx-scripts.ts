// nginx with the work of bench/guests/tier in its own script languages: two reads and one write of request headers.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MODULES, passTo, startNginx } from "./nginx.ts";
import { type Subject, freePort } from "./subject.ts";

export type ScriptName = "nginx+njs" | "nginx+lua";

interface Script {
  readonly modules: readonly string[];
  /** Into `http`; `folder` is where its file is. */
  readonly http: (folder: string) => string;
  /** Into the location. */
  readonly location: string;
}

const TIER_JS = `function tier(r) {
  const agent = r.headersIn["user-agent"];
  const accept = r.headersIn["accept"];
  return agent !== undefined && accept !== undefined && agent.startsWith("wrk") ? "gold" : "plain";
}
export default { tier };
`;

const TIER_LUA = `rewrite_by_lua_block {
  local agent, accept = ngx.var.http_user_agent, ngx.var.http_accept
  local gold = agent and accept and string.sub(agent, 1, 3) == "wrk"
  ngx.req.set_header("x-tier", gold and "gold" or "plain")
}`;

const SCRIPTS: Readonly<Record<ScriptName, Script>> = {
  "nginx+njs": {
    modules: ["ngx_http_js_module.so"],
    http: (folder) => `js_path ${folder}/; js_import tier from tier.js; js_set $tier tier.tier;`,
    location: "proxy_set_header x-tier $tier;",
  },
  "nginx+lua": {
    modules: ["ndk_http_module.so", "ngx_http_lua_module.so"],
    http: () => "",
    location: TIER_LUA,
  },
};

/** Null: the module is not installed here (Debian: libnginx-mod-http-js, libnginx-mod-http-lua). */
export async function startScript(name: ScriptName, folder: string, upstream: number): Promise<Subject | null> {
  const { modules, http, location } = SCRIPTS[name];
  if (!modules.every((module) => existsSync(join(MODULES, module)))) return null;
  writeFileSync(join(folder, "tier.js"), TIER_JS);
  const port = await freePort();
  const { pool, pass } = passTo(upstream);
  const own = pass.replace("location / {", `location / { ${location}`);
  const server = `${http(folder)} ${pool} server { listen 127.0.0.1:${port} backlog=4096; ${own} }`;
  return startNginx(folder, name, { port, server, modules });
}
