export * from "@sluice/sdk/proxy";
import { definePlugin } from "@sluice/sdk";
import { __Name__, __Name__Config } from "./__name__";

definePlugin<__Name__Config, __Name__>("__name__");
