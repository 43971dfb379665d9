// The configuration of samples that have none.
import { Config } from "@sluice/sdk";

@config
export class None extends Config {}
