/** A call server and message centre of tests: Ro requests of one subscriber, as they are asked for. */
import { createDiameterClient } from '../../src/diameter/client.js';
import { Avp } from '../../src/diameter/generated/avps.js';
import {
  CcRequestType,
  CommandCode,
  MultipleServicesIndicator,
  RequestedAction,
  SubscriptionIdType,
} from '../../src/diameter/generated/enumerations.js';
import { CreditControlAnswer as Cca } from '../../src/diameter/generated/grammars.js';
import {
  CREDIT_CONTROL_APPLICATION,
  FLAG_PROXIABLE,
  FLAG_REQUEST,
} from '../../src/diameter/message-header.js';
import { MESSAGE } from '../../src/diameter/message-reader.js';
import type { MessageWriter } from '../../src/diameter/message-writer.js';
import { readAnswer, type SimulatedAnswer } from '../../src/local/gy-simulator/answers.js';
import { createLogger } from '../../src/observability/logger.js';
import { TEST_REALM } from './daemon.js';

const TYPES = {
  initial: CcRequestType.INITIAL_REQUEST,
  update: CcRequestType.UPDATE_REQUEST,
  terminate: CcRequestType.TERMINATION_REQUEST,
  event: CcRequestType.EVENT_REQUEST,
} as const;

const ACTIONS = {
  debit: RequestedAction.DIRECT_DEBITING,
  refund: RequestedAction.REFUND_ACCOUNT,
  'balance-check': RequestedAction.CHECK_BALANCE,
  'price-enquiry': RequestedAction.PRICE_ENQUIRY,
} as const;

/** What a request says of a service: seconds of a call, or messages. */
export interface Asked {
  readonly kind: 'call' | 'message';
  readonly called: string;
  readonly requested?: number;
  readonly used?: number;
}

export interface CallAnswer extends SimulatedAnswer {
  readonly enoughCredit: boolean | null;
}

export interface CallGateway {
  /** The next request of a session; the number counts up by itself. */
  ask(
    session: string,
    phase: 'initial' | 'update' | 'terminate',
    asked: Asked,
  ): Promise<CallAnswer>;
  /** A one-time event, in a session of its own. */
  event(action: keyof typeof ACTIONS, asked: Asked): Promise<CallAnswer>;
  close(): Promise<void>;
}

export async function openCallGateway(options: {
  readonly host: string;
  readonly realm: string;
  readonly port: number;
  readonly imsi: string;
}): Promise<CallGateway> {
  const { host, realm, port, imsi } = options;
  const client = createDiameterClient(
    { identity: { host, realm, originStateId: 0 }, host: '127.0.0.1', port },
    { logger: createLogger({ level: 'silent' }) },
  );
  await client.open();
  const numbers = new Map<string, number>();
  let events = 0;

  function exchange(
    session: string,
    phase: keyof typeof TYPES,
    asked: Asked,
    action: keyof typeof ACTIONS | null = null,
  ): Promise<CallAnswer> {
    const number = numbers.get(session) ?? 0;
    numbers.set(session, number + 1);
    return client.request(
      (writer, ids) => {
        writer.begin({
          flags: FLAG_REQUEST | FLAG_PROXIABLE,
          command: CommandCode.CreditControl,
          application: CREDIT_CONTROL_APPLICATION,
          ...ids,
        });
        writer.text(Avp.SessionId, `${host};${session}`);
        writer.raw(client.identity.originWithState);
        writer.text(Avp.DestinationRealm, TEST_REALM);
        writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
        writer.text(
          Avp.ServiceContextId,
          asked.kind === 'call' ? '32260@3gpp.org' : '32274@3gpp.org',
        );
        writer.integer32(Avp.CcRequestType, TYPES[phase]);
        writer.unsigned32(Avp.CcRequestNumber, number);
        const subscription = writer.open(Avp.SubscriptionId);
        writer.integer32(Avp.SubscriptionIdType, SubscriptionIdType.END_USER_IMSI);
        writer.text(Avp.SubscriptionIdData, imsi);
        writer.close(subscription);
        if (action !== null) writer.integer32(Avp.RequestedAction, ACTIONS[action]);
        writeUnits(writer, phase, asked);
        writeParties(writer, asked);
        writer.end();
      },
      (reader) => {
        const checked = reader.integer32(MESSAGE, Cca.checkBalanceResult);
        return {
          ...readAnswer(reader),
          enoughCredit: checked === undefined ? null : checked === 0,
        };
      },
    );
  }

  return {
    ask: exchange,
    event: (action, asked) => {
      events += 1;
      return exchange(`event-${events}`, 'event', asked, action);
    },
    close: () => client.close(),
  };
}

/** An event has its units at command level; a session in its one service. */
function writeUnits(writer: MessageWriter, phase: string, asked: Asked): void {
  const amount = (units: number): void => {
    if (asked.kind === 'call') writer.unsigned32(Avp.CcTime, units);
    else writer.unsigned64(Avp.CcServiceSpecificUnits, units);
  };
  const group = (avp: typeof Avp.RequestedServiceUnit, units: number | undefined): void => {
    if (units === undefined) return;
    const mark = writer.open(avp);
    amount(units);
    writer.close(mark);
  };
  if (phase === 'event') {
    group(Avp.RequestedServiceUnit, asked.requested);
    return;
  }
  writer.integer32(
    Avp.MultipleServicesIndicator,
    MultipleServicesIndicator.MULTIPLE_SERVICES_SUPPORTED,
  );
  const service = writer.open(Avp.MultipleServicesCreditControl);
  group(Avp.RequestedServiceUnit, asked.requested);
  group(Avp.UsedServiceUnit, asked.used);
  writer.close(service);
}

function writeParties(writer: MessageWriter, { kind, called }: Asked): void {
  const information = writer.open(Avp.ServiceInformation);
  if (kind === 'call') {
    const ims = writer.open(Avp.ImsInformation);
    writer.integer32(Avp.NodeFunctionality, 6);
    writer.text(Avp.CalledPartyAddress, `sip:+${called}@ims.example;user=phone`);
    writer.close(ims);
  } else {
    const sms = writer.open(Avp.SmsInformation);
    const recipient = writer.open(Avp.RecipientInfo);
    const address = writer.open(Avp.RecipientAddress);
    writer.text(Avp.AddressData, called);
    writer.close(address);
    writer.close(recipient);
    writer.close(sms);
  }
  writer.close(information);
}
