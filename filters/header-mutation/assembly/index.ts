export * from "@sluice/sdk/proxy";
import { definePlugin } from "@sluice/sdk";
import { HeaderMutation, HeaderMutationConfig } from "./header-mutation";

definePlugin<HeaderMutationConfig, HeaderMutation>("header-mutation");
