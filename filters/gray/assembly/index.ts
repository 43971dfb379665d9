export * from "@sluice/sdk/proxy";
import { definePlugin } from "@sluice/sdk";
import { Gray } from "./gray";
import { GrayConfig } from "./gray-config";

definePlugin<GrayConfig, Gray>("gray");
