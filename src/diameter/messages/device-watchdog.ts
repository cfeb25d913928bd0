/** DWR and DWA [RFC 6733 5.5]. */
import { Avp } from '../generated/avps.js';
import { CommandCode, ResultCode } from '../generated/enumerations.js';
import type { EncodedIdentity } from '../identity.js';
import { BASE_APPLICATION, FLAG_REQUEST, type MessageHeader } from '../message-header.js';
import type { MessageWriter } from '../message-writer.js';

export function writeWatchdogRequest(
  writer: MessageWriter,
  ids: { readonly hopByHop: number; readonly endToEnd: number },
  identity: EncodedIdentity,
): void {
  writer.begin({
    flags: FLAG_REQUEST,
    command: CommandCode.DeviceWatchdog,
    application: BASE_APPLICATION,
    ...ids,
  });
  writer.raw(identity.originWithState);
  writer.end();
}

export function writeWatchdogAnswer(
  writer: MessageWriter,
  request: MessageHeader,
  identity: EncodedIdentity,
): void {
  writer.begin({ ...request, flags: 0 });
  writer.unsigned32(Avp.ResultCode, ResultCode.DIAMETER_SUCCESS);
  writer.raw(identity.originWithState);
  writer.end();
}
