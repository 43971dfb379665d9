export * from "@sluice/sdk/proxy";
import { definePlugin } from "@sluice/sdk";
import { RateLimit } from "./rate-limit";
import { RateLimitConfig } from "./rate-limit-config";

definePlugin<RateLimitConfig, RateLimit>("rate-limit");
