export * from "@sluice/sdk/proxy";
import { definePlugin } from "@sluice/sdk";
import { Fault } from "./fault";
import { FaultConfig } from "./fault-config";

definePlugin<FaultConfig, Fault>("fault");
