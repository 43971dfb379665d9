// Says what kind of device a request comes from, by its User-Agent.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { None } from "../none";

function kindOf(agent: string): string {
  if (agent == "") return "other";
  if (agent.includes("bot") || agent.includes("crawler") || agent.includes("spider")) return "bot";
  if (agent.includes("ipad") || agent.includes("tablet")) return "tablet";
  if (agent.includes("iphone")) return "phone";
  // Android says "Mobile" on phones only.
  if (agent.includes("android")) return agent.includes("mobile") ? "phone" : "tablet";
  if (agent.includes("mobile")) return "phone";
  const isDesktop = agent.includes("windows") || agent.includes("macintosh") || agent.includes("linux");
  return isDesktop ? "desktop" : "other";
}

class DeviceType extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    request.headers.set("x-device-type", kindOf(request.headers.get("user-agent").toLowerCase()));
    return Flow.Continue;
  }
}
definePlugin<None, DeviceType>("device-type");
