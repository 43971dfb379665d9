// Whose connection it is, as whoever stands in front of us says, or as we say to whoever stands behind us (PROXY protocol).

export interface Addresses {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** The 12 bytes that version 2 begins with. */
export const SIGNATURE: Buffer = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
