/** EAP packets [RFC 3748 4] and the bodies of the two methods spoken here. */

const EAP_CODES = { request: 1, response: 2, success: 3, failure: 4 } as const;
export const EAP_TYPES = { identity: 1, notification: 2, nak: 3, md5: 4, msChap2: 26 } as const;

/** Opcodes of EAP-MSCHAPv2. */
export const MS_CHAP2_OPCODES = { challenge: 1, response: 2, success: 3, failure: 4 } as const;

const HEADER_OCTETS = 5;

export interface EapResponse {
  readonly identifier: number;
  readonly type: number;
  readonly data: Buffer;
}

/** Reads a response; undefined for any other packet, or one whose length is not its own. */
export function decodeEapResponse(octets: Buffer): EapResponse | undefined {
  if (octets.length < HEADER_OCTETS || octets[0] !== EAP_CODES.response) return undefined;
  const length = octets.readUInt16BE(2);
  if (length < HEADER_OCTETS || length > octets.length) return undefined;
  return {
    identifier: octets[1] ?? 0,
    type: octets[4] ?? 0,
    data: octets.subarray(HEADER_OCTETS, length),
  };
}

export function encodeEapRequest(identifier: number, type: number, data: Buffer): Buffer {
  const head = Buffer.from([EAP_CODES.request, identifier, 0, 0, type]);
  head.writeUInt16BE(HEADER_OCTETS + data.length, 2);
  return Buffer.concat([head, data]);
}

/** EAP-Success or EAP-Failure [RFC 3748 4.2]. */
export function encodeEapResult(code: 'success' | 'failure', identifier: number): Buffer {
  return Buffer.from([EAP_CODES[code], identifier, 0, 4]);
}

/** Value-Size and value of an MD5 challenge; no name behind it [RFC 3748 5.4]. */
export function encodeMd5Challenge(challenge: Buffer): Buffer {
  return Buffer.concat([Buffer.from([challenge.length]), challenge]);
}

/** The value of an MD5 response; undefined when its size is not what it says. */
export function decodeMd5Response(data: Buffer): Buffer | undefined {
  const size = data[0] ?? 0;
  return data.length > size ? data.subarray(1, 1 + size) : undefined;
}

/** Opcode, MS-CHAPv2-ID and MS-Length in front of a body [draft-kamath-pppext-eap-mschapv2 2]. */
function encodeMsChap2(opcode: number, identifier: number, body: Buffer): Buffer {
  const head = Buffer.from([opcode, identifier, 0, 0]);
  head.writeUInt16BE(head.length + body.length, 2);
  return Buffer.concat([head, body]);
}

/** Challenge: its size, the challenge, and the server's name. */
export function encodeMsChap2Challenge(
  identifier: number,
  challenge: Buffer,
  serverName: string,
): Buffer {
  const body = Buffer.concat([Buffer.from([challenge.length]), challenge, Buffer.from(serverName)]);
  return encodeMsChap2(MS_CHAP2_OPCODES.challenge, identifier, body);
}

export function encodeMsChap2Success(identifier: number, authenticatorResponse: string): Buffer {
  const message = Buffer.from(`${authenticatorResponse} M=OK`, 'latin1');
  return encodeMsChap2(MS_CHAP2_OPCODES.success, identifier, message);
}

export interface MsChap2Response {
  readonly identifier: number;
  readonly peerChallenge: Buffer;
  readonly ntResponse: Buffer;
  readonly name: string;
}

const RESPONSE_VALUE_OCTETS = 49;

/** Response: opcode, identifier, length, size 49, peer challenge, reserved, response, flags, name. */
export function decodeMsChap2Response(data: Buffer): MsChap2Response | undefined {
  const valueEnd = 5 + RESPONSE_VALUE_OCTETS;
  if (data.length < valueEnd || data[0] !== MS_CHAP2_OPCODES.response) return undefined;
  if (data[4] !== RESPONSE_VALUE_OCTETS) return undefined;
  return {
    identifier: data[1] ?? 0,
    peerChallenge: data.subarray(5, 21),
    ntResponse: data.subarray(29, 53),
    name: data.toString('utf8', valueEnd),
  };
}
